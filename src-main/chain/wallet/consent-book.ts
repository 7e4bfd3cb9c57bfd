import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { readSmallFile, writeAtomically, type Clock } from '../../base/index.ts';
import type { Hex } from '../types.ts';
import { walletErrors } from './errors.ts';
import { subkey } from './hashes.ts';
import { WALLET_LIMITS } from './options.ts';

const { consents: MAX_CONSENTS, dayMs, perDayUnits } = WALLET_LIMITS;
const MAX_FILE_BYTES = 16_777_216;

const units = z.string().regex(/^(0|[1-9]\d{0,77})$/).transform(BigInt);
const hex = z.string().regex(/^0x[0-9a-f]*$/).max(66).transform((text) => text as Hex);
const stepSchema = z.object({ index: z.number().int().min(0).max(64), nonce: z.number().int().min(0), feeWei: units, hashes: z.array(hex).max(64) });
const consentSchema = z.object({
  id: z.string().min(1).max(128), hash: hex, chainId: z.number().int().min(0), atMs: z.number(), spends: units,
  sessions: z.array(z.object({ sessionId: hex, settlement: hex })).max(8), steps: z.array(stepSchema).max(64),
});
const pageSchema = z.object({ version: z.literal(1), address: hex, perDayUnits: units.nullable(), consents: z.array(consentSchema).max(MAX_CONSENTS), mac: z.string().regex(/^[0-9a-f]{64}$/) });
type Page = z.infer<typeof pageSchema>;
type Content = Omit<Page, 'mac'>;

/** What the owner consented to, and what was signed of it. */
export type Consent = z.infer<typeof consentSchema>;
export type SignedStep = z.infer<typeof stepSchema>;

/**
 * `wallet-consents.json`: consents and the limit, so that a batch goes on after a restart. Authenticated by a key that only the unlocked wallet
 * has: one that was changed by somebody else counts for nothing, and then every decision needs the password.
 */
export class ConsentBook {
  readonly #path: string;
  readonly #clock: Clock;
  #content: Content | undefined;
  #mac: string | undefined;
  #key: Buffer | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** For what is shown while the wallet is locked; nothing is decided by it. */
  async read(address: Hex): Promise<void> {
    const text = await readSmallFile(this.#path, { limitBytes: MAX_FILE_BYTES, tooLarge: () => walletErrors.unreadable({ path: this.#path, reason: 'it is too long' }) });
    const page = text === undefined ? undefined : parsePage(text);
    const isOurs = page?.address === address.toLowerCase();
    this.#content = isOurs ? page : text !== undefined && page === undefined ? changedByOthers(address) : fresh(address);
    this.#mac = isOurs ? page.mac : undefined;
  }

  /** With the account's key, from which on it can be written. */
  async open(address: Hex, accountKey: Uint8Array): Promise<void> {
    this.close();
    await this.#written;
    await this.read(address);
    this.#key = subkey(accountKey, 'consents');
    if (this.#mac !== undefined && this.#content !== undefined && !isMac(this.#mac, macOf(this.#content, this.#key))) this.#content = changedByOthers(address);
  }

  close(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  get perDayUnits(): bigint | null {
    return this.#content === undefined ? perDayUnits : this.#content.perDayUnits;
  }

  /** Of the last 24 hours; what lies in the future, because the clock was set back, counts too. */
  get todayUnits(): bigint {
    const since = this.#clock.now() - dayMs;
    return (this.#content?.consents ?? []).filter(({ atMs }) => atMs > since).reduce((sum, { spends }) => sum + spends, 0n);
  }

  find(id: string): Consent | undefined {
    return this.#content?.consents.find((consent) => consent.id === id);
  }

  settlementOf(sessionId: Hex): { readonly chainId: number; readonly settlement: Hex } | undefined {
    for (const { chainId, sessions } of this.#content?.consents ?? []) {
      const found = sessions.find((session) => session.sessionId === sessionId);
      if (found !== undefined) return { chainId, settlement: found.settlement };
    }
    return undefined;
  }

  add(consent: Consent): Promise<void> {
    return this.#change((content) => ({ ...content, consents: [consent, ...content.consents].slice(0, MAX_CONSENTS) }));
  }

  /** Kept before the signature is given out. */
  putStep(id: string, step: SignedStep): Promise<void> {
    return this.#change((content) => ({
      ...content, consents: content.consents.map((consent) => (consent.id === id ? { ...consent, steps: [...consent.steps.filter(({ index }) => index !== step.index), step] } : consent)),
    }));
  }

  setLimit(limit: bigint | null): Promise<void> {
    return this.#change((content) => ({ ...content, perDayUnits: limit }));
  }

  #change(change: (content: Content) => Content): Promise<void> {
    const run = this.#written.then(async () => {
      if (this.#key === undefined || this.#content === undefined) throw walletErrors.locked({});
      const content = change(this.#content);
      const mac = macOf(content, this.#key).toString('hex');
      await writeAtomically(this.#path, async (file) => void (await file.writeFile(`${textOf({ ...content, mac })}\n`)), 0o600);
      [this.#content, this.#mac] = [content, mac];
    });
    this.#written = run.catch(() => undefined);
    return run;
  }
}

const fresh = (address: Hex): Content => ({ version: 1, address: address.toLowerCase() as Hex, perDayUnits, consents: [] });
/** Without a consent, and with a limit under which nothing goes without the password. */
const changedByOthers = (address: Hex): Content => ({ ...fresh(address), perDayUnits: 0n });
const textOf = (value: object): string => JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
const macOf = ({ version, address, perDayUnits: limit, consents }: Content, key: Buffer): Buffer => createHmac('sha256', key).update(textOf([version, address, limit, consents])).digest();
const isMac = (hexMac: string, mac: Buffer): boolean => timingSafeEqual(Buffer.from(hexMac, 'hex'), mac);

function parsePage(text: string): Page | undefined {
  try {
    return pageSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
