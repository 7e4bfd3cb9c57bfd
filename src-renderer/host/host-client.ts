import { createStore, type StoreApi } from 'zustand/vanilla';
import { bridgeErrors, parsePush, reduce, type CommandInput, type CommandName, type CommandOutput, type HostConnection, type HostState, type Push } from '../../src-preload/bridge/index.ts';

/** connecting: the first time. lost: was there, is being retried. refused: this page has no valid key, retrying is pointless. */
export type Link = 'connecting' | 'online' | 'lost' | 'refused';

export interface HostView {
  readonly link: Link;
  /** Undefined until the first snapshot; the last one known while the link is lost. */
  readonly state: HostState | undefined;
}

export interface HostClientInit {
  readonly connect: () => Promise<HostConnection>;
  /** Asked after a failed connect: does the host refuse our key? */
  readonly isRefused?: () => Promise<boolean>;
  readonly retry?: { readonly firstMs: number; readonly maxMs: number };
}

/** Keeps one connection to a host alive and its state current: reconnects with backoff, resyncs on a gap. */
export class HostClient {
  readonly store: StoreApi<HostView> = createStore(() => ({ link: 'connecting', state: undefined }));
  readonly #init: HostClientInit;
  #connection: HostConnection | undefined;
  /** Of the last push applied; undefined while a snapshot is awaited, and pushes are kept in #early. */
  #seq: number | undefined;
  #early: Push[] = [];
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(init: HostClientInit) {
    this.#init = init;
  }

  /** Rejects with HostError; with BRIDGE_DISCONNECTED while there is no connection. */
  async call<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    if (this.#connection === undefined) throw bridgeErrors.disconnected();
    return this.#connection.call(name, input);
  }

  start(): void {
    this.#isStopped = false;
    void this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#connection?.close();
  }

  /** Does not wait for the next attempt. */
  retryNow(): void {
    if (this.#connection !== undefined || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#attempt = 0;
    void this.#connect();
  }

  async #connect(): Promise<void> {
    this.#timer = undefined;
    try {
      const connection = await this.#init.connect();
      if (this.#isStopped) return connection.close();
      this.#connection = connection;
      connection.onClose(() => this.#onClose());
      connection.onPush((raw) => this.#onPush(raw));
      await this.#resync(connection);
    } catch {
      this.#connection?.close();
      this.#connection = undefined;
      await this.#scheduleRetry();
    }
  }

  async #resync(connection: HostConnection): Promise<void> {
    this.#seq = undefined;
    const { seq, state } = await connection.call('state.subscribe', {});
    const early = this.#early.filter((push) => push.seq > seq);
    this.#early = [];
    this.#seq = seq;
    this.#attempt = 0;
    this.store.setState({ link: 'online', state });
    for (const push of early) this.#apply(push);
  }

  #onPush(raw: unknown): void {
    const push = parsePush(raw);
    // What this page does not understand counts as missed: the snapshot says how things stand.
    if (push === undefined) return this.#onGap();
    if (this.#seq === undefined) this.#early.push(push);
    else this.#apply(push);
  }

  #apply(push: Push): void {
    const { state } = this.store.getState();
    if (this.#seq === undefined || state === undefined || push.seq <= this.#seq) return;
    if (push.seq !== this.#seq + 1) return this.#onGap();
    this.#seq = push.seq;
    this.store.setState({ state: reduce(state, push) });
  }

  #onGap(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#seq === undefined) return;
    this.#resync(connection).catch(() => connection.close());
  }

  #onClose(): void {
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    this.#early = [];
    void this.#scheduleRetry();
  }

  async #scheduleRetry(): Promise<void> {
    if (this.#isStopped || this.#timer !== undefined) return;
    this.store.setState({ link: this.store.getState().state === undefined ? 'connecting' : 'lost' });
    if (await this.#init.isRefused?.().catch(() => false)) return this.store.setState({ link: 'refused' });
    if (this.#isStopped) return;
    const { firstMs, maxMs } = this.#init.retry ?? { firstMs: 250, maxMs: 5_000 };
    const delayMs = Math.min(maxMs, firstMs * 2 ** this.#attempt) * (0.5 + Math.random() / 2);
    this.#attempt += 1;
    this.#timer = setTimeout(() => void this.#connect(), delayMs);
  }
}
