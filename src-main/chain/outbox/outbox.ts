import { CodedError, Events, isCoded, toCoded, SerialQueue, type Clock, type Logger } from '../../base/index.ts';
import { chainErrors } from '../errors.ts';
import type { Batch, TransactionSigner } from '../types.ts';
import { BoxFile, entryOf, type BatchRow } from './box-file.ts';
import { batchStatus } from './progress.ts';
import { Sender, type SenderChain, type SenderOptions } from './sender.ts';
import type { OutboxEntry, OutboxEvents } from './types.ts';

export interface OutboxInit {
  readonly path: string;
  readonly chain: SenderChain;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options?: Partial<SenderOptions>;
}

const LISTED = 200;
const isOver = ({ status }: { readonly status: string }): boolean => status === 'confirmed' || status === 'failed' || status === 'refused';

/**
 * What the owner decided to send, kept until it is in the chain for good: sent in order, resent at higher fees, followed through reorganisations. It is on the disk before
 * it is out, so that a crash loses nothing and sends nothing twice.
 */
export class Outbox {
  readonly events = new Events<OutboxEvents>();
  readonly #init: OutboxInit;
  readonly #signers = new Map<string, TransactionSigner>();
  readonly #turns = new SerialQueue();
  #file: BoxFile | undefined;
  #sender: Sender | undefined;
  #isDue = false;

  constructor(init: OutboxInit) {
    this.#init = init;
  }

  /** Throws CHAIN_IN_USE, CHAIN_DAMAGED, CHAIN_TOO_NEW, CHAIN_UNUSABLE. */
  open(): void {
    this.#file = new BoxFile(this.#init.path);
    this.#sender = new Sender({ ...this.#init, file: this.#file, signerOf: (account) => this.#signers.get(account.toLowerCase()), changed: (id) => this.#changed(id) });
  }

  async close(): Promise<void> {
    this.#sender?.stop();
    await this.#turns.add(async () => undefined);
    this.#file?.close();
    this.#file = undefined;
  }

  /** Who signs for an account; what waited for it goes on. */
  use(signer: TransactionSigner): void {
    this.#signers.set(signer.address.toLowerCase(), signer);
    this.wake();
  }

  /** A decision that the owner has been asked for. A restart takes it for refused. */
  asking(batch: Batch): void {
    if (this.#open.insert(batch, 'asking', this.#init.clock.now())) this.#changed(batch.id);
  }

  refuse(id: string): void {
    const row = this.#row(id);
    this.#open.setAll(row.seq, 'asking', 'refused');
    this.#changed(id);
  }

  /** The owner has decided. Adding the same again changes nothing. */
  add(batch: Batch, signer?: TransactionSigner): OutboxEntry {
    if (signer !== undefined) this.#signers.set(signer.address.toLowerCase(), signer);
    this.#open.insert(batch, 'queued', this.#init.clock.now());
    const row = this.#row(batch.id);
    if (row.status === 'asking') this.#open.setAll(row.seq, 'asking', 'queued');
    this.#changed(batch.id);
    this.wake();
    return entryOf(this.#row(batch.id));
  }

  /** What is not sent yet is not sent any more; what is out stays out. */
  cancel(id: string): void {
    const row = this.#row(id);
    this.#open.together(() => {
      this.#open.setAll(row.seq, 'queued', 'failed');
      const steps = this.#open.find(id)?.steps ?? [];
      this.#open.setBatch(row.seq, batchStatus(steps), chainErrors.notSent({ reason: 'the owner took it back' }));
    });
    this.#changed(id);
  }

  /** The newest first, 200 at most. */
  entries(): OutboxEntry[] {
    return this.#open.newest(LISTED).map(entryOf);
  }

  entry(id: string): OutboxEntry | undefined {
    const row = this.#open.find(id);
    return row === undefined ? undefined : entryOf(row);
  }

  /** When it is confirmed. Throws why it failed, CHAIN_NOT_SENT where the owner refused, CHAIN_UNKNOWN_BATCH. */
  async settled(id: string, signal?: AbortSignal): Promise<OutboxEntry> {
    const entry = entryOf(this.#row(id));
    const over = isOver(entry) ? entry : await this.events.once('changed', { accept: (changed) => changed.batch.id === id && isOver(changed), ...(signal === undefined ? {} : { signal }) });
    if (over.status === 'confirmed') return over;
    throw over.error === undefined ? chainErrors.notSent({ reason: 'the owner refused' }) : CodedError.fromWire(over.error);
  }

  /** Looks at what is open: at a new block, when the chain is back, when somebody signs again. Many at once are one. */
  wake(): void {
    if (this.#isDue || this.#file === undefined) return;
    this.#isDue = true;
    void this.#turns.add(async () => {
      this.#isDue = false;
      await this.#sender?.turn().catch((error: unknown) => this.#note(error));
    });
  }

  #note(error: unknown): void {
    if (!isCoded(error) || !error.retryable) this.#init.logger.warn({ error: toCoded(error).toWire() }, 'the outbox stopped short');
  }

  get #open(): BoxFile {
    if (this.#file === undefined) throw chainErrors.notRunning({});
    return this.#file;
  }

  #row(id: string): BatchRow {
    const row = this.#open.find(id);
    if (row === undefined) throw chainErrors.unknownBatch({ id });
    return row;
  }

  #changed(id: string): void {
    this.events.emit('changed', entryOf(this.#row(id)));
  }
}
