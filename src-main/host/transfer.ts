import { once } from 'node:events';
import { CodedError, forkChild, isCoded, type Child, type ShardCid, type SpawnChild, type WireError } from '../base/index.ts';
import { exchangeErrors } from '../store/index.ts';
import { hostErrors } from './errors.ts';
import { fromTransferSchema, type FromTransfer, type StartTransferMessage, type ToTransfer, type TransferEvent, type TransferReport } from './transfer-messages.ts';
import type { TransferJob } from './transfer-node.ts';

const STOP_TIMEOUT_MS = 5_000;

/** As the process is asked; its events come as messages. */
export interface TransferRequest extends Omit<TransferJob, 'onEvent'> {
  readonly onEvent?: ((event: TransferEvent) => void) | undefined;
}

export interface StartTransferOptions extends Omit<StartTransferMessage, 'type' | 'listen'> {
  readonly listen: readonly string[];
  readonly processPath: string;
  readonly spawn?: SpawnChild | undefined;
}

interface Pending {
  readonly resolve: (message: FromTransfer) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent: ((event: TransferEvent) => void) | undefined;
}

/** The process that moves shards, as its parent has it. */
export class Transfer {
  readonly addresses: readonly string[];
  readonly peerId: string;
  /** Settles when the process ended, however. Never rejects. */
  readonly closed: Promise<CodedError>;
  readonly #closed = Promise.withResolvers<CodedError>();
  readonly #child: Child;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #gone: CodedError | undefined;

  private constructor(child: Child, { peerId, addresses }: Extract<FromTransfer, { type: 'ready' }>) {
    this.#child = child;
    this.closed = this.#closed.promise;
    this.peerId = peerId;
    this.addresses = addresses;
    child.on('message', (raw) => this.#read(raw));
    child.once('exit', (code, by) => {
      this.#lose(hostErrors.transferGone({ how: by ?? `exit code ${code}` }));
      if (this.#gone !== undefined) this.#closed.resolve(this.#gone);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Throws HOST_TRANSFER_GONE, MESH_PORT_IN_USE, MESH_LISTEN_FAILED, CATALOG_*. */
  static async start({ processPath, spawn = forkChild, listen, ...options }: StartTransferOptions): Promise<Transfer> {
    const child = spawn(processPath);
    const exited = once(child, 'exit').then(([code, by]) => Promise.reject(hostErrors.transferGone({ how: by ?? `exit code ${code}` })));
    exited.catch(() => undefined);
    child.send({ type: 'start', listen: [...listen], ...options } satisfies StartTransferMessage);
    const [raw] = (await Promise.race([once(child, 'message'), exited])) as unknown[];
    const answer = fromTransferSchema.parse(raw);
    if (answer.type === 'ready') return new Transfer(child, answer);
    child.kill('SIGKILL');
    throw answer.type === 'failed' ? CodedError.fromWire(answer.error as WireError) : hostErrors.transferGone({ how: 'it did not get ready' });
  }

  /** Fetches shards into the store, and gives them to others from then on. Throws EXCHANGE_*, SPACE_*, CATALOG_*. */
  async fetch({ signal, onEvent, shards, peers, urls, more, downloadBytesPerSecond, patienceMs }: TransferRequest): Promise<TransferReport> {
    const job = { type: 'fetch' as const, shards: [...shards], peers: [...peers], urls: [...urls], downloadBytesPerSecond, patienceMs };
    const answer = await this.#call((id) => ({ ...job, id }), { signal, onEvent, more });
    if (answer.type !== 'fetched') throw hostErrors.transferGone({ how: `it answered ${answer.type}` });
    return answer.report;
  }

  /** A single block: a manifest. Throws EXCHANGE_NOT_FOUND, EXCHANGE_*, MESH_*. */
  async block(cid: ShardCid, peers: readonly string[], signal?: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#call((id) => ({ type: 'block', id, cid, peers: [...peers] }), { signal });
    if (answer.type !== 'block') throw hostErrors.transferGone({ how: `it answered ${answer.type}` });
    return answer.bytes;
  }

  async stop(): Promise<void> {
    if (this.#gone !== undefined) return;
    const exited = once(this.#child, 'exit');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    if (this.#child.connected) this.#child.send({ type: 'stop' } satisfies ToTransfer);
    else this.#child.kill('SIGKILL');
    await exited.finally(() => clearTimeout(timer));
  }

  async #call(message: (id: number) => ToTransfer, { signal, onEvent, more }: Pick<TransferRequest, 'signal' | 'onEvent' | 'more'>): Promise<FromTransfer> {
    if (this.#gone !== undefined) throw this.#gone;
    if (isAborted(signal)) throw reasonOf(signal);
    const id = this.#lastId++;
    const { promise, resolve, reject } = Promise.withResolvers<FromTransfer>();
    this.#pending.set(id, { resolve, reject, onEvent });
    const cancel = (): void => void this.#child.send({ type: 'cancel', id } satisfies ToTransfer);
    signal?.addEventListener('abort', cancel, { once: true });
    this.#child.send(message(id));
    if (more !== undefined) void this.#pass(id, more);
    try {
      return await promise;
    } catch (error) {
      throw isAborted(signal) ? reasonOf(signal) : error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async #pass(id: number, more: AsyncIterable<readonly string[]>): Promise<void> {
    for await (const peers of more) {
      if (!this.#pending.has(id) || !this.#child.connected) return;
      this.#child.send({ type: 'peers', id, peers: [...peers] } satisfies ToTransfer);
    }
  }

  #read(raw: unknown): void {
    const result = fromTransferSchema.safeParse(raw);
    if (result.success) return this.#receive(result.data);
    this.#lose(hostErrors.transferGone({ how: 'it sent what nobody understands' }, result.error));
    this.#child.kill('SIGKILL');
  }

  #receive(message: FromTransfer): void {
    const pending = message.type === 'ready' || message.id === undefined ? undefined : this.#pending.get(message.id);
    if (pending === undefined || message.type === 'ready') return;
    if (message.type === 'event') return pending.onEvent?.(message.event);
    if (message.id !== undefined) this.#pending.delete(message.id);
    if (message.type === 'failed') pending.reject(CodedError.fromWire(message.error as WireError));
    else pending.resolve(message);
  }

  #lose(error: CodedError): void {
    this.#gone ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

const reasonOf = (signal: AbortSignal | undefined): CodedError => (isCoded(signal?.reason) ? signal.reason : exchangeErrors.cancelled({}, signal?.reason));
