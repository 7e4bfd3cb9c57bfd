import { join } from 'node:path';
import { getAddress } from 'viem';
import { systemClock, Events, type Clock, type SecretBox } from '../../base/index.ts';
import type { Batch, Hex, TransactionSigner, UnsignedTransaction } from '../types.ts';
import { Attempts } from './attempts.ts';
import { ConsentBook } from './consent-book.ts';
import { walletErrors } from './errors.ts';
import { HeldKey } from './held-key.ts';
import { openKey, openText, sealKey, sealText } from './keystore.ts';
import { parseKeystore } from './keystore-schema.ts';
import { SCRYPT_COST, WALLET_LIMITS, type ScryptCost } from './options.ts';
import { checkedPhrase, keyOfPhrase, newPhrase, type PhraseWords } from './phrase.ts';
import { accountOf, addressOf, checkedKey, signStep, signSubject, voucherOf } from './signing.ts';
import type { Approval, PasswordReason, Subject, WalletEvents, WalletStanding, Warning } from './types.ts';
import type { ChainWitness } from './witness.ts';
import { WalletStore, type WalletFile } from './wallet-file.ts';

export interface WalletInit {
  readonly home: string;
  /** Seals the file besides, where the system can. */
  readonly box?: SecretBox;
  readonly clock?: Clock;
  /** Left out, a call keeps the nonce that it was signed with first, and is counted at the highest fee that was signed. */
  readonly witness?: ChainWitness;
  readonly idleLockMs?: number;
  /** A cheaper scrypt; no configuration leads here. */
  readonly costForTests?: ScryptCost;
}

/** These say only that something may fail; the others that somebody may lose by it. */
const HARMLESS: ReadonlySet<Warning> = new Set(['reverts', 'not-simulated']);

/** The owner's account. Its key is here alone, and signs what the owner approved (`approve`) and nothing else. Throws WALLET_*. */
export class Wallet {
  readonly events = new Events<WalletEvents>();
  readonly #init: WalletInit;
  readonly #store: WalletStore;
  readonly #book: ConsentBook;
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #held: HeldKey;
  #file: WalletFile | undefined;

