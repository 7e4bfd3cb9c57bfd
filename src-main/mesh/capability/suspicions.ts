import { RateLimiter, type Clock, type PeerId } from '../../base/index.ts';
import type { Directory } from './directory.ts';
import type { Loss } from './message.ts';
import { ALL_LOSSES_RATE, LOSS_DELAY_MS, LOSS_RATE, MAX_KNOWN, MAX_LOST } from './options.ts';

export interface SuspicionsInit {
  readonly directory: Pick<Directory, 'newestOf' | 'suspect' | 'isGone'>;
  readonly clock: Clock;
  /** How many are connected. */
  readonly neighbours: () => number;
  /** Tells all others. */
  readonly tell: (lost: readonly Loss[]) => Promise<void>;
}

/**
 * Who lost a node tells the others once. They do not believe it: they give the node a while to speak for itself, which a beat of it does
 * (SWIM, Das, Gupta and Motivala 2002, section 4.2; there a suspect is asked by others, here it hears what is said of it).
 */
export class Suspicions {
  readonly #init: SuspicionsInit;
  /** What was known of each when we lost it. */
  readonly #ours = new Map<PeerId, Loss>();
  /** Neighbours that were lost and not met again, the oldest first. */
  readonly #away = new Set<PeerId>();
  readonly #authors: RateLimiter;
  readonly #all: RateLimiter;
  #telling: NodeJS.Timeout | undefined;

  constructor(init: SuspicionsInit) {
    this.#init = init;
    this.#authors = new RateLimiter(LOSS_RATE, init.clock);
    this.#all = new RateLimiter(ALL_LOSSES_RATE, init.clock);
  }

  /** The connection to it ended, or it fell silent on it. Told a little later, by the first of its neighbours. */
  lost(peer: PeerId): void {
    this.#away.add(peer);
    for (const oldest of this.#away) if (this.#away.size > MAX_KNOWN) this.#away.delete(oldest);
    const newest = this.#init.directory.newestOf(peer);
    if (newest === undefined || newest.isSuspected) return;
    this.#ours.set(peer, { peer, run: newest.run, seq: newest.seq });
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      void this.#tell();
    }, LOSS_DELAY_MS * Math.random()).unref();
  }

  /** It is met. Whether it was lost before: it and those behind it may think the same of us, and have said so while we could not hear it. */
  found(peer: PeerId): boolean {
    this.#ours.delete(peer);
    return this.#away.delete(peer);
  }

  /** What another says it lost. Whether others should hear of it: none of them is new, or he says too much. */
  heard(from: PeerId, lost: readonly Loss[]): 'new' | 'known' | 'too much' {
    const { directory } = this.#init;
    const fresh = lost.filter((loss) => this.#isFresh(loss) || this.#isUnknown(loss));
    if (fresh.length === 0) return 'known';
    if (!this.#authors.take(from, fresh.length) || !this.#all.take('all', fresh.length)) return 'too much';
    for (const { peer } of fresh) directory.suspect(peer);
    return 'new';
  }

  /** They may be lost, and nobody is there who would have noticed: all others are told. */
  async doubt(peers: readonly PeerId[]): Promise<void> {
    const { directory } = this.#init;
    await this.#tellAll(peers.flatMap((peer) => {
      const newest = directory.newestOf(peer);
      return newest === undefined || newest.isSuspected ? [] : [{ peer, run: newest.run, seq: newest.seq }];
    }));
  }

  stop(): void {
    clearTimeout(this.#telling);
  }

  async #tell(): Promise<void> {
    const { directory, neighbours } = this.#init;
    const lost = [...this.#ours.values()].filter((loss) => this.#isFresh(loss));
    this.#ours.clear();
    // Who lost more than it has left is more likely the one that is lost.
    if (lost.length <= neighbours()) return this.#tellAll(lost);
    for (const { peer } of lost) directory.suspect(peer);
  }

  async #tellAll(lost: readonly Loss[]): Promise<void> {
    for (const { peer } of lost) this.#init.directory.suspect(peer);
    for (let i = 0; i < lost.length; i += MAX_LOST) await this.#init.tell(lost.slice(i, i + MAX_LOST));
  }

  /** Others may know it. */
  #isUnknown({ peer }: Loss): boolean {
    const { directory } = this.#init;
    return directory.newestOf(peer) === undefined && !directory.isGone(peer);
  }

  /** Nothing newer was heard of it, and nobody has said it yet. */
  #isFresh({ peer, run, seq }: Loss): boolean {
    const newest = this.#init.directory.newestOf(peer);
    return newest !== undefined && !newest.isSuspected && (run > newest.run || (run === newest.run && seq >= newest.seq));
  }
}
