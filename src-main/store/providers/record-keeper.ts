import { FEW_PEERS, MAX_RECORDS, MAX_RECORDS_RETOLD, PROVIDE_TIMEOUT_MS, SMALL_NETWORK_MS } from './options.ts';

/** The DHT, as the mesh gives it. */
export interface RecordPort {
  /** Resolves with how many peers were told; waits for a first one. */
  provide(cid: string, signal: AbortSignal): Promise<number>;
  withdraw(cid: string): Promise<void>;
}

/** Keeps a record on the DHT for what is held. The DHT itself publishes them again before they expire. */
export class RecordKeeper {
  readonly #records: RecordPort;
  readonly #onTrouble: (error: unknown) => void;
  readonly #over = new AbortController();
  readonly #pending = new Set<string>();
  #held: readonly string[] = [];
  #working: Promise<void> | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(records: RecordPort, onTrouble: (error: unknown) => void) {
    this.#records = records;
    this.#onTrouble = onTrouble;
  }

  /** The most important first; 1,024 get a record. */
  hold(cids: readonly string[]): void {
    const before = new Set(this.#held);
    this.#held = cids.slice(0, MAX_RECORDS);
    const now = new Set(this.#held);
    for (const cid of before) if (!now.has(cid)) this.#withdraw(cid);
    for (const cid of now) if (!before.has(cid)) this.#pending.add(cid);
    this.#work();
  }

  async stop(): Promise<void> {
    this.#over.abort();
    clearTimeout(this.#again);
    await this.#working;
  }

  #withdraw(cid: string): void {
    this.#pending.delete(cid);
    void this.#records.withdraw(cid).catch(this.#onTrouble);
  }

  #work(): void {
    this.#working ??= this.#provideAll().catch(this.#onTrouble).finally(() => { this.#working = undefined; });
  }

  async #provideAll(): Promise<void> {
    let fewest = FEW_PEERS;
    for (const cid of this.#pending) {
      if (this.#over.signal.aborted) return;
      const told = await this.#records.provide(cid, AbortSignal.any([this.#over.signal, AbortSignal.timeout(PROVIDE_TIMEOUT_MS)]));
      // Without anybody to tell it waits for the next time.
      if (told > 0) this.#pending.delete(cid);
      fewest = Math.min(fewest, told);
    }
    if (fewest < FEW_PEERS && !this.#over.signal.aborted) this.#tellAgain();
  }

  /** In a small network every peer that comes may be the one who is asked. */
  #tellAgain(): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      for (const cid of this.#held.slice(0, MAX_RECORDS_RETOLD)) this.#pending.add(cid);
      this.#work();
    }, SMALL_NETWORK_MS).unref();
  }
}
