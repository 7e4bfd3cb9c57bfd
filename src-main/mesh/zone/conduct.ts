import type { Clock, PeerId } from '../../base/index.ts';
import { FAULT_FORGIVEN_MS, MAX_FAULTS, MAX_WATCHED_PEERS } from './constants.ts';

interface Record {
  faults: number;
  atMs: number;
}

/** What peers did that no honest one does. Each fault is forgiven after a time; too many at once, and `onTooMany` hears of it. Memory is bounded. */
export class Conduct {
  readonly #records = new Map<PeerId, Record>();
  readonly #clock: Clock;
  readonly #onTooMany: (peer: PeerId, code: string) => void;

  constructor(clock: Clock, onTooMany: (peer: PeerId, code: string) => void) {
    this.#clock = clock;
    this.#onTooMany = onTooMany;
  }

  fault(peer: PeerId, code: string): void {
    const faults = this.faultsOf(peer) + 1;
    this.#records.delete(peer);
    if (faults > MAX_FAULTS) return this.#onTooMany(peer, code);
    this.#records.set(peer, { faults, atMs: this.#clock.monotonicMs() });
    const [oldest] = this.#records.keys();
    if (this.#records.size > MAX_WATCHED_PEERS && oldest !== undefined) this.#records.delete(oldest);
  }

  /** Those not forgiven yet, in part too. */
  faultsOf(peer: PeerId): number {
    const record = this.#records.get(peer);
    return record === undefined ? 0 : Math.max(0, record.faults - (this.#clock.monotonicMs() - record.atMs) / FAULT_FORGIVEN_MS);
  }
}
