import { backoffMs, type BackoffOptions } from '../base/index.ts';

export interface PoolLimits {
  /** Used at once. */
  readonly maxActive: number;
  /** Known at once; who comes later is not taken. */
  readonly maxKnown: number;
  /** How long opening may take while others wait that were not tried. */
  readonly openMs: number;
  /** How long one may show what it is worth. */
  readonly trialMs: number;
  /** Before one that was put aside is tried again. */
  readonly asideMs: number;
  /** Between two that are replaced because they are slow. */
  readonly slowEveryMs: number;
  /** Between two that are replaced only because others were not tried: all in use may be slow alike. */
  readonly exploreEveryMs: number;
  readonly reconnect: BackoffOptions;
}

const POOL_LIMITS: PoolLimits = {
  maxActive: 64, maxKnown: 1024, openMs: 2000, trialMs: 10_000, asideMs: 30_000, slowEveryMs: 2000, exploreEveryMs: 30_000, reconnect: { firstMs: 250, maxMs: 10_000 },
};

/** A source as the download sees it. */
export interface SourceFacts {
  /** Undefined until something came. */
  readonly bytesPerSecond: number | undefined;
  /** It was asked and says nothing. */
  readonly isStalled: boolean;
  /** It has something that is wanted; undefined while that is not known. */
  readonly isUseful: boolean | undefined;
}

/** `lost`: it may be opened again; `refused`: it lied, or can never be used. */
export type SourceEnd = 'lost' | 'refused';

export interface Swap {
  readonly out: string;
  readonly in: string;
}

interface Entry {
  readonly key: string;
  /** In the order in which they came. */
  readonly order: number;
  state: 'waiting' | 'opening' | 'open' | 'out';
  sinceMs: number;
  /** Not tried before. */
  restUntilMs: number;
  tries: number;
  /** In a row, without having delivered anything. */
  failures: number;
  bytesPerSecond: number | undefined;
  /** Put aside because it gave little or nothing. */
  isPoor: boolean;
}

/** Slower than this share of the median, a source may give its place to another. */
const SLOW_SHARE = 0.25;
/** One that was slow comes back for one that is slower still. */
const WORTH = 2;

/**
 * Which of the known sources a download uses: a bounded number at once, the others wait. Who is lost rests and comes again; who has
 * nothing that is wanted, says nothing or is far slower than the rest makes room while others wait. Pure: time is told, nothing is opened here.
 */
export class SourcePool {
  readonly #limits: PoolLimits;
  readonly #random: (() => number) | undefined;
  readonly #entries = new Map<string, Entry>();
  #active = 0;
  #came = 0;
  #slowMs = 0;

  constructor(limits: Partial<PoolLimits> = {}, random?: () => number) {
    this.#limits = { ...POOL_LIMITS, ...limits };
    this.#random = random;
  }

