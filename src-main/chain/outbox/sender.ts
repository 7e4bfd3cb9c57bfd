import { keccak256 } from 'viem';
import { toCoded, type Clock, type CodedError, type Logger } from '../../base/index.ts';
import { RpcError } from '../client/json-rpc.ts';
import { estimateGas, isKnown, readBalance, readHead, readNonce, readReceipt, readTip, type Head, type Receipt, type Request } from '../client/reads.ts';
import { decodeError } from '../decode.ts';
import { chainErrors } from '../errors.ts';
import { leastGas } from '../least-gas.ts';
import type { ContractAddresses, Hex, TransactionSigner, UnsignedTransaction } from '../types.ts';
import type { BatchRow, BoxFile, StepRow } from './box-file.ts';
import { fitted, larger, raisedFees, suggestedFees, withMargin, type Fees } from './fees.ts';
import { batchStatus, budgetLeft, isUnderway, nextStep } from './progress.ts';
import { revertReason } from './revert-reason.ts';

/** What the outbox asks of a chain. */
export interface SenderChain {
  readonly request: Request;
  readonly chainId: number;
  readonly contracts: ContractAddresses;
  readonly confirmations: number;
}

export interface SenderOptions {
  /** A transaction that waits for longer is signed again at a higher fee. */
  readonly stuckMs: number;
  /** Wei per gas, where the node names none. */
  readonly tip: bigint;
}
const DEFAULTS: SenderOptions = { stuckMs: 60_000, tip: 1_000_000_000n };

/** How often a step's number may be used by another program until it is given up. */
const MAX_TAKEN = 5;
/** Passes of one turn: each sends one step for each account. */
const MAX_PASSES = 64;

const LINK_LOST: ReadonlySet<string> = new Set(['CHAIN_DOWN', 'CHAIN_WRONG_NETWORK', 'CHAIN_BAD_ANSWER']);
/** What passes though nobody says so: the owner unlocks, a node takes what it refused. */
const WAITED_FOR: ReadonlySet<string> = new Set(['WALLET_LOCKED', 'CHAIN_REFUSED']);

export interface SenderInit {
  readonly file: BoxFile;
  readonly chain: SenderChain;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options?: Partial<SenderOptions>;
  readonly signerOf: (account: Hex) => TransactionSigner | undefined;
  readonly changed: (id: string) => void;
}

/**
 * Moves open batches on. It trusts no error text: what a node refused is looked up on the chain (is it known, is its number used, is it in a block), and that decides.
 */
export class Sender {
  readonly #init: SenderInit;
  readonly #options: SenderOptions;
  readonly #taken = new Map<string, number>();
  #isStopped = false;

