import { crc32 } from 'node:zlib';
import type { Clock, PeerId } from '../../base/index.ts';
import type { Directory } from './directory.ts';
import { ORPHAN_ASKERS, ORPHAN_SPREAD_MS, ORPHAN_WAIT_MS } from './options.ts';

export interface OrphansInit {
  readonly self: PeerId;
  readonly directory: Pick<Directory, 'orphans' | 'count'>;
  readonly clock: Clock;
  /** How many are connected. */
  readonly neighbours: () => number;
  /** Gives them a while to speak for themselves. */
  readonly doubt: (peers: readonly PeerId[]) => void;
}

/**
 * Those whose neighbours are all lost have nobody who notices that they are lost too. A few of all the others do instead: which ones, and which of them first, is decided by
 * the names, so that nobody has to agree on it. Who is there says so, and it was a message more.
 */
export class Orphans {
  readonly #init: OrphansInit;
  /** When each is doubted unless it is heard, or a neighbour of it. */
  readonly #dueMs = new Map<PeerId, number>();

  constructor(init: OrphansInit) {
    this.#init = init;
  }

  /** Call it with every sweep of the directory. */
  check(): void {
    const { directory, clock, neighbours, doubt } = this.#init;
    const nowMs = clock.monotonicMs();
    // Who has no neighbour itself is more likely the one that is lost.
    const orphans = neighbours() === 0 ? new Set<PeerId>() : directory.orphans();
    for (const peer of this.#dueMs.keys()) if (!orphans.has(peer)) this.#dueMs.delete(peer);
    for (const peer of orphans) if (!this.#dueMs.has(peer)) this.#dueMs.set(peer, nowMs + ORPHAN_WAIT_MS + this.#turnMs(peer));
    const due = [...this.#dueMs].flatMap(([peer, dueMs]) => (dueMs <= nowMs ? [peer] : []));
    for (const peer of due) this.#dueMs.delete(peer);
    if (due.length > 0) doubt(due);
  }

  /** Of all members some ORPHAN_ASKERS have a turn within ORPHAN_SPREAD_MS, one after the other; the others never. */
  #turnMs(peer: PeerId): number {
    const { self, directory } = this.#init;
    const place = (crc32(`${self} ${peer}`) / 2 ** 32) * (directory.count + 1);
    return place < ORPHAN_ASKERS ? (place / ORPHAN_ASKERS) * ORPHAN_SPREAD_MS : Number.POSITIVE_INFINITY;
  }
}
