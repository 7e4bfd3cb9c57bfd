import { RateLimiter, type Clock, type PeerId } from '../../base/index.ts';
import { CANDIDATE_DIAL_RATE, DISTRUST_MS, MAX_CANDIDATE_ADDRESSES, MAX_CANDIDATES, MAX_CANDIDATES_PER_TELLER, MAX_VAIN_TELLS } from './options.ts';

/** A peer that somebody told of. */
export interface Candidate {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  /** Who said so; undefined for what this node found itself (mDNS). */
  readonly teller: PeerId | undefined;
}

interface Credit {
  readonly vain: number;
  readonly atMs: number;
}

/** Remembered at the same time: tellers with misses, and addresses tried. */
const MAX_TELLERS = 512;
const MAX_TRIED = 2048;

/**
 * Peers known by hearsay only. An address is dialled once an hour at most, a few addresses a minute in all; who tells of many peers that are not
 * there is not listened to for an hour. So a liar costs a bounded piece of memory and a handful of dials, and keeps nobody else's word
 * from being heard: what two say of one peer is tried apart.
 */
export class Candidates {
  readonly #clock: Clock;
  readonly #rate: RateLimiter;
  /** By teller and peer. */
  readonly #waiting = new Map<string, Candidate>();
  readonly #credit = new Map<PeerId, Credit>();
  /** Addresses tried of late, oldest first. */
  readonly #tried = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#rate = new RateLimiter(CANDIDATE_DIAL_RATE, clock);
  }

  get size(): number {
    return this.#waiting.size;
  }

  isTrusted(teller: PeerId): boolean {
    const credit = this.#credit.get(teller);
    return credit === undefined || credit.vain < MAX_VAIN_TELLS || this.#clock.monotonicMs() - credit.atMs > DISTRUST_MS;
  }

  /** True: it is taken. */
  add({ peer, teller, addresses }: Candidate): boolean {
    const key = `${teller ?? ''} ${peer}`;
    const untried = addresses.filter((address) => !this.#isTried(address)).slice(0, MAX_CANDIDATE_ADDRESSES);
    if (this.#waiting.has(key) || untried.length === 0) return false;
    if (teller !== undefined && (!this.isTrusted(teller) || this.#toldBy(teller).length >= MAX_CANDIDATES_PER_TELLER)) return false;
    if (this.#waiting.size >= MAX_CANDIDATES && !this.#makeRoomFor(teller)) return false;
    this.#waiting.set(key, { peer, teller, addresses: untried });
    return true;
  }

  /** The next to dial, and forgets it; own finds first, then of the teller with the fewest misses. Undefined when there is none, or not yet. */
  take(isWanted: (peer: PeerId) => boolean): Candidate | undefined {
    for (const [key, { peer }] of this.#waiting) if (!isWanted(peer)) this.#waiting.delete(key);
    const next = [...this.#waiting].sort(([, a], [, b]) => this.#misses(a.teller) - this.#misses(b.teller))[0];
    if (next === undefined || !this.#rate.take('dial')) return undefined;
    const [key, candidate] = next;
    this.#waiting.delete(key);
    for (const address of candidate.addresses) this.#noteTried(address);
    return candidate;
  }

  /** What came of a candidate. */
  ended({ teller }: Candidate, wasThere: boolean): void {
    if (teller === undefined) return;
    const vain = wasThere ? 0 : this.#misses(teller) + 1;
    this.#credit.delete(teller);
    if (vain > 0) this.#credit.set(teller, { vain, atMs: this.#clock.monotonicMs() });
    if (vain >= MAX_VAIN_TELLS) for (const key of this.#toldBy(teller)) this.#waiting.delete(key);
    forgetOldest(this.#credit, MAX_TELLERS);
  }

  #misses(teller: PeerId | undefined): number {
    return teller === undefined ? -1 : (this.#credit.get(teller)?.vain ?? 0);
  }

  #toldBy(teller: PeerId): string[] {
    return [...this.#waiting.keys()].filter((key) => key.startsWith(`${teller} `));
  }

  /** At the cost of who told of most. */
  #makeRoomFor(teller: PeerId | undefined): boolean {
    const counts = Map.groupBy(this.#waiting.values(), (one) => one.teller ?? '');
    const [most] = [...counts.values()].sort((a, b) => b.length - a.length);
    const loser = most?.at(-1);
    if (loser === undefined || most === undefined || most.length <= (counts.get(teller ?? '')?.length ?? 0)) return false;
    return this.#waiting.delete(`${loser.teller ?? ''} ${loser.peer}`);
  }

  #isTried(address: string): boolean {
    const atMs = this.#tried.get(address);
    return atMs !== undefined && this.#clock.monotonicMs() - atMs < DISTRUST_MS;
  }

  #noteTried(address: string): void {
    this.#tried.delete(address);
    this.#tried.set(address, this.#clock.monotonicMs());
    forgetOldest(this.#tried, MAX_TRIED);
  }
}

function forgetOldest<K>(map: Map<K, unknown>, limit: number): void {
  const oldest = map.size > limit ? map.keys().next() : undefined;
  if (oldest?.done === false) map.delete(oldest.value);
}