  /** False when it is known already, or there are too many. */
  add(key: string): boolean {
    if (this.#entries.has(key) || this.#entries.size >= this.#limits.maxKnown) return false;
    this.#entries.set(key, { key, order: this.#came++, state: 'waiting', sinceMs: 0, restUntilMs: Number.NEGATIVE_INFINITY, tries: 0, failures: 0, bytesPerSecond: undefined, isPoor: false });
    return true;
  }

  /** Places that are free, and wait for somebody who may be begun now. */
  vacancies(nowMs: number): number {
    const free = this.#limits.maxActive - this.#active;
    return free === 0 ? 0 : Math.min(free, this.#ready(nowMs).length);
  }

  /** Nobody has a place for somebody who may be begun now. */
  isCrowded(nowMs: number): boolean {
    return this.#active >= this.#limits.maxActive && this.#ready(nowMs).length > 0;
  }

  /** The best of those that wait, which counts as used then; undefined when there is no place or nobody. */
  next(nowMs: number): string | undefined {
    const best = this.#active < this.#limits.maxActive ? this.#best(nowMs) : undefined;
    return best === undefined ? undefined : this.#begin(best, nowMs);
  }

  opened(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry?.state === 'opening') [entry.state, entry.sinceMs] = ['open', nowMs];
  }

  /** What the sources in use are worth now; the speeds are remembered. */
  note(facts: ReadonlyMap<string, SourceFacts>): void {
    for (const [key, { bytesPerSecond }] of facts) {
      const entry = this.#entries.get(key);
      if (entry !== undefined && bytesPerSecond !== undefined) [entry.bytesPerSecond, entry.failures, entry.isPoor] = [bytesPerSecond, 0, false];
    }
  }

  /** One that was used is gone. */
  ended(key: string, nowMs: number, how: SourceEnd): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || !isActive(entry)) return;
    this.#active--;
    entry.state = how === 'refused' ? 'out' : 'waiting';
    entry.restUntilMs = nowMs + backoffMs(entry.failures, { ...this.#limits.reconnect, ...(this.#random === undefined ? {} : { random: this.#random }) });
    entry.failures++;
  }

  /** Puts one aside for another, when there is no place and that is better: both have changed places then. */
  swap(nowMs: number, facts: ReadonlyMap<string, SourceFacts>): Swap | undefined {
    const moment = { nowMs, facts, ready: this.#active < this.#limits.maxActive ? [] : this.#ready(nowMs) };
    const change = moment.ready.length === 0 ? undefined : this.#idle(moment) ?? this.#slow(moment);
    if (change === undefined) return undefined;
    const { going, coming } = change;
    this.#active--;
    going.state = 'waiting';
    going.restUntilMs = nowMs + this.#limits.asideMs;
    return { out: going.key, in: this.#begin(coming, nowMs) };
  }

  #begin(entry: Entry, nowMs: number): string {
    this.#active++;
    entry.state = 'opening';
    entry.sinceMs = nowMs;
    entry.tries++;
    return entry.key;
  }

  #ready(nowMs: number): Entry[] {
    return [...this.#entries.values()].filter(({ state, restUntilMs }) => state === 'waiting' && restUntilMs <= nowMs);
  }

  #best(nowMs: number): Entry | undefined {
    return bestOf(this.#ready(nowMs));
  }

  /** Gives nothing: it is not there, silent, or has nothing that is wanted. For one that may give as little it goes only after a while. */
  #idle({ nowMs, facts, ready }: Moment): Change | undefined {
    const coming = bestOf(ready);
    if (coming === undefined) return undefined;
    const { openMs, trialMs } = this.#limits;
    const isPromising = rankOf(coming) < RANK.tried;
    const proven = [...facts.values()].filter(({ bytesPerSecond }) => bytesPerSecond !== undefined);
    // When half of those that delivered are silent at once, it is our own line.
    const isOurs = 2 * proven.filter(({ isStalled }) => isStalled).length >= proven.length;
    const going = this.#firstOf(({ key, state, sinceMs }) => {
      const spentMs = nowMs - sinceMs;
      if (state === 'opening') return isPromising && spentMs >= openMs;
      const { isUseful, isStalled = false, bytesPerSecond } = facts.get(key) ?? {};
      const isSilent = isStalled && !(isOurs && bytesPerSecond !== undefined);
      return (isUseful === false || isSilent) && (isPromising || spentMs >= trialMs);
    });
    if (going === undefined) return undefined;
    going.isPoor = true;
    return { going, coming };
  }

  /** The slowest that had its time: when it is far below the rest or below whom it makes room for, or now and then to try somebody. */
  #slow({ nowMs, facts, ready }: Moment): Change | undefined {
    const { slowEveryMs, exploreEveryMs, trialMs } = this.#limits;
    const sinceMs = nowMs - this.#slowMs;
    const speedOf = ({ key }: Entry): number => facts.get(key)?.bytesPerSecond ?? Number.POSITIVE_INFINITY;
    const going = this.#firstOf((entry) => entry.state === 'open' && nowMs - entry.sinceMs >= trialMs && speedOf(entry) < Number.POSITIVE_INFINITY, (a, b) => speedOf(a) - speedOf(b));
    if (going === undefined || sinceMs < slowEveryMs) return undefined;
    const [slowest, fastest, untried] = [speedOf(going), fastestOf(ready), ready.find(({ tries }) => tries === 0)];
    const fastestSpeed = fastest?.bytesPerSecond ?? 0;
    const isSlow = slowest < SLOW_SHARE * Math.max(medianOf(facts), fastestSpeed);
    const coming = isSlow && fastestSpeed > WORTH * slowest ? fastest : isSlow || sinceMs >= exploreEveryMs ? untried : undefined;
    if (coming === undefined) return undefined;
    this.#slowMs = nowMs;
    going.isPoor = isSlow;
    return { going, coming };
  }

  #firstOf(accept: (entry: Entry) => boolean, compare: (a: Entry, b: Entry) => number = (a, b) => a.sinceMs - b.sinceMs): Entry | undefined {
    return [...this.#entries.values()].filter((entry) => isActive(entry) && accept(entry)).toSorted(compare)[0];
  }
}

interface Change {
  readonly going: Entry;
  readonly coming: Entry;
}

interface Moment {
  readonly nowMs: number;
  /** Who may be begun now, in the order in which they came. */
  readonly ready: readonly Entry[];
  readonly facts: ReadonlyMap<string, SourceFacts>;
}

const isActive = ({ state }: Entry): boolean => state === 'opening' || state === 'open';

/** Lost ones that delivered come first, then those that were not tried; then slow ones, and those that gave nothing. */
const RANK = { proven: 0, untried: 1, tried: 2 } as const;
const rankOf = ({ tries, bytesPerSecond, isPoor, failures }: Entry): number => {
  if (tries === 0) return RANK.untried;
  return bytesPerSecond !== undefined && !isPoor && failures <= 1 ? RANK.proven : RANK.tried;
};

/** Proven ones by their speed, others in turn. */
function isBetter(a: Entry, b: Entry): boolean {
  const faster = (b.bytesPerSecond ?? 0) - (a.bytesPerSecond ?? 0);
  const turn = rankOf(a) === RANK.proven ? 0 : a.tries - b.tries;
  return (rankOf(a) - rankOf(b) || turn || faster || a.order - b.order) < 0;
}

const bestOf = (entries: readonly Entry[]): Entry | undefined => entries.reduce<Entry | undefined>((best, entry) => (best === undefined || isBetter(entry, best) ? entry : best), undefined);

const fastestOf = (entries: readonly Entry[]): Entry | undefined => entries.reduce<Entry | undefined>((best, entry) => ((entry.bytesPerSecond ?? 0) > (best?.bytesPerSecond ?? 0) ? entry : best), undefined);

function medianOf(facts: ReadonlyMap<string, SourceFacts>): number {
  const speeds = [...facts.values()].flatMap(({ bytesPerSecond }) => bytesPerSecond ?? []).toSorted((a, b) => a - b);
  return speeds[speeds.length >> 1] ?? 0;
}