  private constructor(init: WalletInit) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
    this.#store = new WalletStore(join(init.home, 'wallet.json'), init.box);
    this.#book = new ConsentBook(join(init.home, 'wallet-consents.json'), this.#clock);
    this.#attempts = new Attempts(this.#clock);
    this.#held = new HeldKey(init.idleLockMs ?? WALLET_LIMITS.idleLockMs, () => this.lock());
  }

  /** Locked, or none. Throws WALLET_UNREADABLE, WALLET_READABLE_BY_OTHERS, WALLET_SEALED. */
  static async open(init: WalletInit): Promise<Wallet> {
    const wallet = new Wallet(init);
    await wallet.#read();
    return wallet;
  }

  state(): WalletStanding {
    if (this.#file === undefined) return { status: 'none' };
    const { perDayUnits, todayUnits } = this.#book;
    return {
      status: this.#held.isHeld ? 'ready' : 'locked', address: addressIn(this.#file), keeping: this.#store.keeping,
      spend: { perDayUnits, todayUnits }, hasPhrase: this.#file.omninode.phrase !== undefined,
    };
  }

  /** Throws WALLET_NONE. */
  get address(): Hex {
    return addressIn(this.#having());
  }

  /** A new account, unlocked; the phrase is for the owner to write down. Throws WALLET_EXISTS, WALLET_WEAK_PASSWORD. */
  async create(password: string, words: PhraseWords = 24): Promise<{ readonly phrase: string }> {
    const phrase = newPhrase(words);
    await this.#begin({ key: keyOfPhrase(phrase), phrase, password });
    return { phrase };
  }

  /** Throws WALLET_BAD_PHRASE as well. */
  async importPhrase(text: string, password: string): Promise<void> {
    const phrase = checkedPhrase(text);
    await this.#begin({ key: keyOfPhrase(phrase), phrase, password });
  }

  /** Throws WALLET_BAD_KEY as well. */
  async importKey(text: string, password: string): Promise<void> {
    await this.#begin({ key: checkedKey(text), password });
  }

  /** A keystore of version 3. Throws WALLET_BAD_KEYSTORE, WALLET_WRONG_PASSWORD as well. */
  async importFile(text: string, { filePassword, password }: { readonly filePassword: string; readonly password: string }): Promise<void> {
    const keystore = parseKeystore(text);
    checkPassword(password);
    const { key, derived } = await this.#attempts.attempt(() => openKey(keystore, filePassword));
    derived.fill(0);
    await this.#begin({ key, password });
  }

  /** Throws WALLET_WRONG_PASSWORD, WALLET_TOO_MANY_ATTEMPTS. */
  async unlock(password: string): Promise<void> {
    await this.#read();
    const { key, derived } = await this.#open(password);
    derived.fill(0);
    await this.#hold(key);
    this.events.emit('unlocked', this.address);
  }

  lock(): void {
    if (!this.#held.isHeld) return;
    this.#held.release();
    this.#book.close();
    this.#changed();
  }

  /** A keystore of version 3, for other programs. */
  async exportFile(password: string): Promise<string> {
    const { key, derived } = await this.#open(password);
    key.fill(0);
    derived.fill(0);
    const { version, id, address, crypto } = this.#having();
    return JSON.stringify({ version, id, address, crypto }, undefined, 2);
  }

  /** Throws WALLET_NO_PHRASE. */
  async exportPhrase(password: string): Promise<string> {
    const { phrase } = this.#having().omninode;
    if (phrase === undefined) throw walletErrors.noPhrase({});
    const { key, derived } = await this.#open(password);
    key.fill(0);
    try {
      return openText(phrase, derived);
    } catch {
      throw walletErrors.unreadable({ path: this.#store.path, reason: 'its phrase was changed' });
    } finally {
      derived.fill(0);
    }
  }

  async changePassword(old: string, password: string): Promise<void> {
    checkPassword(password);
    const { phrase } = this.#having().omninode;
    const { key, derived } = await this.#open(old);
    const text = phrase === undefined ? undefined : openText(phrase, derived);
    derived.fill(0);
    await this.#write({ key, password, ...(text === undefined ? {} : { phrase: text }) });
    await this.#hold(key);
  }

  /** 1e-18 SUM a day; null: no limit. */
  async setLimit(perDayUnits: bigint | null, password: string): Promise<void> {
    await this.unlock(password);
    await this.#book.setLimit(perDayUnits);
    this.#changed();
  }

  /** Why this cannot be approved by a click. */
  passwordNeeded({ spends, warnings }: Pick<Subject, 'spends' | 'warnings'>): PasswordReason | undefined {
    if (!this.#held.isHeld) return 'locked';
    const { perDayUnits, todayUnits } = this.#book;
    if (perDayUnits !== null && spends > 0n && todayUnits + spends > perDayUnits) return 'over-limit';
    return warnings.some((warning) => !HARMLESS.has(warning)) ? 'warned' : undefined;
  }

  /** The owner approved: counted, remembered, and signed where it is signed at once. For `Consents`. Throws WALLET_PASSWORD_NEEDED. */
  async approve(id: string, subject: Subject, password?: string): Promise<Approval> {
    if (password !== undefined) await this.unlock(password);
    const why = password === undefined ? this.passwordNeeded(subject) : undefined;
    if (why !== undefined) throw walletErrors.passwordNeeded({ why });
    if (this.#book.find(id) !== undefined) throw walletErrors.knownId({});
    const { hash, signature } = await signSubject(this.#held.use(), subject);
    const sessions = subject.kind === 'batch' ? [...subject.sessions] : [];
    await this.#book.add({ id, hash, chainId: subject.chain.chainId, atMs: this.#clock.now(), spends: subject.spends, sessions, steps: [] });
    this.#changed();
    return signature === undefined ? {} : { signature };
  }

  /** Whether this very batch was approved. */
  isApproved(id: string): boolean {
    return this.#book.find(id) !== undefined;
  }

  /** For the outbox. Throws WALLET_NONE. */
  signer(): TransactionSigner {
    return { address: this.address, sign: (batch, index, transaction) => this.#sign(batch, index, transaction) };
  }

  /** A voucher of a paid session whose opening was approved (EIP-712). Throws WALLET_LOCKED, WALLET_NOT_CONSENTED. */
  async signVoucher({ sessionId, root }: { readonly sessionId: Hex; readonly root: Hex }): Promise<Hex> {
    const account = accountOf(this.#held.use());
    const opened = this.#book.settlementOf(sessionId);
    if (opened === undefined) throw walletErrors.notConsented({ reason: 'no consent opened this session' });
    return account.signTypedData(voucherOf({ ...opened, sessionId, root }));
  }

  async #sign(batch: Batch, index: number, transaction: UnsignedTransaction): Promise<Hex> {
    const key = this.#held.use();
    const { signed, step } = await signStep(key, { batch, index, transaction, consent: this.#book.find(batch.id), witness: this.#init.witness });
    await this.#book.putStep(batch.id, step);
    return signed;
  }

  async #begin({ key, phrase, password }: Begun): Promise<void> {
    checkPassword(password);
    if (this.#file !== undefined || (await this.#store.read()) !== undefined) throw walletErrors.exists({ path: this.#store.path });
    await this.#write({ key, password, ...(phrase === undefined ? {} : { phrase }) });
    await this.#hold(key);
    this.events.emit('unlocked', this.address);
  }

  async #write({ key, phrase, password }: Begun): Promise<void> {
    const { keystore, derived } = await sealKey(key, password, { cost: this.#init.costForTests ?? SCRYPT_COST, address: addressOf(key) });
    const createdAtMs = this.#file?.omninode.createdAtMs ?? this.#clock.now();
    const file = { ...keystore, address: addressOf(key).slice(2).toLowerCase(), omninode: { createdAtMs, ...(phrase === undefined ? {} : { phrase: sealText(phrase, derived) }) } };
    derived.fill(0);
    await this.#store.write(file);
    this.#file = file;
  }

  async #hold(key: Uint8Array): Promise<void> {
    await this.#book.open(this.address, key);
    this.#held.hold(key);
    this.#changed();
  }

  async #open(password: string): Promise<Awaited<ReturnType<typeof openKey>>> {
    const file = this.#having();
    const opened = await this.#attempts.attempt(() => openKey(file, password.slice(0, WALLET_LIMITS.passwordChars.most + 1)));
    if (addressOf(opened.key) !== addressIn(file)) throw walletErrors.unreadable({ path: this.#store.path, reason: 'its address is not that of its key' });
    return opened;
  }

  async #read(): Promise<void> {
    this.#file = await this.#store.read();
    if (this.#file !== undefined && !this.#held.isHeld) await this.#book.read(addressIn(this.#file));
  }

  #having(): WalletFile {
    if (this.#file === undefined) throw walletErrors.none({});
    return this.#file;
  }

  #changed(): void {
    this.events.emit('changed', this.state());
  }
}

interface Begun {
  readonly key: Uint8Array;
  readonly phrase?: string;
  readonly password: string;
}

const addressIn = ({ address }: WalletFile): Hex => getAddress(`0x${address.replace(/^0x/, '')}`);

function checkPassword(password: string): void {
  const { least, most } = WALLET_LIMITS.passwordChars;
  const length = [...password].length;
  if (length < least || length > most) throw walletErrors.weakPassword({ least, most });
}