  constructor(init: SenderInit) {
    this.#init = init;
    this.#options = { ...DEFAULTS, ...init.options };
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** As far as it goes now. Throws CHAIN_DOWN and the like; what was written stays. */
  async turn(): Promise<void> {
    for (let pass = 0; pass < MAX_PASSES && !this.#isStopped; pass++) {
      const open = this.#init.file.open();
      if (open.length === 0) return;
      const head = await readHead(this.#init.chain.request);
      for (const row of open) await this.#followAll(row, head);
      const accounts = Map.groupBy(this.#init.file.open(), ({ batch }) => batch.from.toLowerCase());
      const sent = [];
      for (const rows of accounts.values()) sent.push(await this.#advance(rows, head));
      if (!sent.some(Boolean)) return;
    }
  }

  async #followAll(row: BatchRow, head: Head): Promise<void> {
    for (const step of row.steps) if (isUnderway(step) && !this.#isStopped) await this.#follow(row, step, head);
  }

  async #follow(row: BatchRow, step: StepRow, head: Head): Promise<void> {
    const found = await this.#receiptOf(step);
    if (found !== undefined) return await this.#mined(row, step, { ...found, head });
    if (step.status === 'mined') {
      this.#init.logger.info({ id: row.batch.id, step: step.call.what }, 'a transaction left the chain with its block and is sent again');
      this.#set(row, () => this.#init.file.setStep(step, { status: 'sent' }));
      return await this.#follow(row, { ...step, status: 'sent' }, head);
    }
    const nonce = step.nonce ?? 0;
    if (await readNonce(this.#init.chain.request, row.batch.from, 'latest') > nonce) return await this.#numberUsed(row, step, head);
    await this.#waiting(row, step, head);
  }

  async #receiptOf({ attempts }: StepRow): Promise<{ receipt: Receipt; hash: Hex } | undefined> {
    for (const { hash } of attempts.toReversed()) {
      const receipt = await readReceipt(this.#init.chain.request, hash);
      if (receipt !== undefined) return { receipt, hash };
    }
    return undefined;
  }

  async #mined(row: BatchRow, step: StepRow, { receipt, hash, head }: { readonly receipt: Receipt; readonly hash: Hex; readonly head: Head }): Promise<void> {
    const { blockNumber, blockHash, gasUsed, effectiveGasPrice } = receipt;
    const isLasting = head.number - blockNumber >= BigInt(this.#init.chain.confirmations);
    const isSame = step.status === 'mined' && step.blockHash === blockHash;
    if (isSame && !isLasting) return;
    const isReverted = receipt.status !== 1n;
    const error = isReverted ? await revertReason(this.#init.chain, { from: row.batch.from, call: step.call, block: blockNumber }) : undefined;
    const status = !isLasting ? 'mined' : isReverted ? 'failed' : 'confirmed';
    this.#set(row, () => this.#init.file.setStep(step, { status, hash, block: blockNumber, blockHash, fee: gasUsed * effectiveGasPrice, ...(error === undefined ? {} : { error }) }), error ?? null);
  }

  /** The account's next number is higher, and none of ours is in a block: perhaps one will be seen in a moment; otherwise another program used it. */
  async #numberUsed(row: BatchRow, step: StepRow, head: Head): Promise<void> {
    const lasting = head.number - BigInt(this.#init.chain.confirmations);
    if (lasting < 0n || await readNonce(this.#init.chain.request, row.batch.from, lasting) <= (step.nonce ?? 0)) return;
    if (await this.#receiptOf(step) !== undefined) return;
    const key = `${step.seq}/${step.position}`;
    const taken = (this.#taken.get(key) ?? 0) + 1;
    this.#taken.set(key, taken);
    if (taken > MAX_TAKEN) this.#fail(row, step, chainErrors.nonceTaken({ account: row.batch.from, nonce: step.nonce ?? 0 }));
    else this.#set(row, () => this.#init.file.unsend(step));
  }

  async #waiting(row: BatchRow, step: StepRow, head: Head): Promise<void> {
    const newest = step.attempts.at(-1);
    if (newest === undefined) return;
    const known = await this.#isAnyKnown(step);
    const isRefused = known ? false : !(await this.#broadcast(row, step, newest.raw));
    const isStuck = this.#init.clock.now() - newest.atMs >= this.#options.stuckMs;
    if (isRefused || (known && isStuck)) await this.#resend(row, step, head);
  }

  async #isAnyKnown({ attempts }: StepRow): Promise<boolean> {
    for (const { hash } of attempts.toReversed()) if (await isKnown(this.#init.chain.request, hash)) return true;
    return false;
  }

  /** Whether the node has it now, or its number is used: then the next look tells more. */
  async #broadcast(row: BatchRow, step: StepRow, raw: Hex): Promise<boolean> {
    const { request } = this.#init.chain;
    try {
      await request({ method: 'eth_sendRawTransaction', params: [raw] });
      return true;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (await isKnown(request, keccak256(raw)) || await readNonce(request, row.batch.from, 'latest') > (step.nonce ?? 0)) return true;
      this.#note(row, decodeError(error, { method: 'eth_sendRawTransaction' }));
      return false;
    }
  }

  /** The same number again, dearer. */
  async #resend(row: BatchRow, step: StepRow, head: Head): Promise<void> {
    const before = step.attempts.at(-1);
    if (before === undefined) return;
    const budget = budgetLeft(row, step);
    const fees = raisedFees(before, await this.#fees(head), { gas: before.gas, budget });
    if (fees === undefined) return this.#note(row, chainErrors.feeTooHigh({ needWei: String((before.maxFeePerGas * 9n * before.gas) / 8n), maxWei: String(budget) }));
    const { from } = row.batch;
    const [haveWei, needWei] = [await readBalance(this.#init.chain.request, from), step.call.value + before.gas * fees.maxFeePerGas];
    if (haveWei < needWei) return this.#note(row, chainErrors.noFunds({ account: from, needWei: String(needWei), haveWei: String(haveWei) }));
    await this.#signAndSend(row, step, { nonce: step.nonce ?? 0, gas: before.gas, ...fees });
  }

  /** Whether something was sent. */
  async #advance(rows: readonly BatchRow[], head: Head): Promise<boolean> {
    const next = nextStep(rows);
    if (next === undefined) return false;
    const { row, step } = next;
    const { from } = row.batch;
    const { request } = this.#init.chain;
    const estimated = await estimateGas(request, { from, ...step.call }).catch((error: unknown) => decodeError(error, { contracts: this.#init.chain.contracts, to: step.call.to, method: 'eth_estimateGas' }));
    if (typeof estimated !== 'bigint') return this.#notSent(row, step, estimated);
    const gas = larger(withMargin(estimated), leastGas(this.#init.chain.contracts, step.call));
    const wanted = await this.#fees(head);
    const budget = budgetLeft(row, step);
    const fees = fitted(wanted, { gas, budget, baseFee: head.baseFeePerGas ?? 0n });
    if (fees === undefined) return this.#notSent(row, step, chainErrors.feeTooHigh({ needWei: String(gas * wanted.maxFeePerGas), maxWei: String(budget) }));
    const [haveWei, needWei] = [await readBalance(request, from), step.call.value + gas * fees.maxFeePerGas];
    if (haveWei < needWei) return this.#notSent(row, step, chainErrors.noFunds({ account: from, needWei: String(needWei), haveWei: String(haveWei) }));
    return await this.#signAndSend(row, step, { nonce: await readNonce(request, from, 'pending'), gas, ...fees });
  }

  async #fees(head: Head): Promise<Fees> {
    return suggestedFees(head.baseFeePerGas ?? 0n, await readTip(this.#init.chain.request, this.#options.tip));
  }

  /** On the disk first: from then on it counts as out. */
  async #signAndSend(row: BatchRow, step: StepRow, { nonce, gas, ...fees }: Fees & { readonly nonce: number; readonly gas: bigint }): Promise<boolean> {
    const { to, data, value } = step.call;
    const transaction: UnsignedTransaction = { chainId: this.#init.chain.chainId, nonce, to, data, value, gas, maxFeePerGas: fees.maxFeePerGas, maxPriorityFeePerGas: fees.maxPriorityFeePerGas };
    const raw = await this.#sign(row, step, transaction);
    if (raw === undefined || this.#isStopped) return false;
    let isKept = false;
    this.#set(row, () => { isKept = this.#init.file.addAttempt(step, transaction, { hash: keccak256(raw), raw, atMs: this.#init.clock.now() }); }, null);
    // The owner took it back while it was signed.
    if (!isKept) return false;
    return await this.#broadcast(row, { ...step, nonce }, raw);
  }

  async #sign(row: BatchRow, step: StepRow, transaction: UnsignedTransaction): Promise<Hex | undefined> {
    const signer = this.#init.signerOf(row.batch.from);
    try {
      if (signer === undefined) throw chainErrors.noSigner({ account: row.batch.from });
      return await signer.sign(row.batch, step.position, transaction);
    } catch (error) {
      const coded = toCoded(error);
      // A step that is out already stays as it is: only its next signature is missing.
      if (isUnderway(step)) this.#note(row, coded);
      else this.#notSent(row, step, coded);
      return undefined;
    }
  }

  /** What may pass is waited for, anything else is the end of the batch. */
  #notSent(row: BatchRow, step: StepRow, error: CodedError): false {
    if (LINK_LOST.has(error.code)) throw error;
    if (error.retryable || WAITED_FOR.has(error.code)) this.#note(row, error);
    else this.#fail(row, step, error);
    return false;
  }

  #fail(row: BatchRow, step: StepRow, error: CodedError): void {
    this.#set(row, () => this.#init.file.setStep(step, { status: 'failed', error }), error);
  }

  #note(row: BatchRow, error: CodedError): void {
    if (row.error?.code !== error.code || row.error.message !== error.message) this.#set(row, () => undefined, error);
  }

  /** Changes a step and with it the batch, at once. Error: null clears it, undefined leaves it. */
  #set({ seq, batch }: BatchRow, change: () => void, error?: CodedError | null): void {
    const { file } = this.#init;
    file.together(() => {
      change();
      const row = file.find(batch.id);
      if (row === undefined) return;
      if (row.steps.some(({ status }) => status === 'failed')) file.setAll(seq, 'queued', 'failed');
      file.setBatch(seq, batchStatus(file.find(batch.id)?.steps ?? []), error === undefined ? row.error : error ?? undefined);
    });
    this.#init.changed(batch.id);
  }
}
