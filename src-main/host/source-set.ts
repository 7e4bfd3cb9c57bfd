import { isCoded, toCoded, type Clock } from '../base/index.ts';
import type { Fetch, Source } from '../store/index.ts';
import { InTurn } from './in-turn.ts';
import { SourcePool, type PoolLimits, type SourceEnd, type SourceFacts } from './source-pool.ts';

const TICK_MS = 500;

export type OpenSource = (signal: AbortSignal) => Promise<Source>;

export interface SourceSetInit {
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** When the fetch is over. */
  readonly signal: AbortSignal;
  /** Waits; resolves early when all is over. */
  readonly pause: (ms: number) => Promise<void>;
  readonly limits?: Partial<PoolLimits>;
  /** See `InTurn`. */
  readonly measure?: () => () => number;
}

interface Use {
  readonly over: AbortController;
  source?: Source;
}

/** Has a fetch use the best of the sources that are known, and others in place of those that are lost, useless or slow. */
export class SourceSet {
  readonly #init: SourceSetInit;
  readonly #pool: SourcePool;
  readonly #turns: InTurn;
  readonly #opens = new Map<string, OpenSource>();
  readonly #used = new Map<string, Use>();
  /** Turns that were asked for and have not come. */
  #due = 0;

  constructor(init: SourceSetInit) {
    const { signal, pause, limits, measure } = init;
    this.#init = init;
    this.#pool = new SourcePool(limits);
    this.#turns = new InTurn({ pause, signal, ...(measure === undefined ? {} : { measure }) });
    const timer = setInterval(() => this.#tick(), TICK_MS);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    if (signal.aborted) clearInterval(timer);
  }

  /** Under the name that the source will have; what `open` gives after its signal fired is closed. */
  add(key: string, open: OpenSource): void {
    if (!this.#pool.add(key)) return;
    this.#opens.set(key, open);
    this.#askForTurns();
  }

  #tick(): void {
    this.#pool.note(this.#facts());
    // One at a time: what it changes is known then.
    if (this.#due === 0 && this.#pool.isCrowded(this.#nowMs())) this.#askFor(1);
    this.#askForTurns();
  }

  #askForTurns(): void {
    this.#askFor(this.#pool.vacancies(this.#nowMs()) - this.#due);
  }

  #askFor(turns: number): void {
    for (let at = 0; at < turns && !this.#init.signal.aborted; at++) {
      this.#due++;
      this.#turns.add(() => this.#turn());
    }
  }

  // Who is best is decided when it is begun, not when a place became free.
  #turn(): Promise<void> {
    this.#due--;
    const key = this.#pool.next(this.#nowMs()) ?? this.#swapped();
    if (key === undefined) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    void this.#use(key, resolve);
    return promise;
  }

  #swapped(): string | undefined {
    const swap = this.#pool.swap(this.#nowMs(), this.#facts());
    if (swap === undefined) return undefined;
    // Perhaps there are more to be replaced.
    this.#askFor(1);
    const use = this.#used.get(swap.out);
    this.#used.delete(swap.out);
    use?.over.abort();
    if (use?.source !== undefined) this.#init.fetch.release(use.source);
    return swap.in;
  }

  async #use(key: string, onBegun: () => void): Promise<void> {
    const use: Use = { over: new AbortController() };
    this.#used.set(key, use);
    const how = await this.#useTill(key, use, onBegun).catch((error: unknown) => endOf(toCoded(error)));
    onBegun();
    // Put aside, its place is another's and it may be in use again.
    if (this.#used.get(key) !== use) return;
    this.#used.delete(key);
    this.#pool.ended(key, this.#nowMs(), how);
    this.#askForTurns();
  }

  async #useTill(key: string, use: Use, onBegun: () => void): Promise<SourceEnd> {
    const { fetch, signal } = this.#init;
    const within = AbortSignal.any([signal, use.over.signal]);
    const source = await this.#opens.get(key)?.(within);
    if (source === undefined || within.aborted) {
      source?.close();
      return 'lost';
    }
    use.source = source;
    this.#pool.opened(key, this.#nowMs());
    onBegun();
    fetch.add(source);
    const end = await source.closed;
    return end === undefined ? 'lost' : endOf(end);
  }

  #facts(): ReadonlyMap<string, SourceFacts> {
    const worths = new Map(this.#init.fetch.worths().map(({ name, ...facts }) => [name, facts]));
    return new Map([...this.#used].flatMap(([key, { source }]) => {
      const facts = source === undefined ? undefined : worths.get(source.name);
      return facts === undefined ? [] : [[key, facts]];
    }));
  }

  readonly #nowMs = (): number => this.#init.clock.monotonicMs();
}

/** Who lied, or is nobody to fetch from, is not opened again. */
function endOf(error: Error): SourceEnd {
  if (!isCoded(error)) return 'lost';
  return error.fault === 'user' || (error.fault === 'peer' && !error.retryable) ? 'refused' : 'lost';
}
