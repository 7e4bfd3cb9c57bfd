import { clearBit, hasBit, holds, setBit, type Held } from './holdings.ts';
import { tieOrder, type TieOrder } from './order.ts';
import { SourceState } from './source-state.ts';

export interface WantedShard {
  readonly sizeBytes: number;
  readonly leafBytes: number;
}

export interface LeafRef {
  /** Index of the shard, as given. */
  readonly shard: number;
  readonly leaf: number;
}

export interface ScheduleOptions {
  /** Leaves asked from one source at once. */
  readonly maxInFlight: number;
  /** A source is given as much as it delivers in this time. */
  readonly queueMs: number;
  /** A source that was asked and said nothing for so long is stalled: what it was asked is given to others. */
  readonly stallMs: number;
  /** Decides where among equally rare leaves to begin. */
  readonly seed: number;
}

export interface Receipt {
  /** False: another source was faster, or nobody wanted it. */
  readonly isNew: boolean;
  /** Sources that were asked for it as well. */
  readonly cancel: readonly string[];
}

const FIRST_WINDOW = 4;
const LEAST_WINDOW = 2;
/** At the end a leaf is asked a second time from a source that should have it in this share of the time. */
const WORTH_TWICE = 0.5;
/** And only if it comes so much sooner: a busy machine makes every source late by some milliseconds. */
const WORTH_TWICE_MS = 20;

/**
 * Which leaf from which source next: rarest first over all shards, each source as much as it delivers in `queueMs`, a
 * leaf from two sources only when none is left that nobody was asked for. Pure: no clock, no input, no output; `nowMs`
 * is any monotonic time. Sources that lie or go away are dropped by the caller.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #shards: readonly WantedShard[];
  /** Number of each shard's first leaf, and of all leaves. */
  readonly #starts: readonly number[];
  readonly #total: number;
  readonly #done: Uint8Array;
  /** Sources that hold a leaf, and sources that were asked for it and are not stalled. */
  readonly #holders: Uint32Array;
  readonly #live: Uint8Array;
  readonly #ties: TieOrder;
  readonly #sources = new Map<string, SourceState>();
  /** Given up by a source after others had passed them by. */
  readonly #returned = new Set<number>();
  #missing: number;
  /** Leaves wanted, held by somebody and asked from nobody. */
  #open = 0;
  #epoch = 0;

  constructor(shards: readonly WantedShard[], options: ScheduleOptions) {
    this.#options = options;
    this.#shards = shards;
    let next = 0;
    this.#starts = shards.map(({ sizeBytes, leafBytes }) => (next += Math.ceil(sizeBytes / leafBytes)) - Math.ceil(sizeBytes / leafBytes));
    this.#total = next;
    this.#done = new Uint8Array(next);
    this.#holders = new Uint32Array(next);
    this.#live = new Uint8Array(next);
    this.#ties = tieOrder(next, options.seed);
    this.#missing = next;
  }

  /** Leaves still wanted. */
  get missing(): number {
    return this.#missing;
  }

  /** Leaves wanted that no source holds, stalled ones aside. */
  get orphans(): number {
    let count = 0;
    for (let leaf = 0; leaf < this.#total; leaf++) if (this.#done[leaf] === 0 && this.#holders[leaf] === 0) count++;
    return count;
  }

  /** Every wanted leaf that somebody holds was asked for. */
  get isEndgame(): boolean {
    return this.#open === 0;
  }

  sources(): readonly string[] {
    return [...this.#sources.keys()];
  }

  add(source: string, nowMs: number): void {
    if (!this.#sources.has(source)) this.#sources.set(source, new SourceState(source, this.#total, nowMs));
  }

  /** What a source has of a shard, in place of what it had before. */
  holdings(source: string, shard: number, held: Held): void {
    const state = this.#sources.get(source);
    if (state === undefined) return;
    for (let leaf = 0; leaf < this.#leavesOf(shard); leaf++) this.#setHolder(state, this.#number({ shard, leaf }), holds(held, leaf));
  }

  /** A leaf is here without having been asked for. */
  present(ref: LeafRef): void {
    const leaf = this.#number(ref);
    if (this.#done[leaf] === 0) this.#finish(leaf);
  }

  /** The next leaf to ask of a source, which counts as asked then; undefined when it has enough to do or nothing to give. */
  next(source: string, nowMs: number): LeafRef | undefined {
    const state = this.#sources.get(source);
    if (state === undefined || state.asks.size >= this.#window(state)) return undefined;
    const leaf = this.#fromReturned(state) ?? this.#fromOrder(state) ?? this.#again(state, nowMs);
    if (leaf === undefined) return undefined;
    state.ask(leaf, nowMs);
    this.#change(leaf, () => this.#addLive(leaf, 1));
    this.#returned.delete(leaf);
    return this.#ref(leaf);
  }

  /** Some bytes came from a source. */
  heard(source: string, nowMs: number): void {
    const state = this.#sources.get(source);
    if (state === undefined) return;
    const wasStalled = state.isStalled;
    state.heard(nowMs);
    if (wasStalled) this.#count(state, 1);
  }

  /** A leaf came, was checked and is kept. */
  received(source: string, ref: LeafRef, nowMs: number): Receipt {
    const leaf = this.#number(ref);
    this.#settle(source, leaf, nowMs);
    if (this.#done[leaf] === 1) return { isNew: false, cancel: [] };
    this.#finish(leaf);
    const others = [...this.#sources.values()].filter((state) => state.asks.has(leaf));
    for (const state of others) state.settle(leaf, nowMs);
    return { isNew: true, cancel: others.map(({ id }) => id) };
  }

  /** A source cannot give a leaf that it said it had. */
  refused(source: string, ref: LeafRef, nowMs: number): void {
    const leaf = this.#number(ref);
    const state = this.#sources.get(source);
    if (state === undefined) return;
    this.#release(leaf, state.settle(leaf, nowMs)?.isLive === true);
    this.#setHolder(state, leaf, false);
  }

  /** Forgets a source and gives back what it was asked. */
  drop(source: string): void {
    const state = this.#sources.get(source);
    if (state === undefined) return;
    this.#sources.delete(source);
    for (const [leaf, { isLive }] of state.asks) this.#release(leaf, isLive);
    if (!state.isStalled) this.#count(state, -1);
  }

  /** Takes back what silent sources were asked; they may still deliver it. Returns the sources that are stalled since this call. */
  stalled(nowMs: number): readonly string[] {
    const silent = [...this.#sources.values()].filter((state) => !state.isStalled && state.silentMs(nowMs) >= this.#options.stallMs);
    for (const state of silent) {
      state.isStalled = true;
      this.#count(state, -1);
      for (const [leaf, ask] of state.asks) {
        this.#release(leaf, ask.isLive);
        ask.isLive = false;
      }
    }
    return silent.map(({ id }) => id);
  }

  /** How long a source that was asked says nothing. */
  silentMs(source: string, nowMs: number): number {
    return this.#sources.get(source)?.silentMs(nowMs) ?? 0;
  }

  /** It was asked, said nothing for too long, and is not asked for more. */
  isStalled(source: string): boolean {
    return this.#sources.get(source)?.isStalled === true;
  }

  /** It has a leaf of a shard that is wanted still. */
  canGive(source: string, shard: number): boolean {
    const state = this.#sources.get(source);
    const start = this.#starts[shard] ?? this.#total;
    for (let leaf = start; state !== undefined && leaf < start + this.#leavesOf(shard); leaf++) if (this.#done[leaf] === 0 && hasBit(state.holds, leaf)) return true;
    return false;
  }

  /** Bytes per second; undefined until something came. */
  speedOf(source: string): number | undefined {
    const speed = this.#sources.get(source)?.speed;
    return speed === undefined ? undefined : speed * 1000;
  }

  #window(state: SourceState): number {
    if (state.isStalled) return 0;
    if (state.speed === undefined) return Math.min(FIRST_WINDOW, this.#options.maxInFlight);
    const leafBytes = this.#shards[0]?.leafBytes ?? 1;
    const enough = Math.min(this.#options.maxInFlight, Math.ceil((state.speed * this.#options.queueMs) / leafBytes));
    return Math.max(LEAST_WINDOW, Math.min(enough, this.#share()));
  }

  /** Towards the end nobody takes more than its part of what is left, so that all end together and little is asked twice. */
  #share(): number {
    return this.#sources.size < 2 ? Number.POSITIVE_INFINITY : Math.ceil((2 * this.#open) / this.#sources.size);
  }

  #fromReturned(state: SourceState): number | undefined {
    for (const leaf of this.#returned) if (this.#isOpen(leaf) && canGive(state, leaf)) return leaf;
    return undefined;
  }

  // The order holds until holdings change; leaves that were asked since are passed by, leaves given back are in #returned.
  #fromOrder(state: SourceState): number | undefined {
    if (state.epoch !== this.#epoch) this.#sort(state);
    for (; state.cursor < state.order.length; state.cursor++) {
      const leaf = state.order[state.cursor] ?? 0;
      if (this.#isOpen(leaf) && canGive(state, leaf)) return leaf;
    }
    return undefined;
  }

  #sort(state: SourceState): void {
    const keys: number[] = [];
    for (let leaf = 0; leaf < this.#total; leaf++) {
      if (this.#isOpen(leaf) && canGive(state, leaf)) keys.push((this.#holders[leaf] ?? 0) * this.#total + (this.#ties.rankOf[leaf] ?? 0));
    }
    state.order = Uint32Array.from(Float64Array.from(keys).sort(), (key) => this.#ties.leafAt[key % this.#total] ?? 0);
    state.cursor = 0;
    state.epoch = this.#epoch;
  }

  /** Endgame: what would otherwise come last, if this source has it much sooner. */
  #again(state: SourceState, nowMs: number): number | undefined {
    const oursMs = this.isEndgame ? state.etaMs(this.#bytesOf(state.asks.keys()), nowMs) : undefined;
    if (oursMs === undefined || state.speed === undefined) return undefined;
    let [worst, worstMs]: [number | undefined, number] = [undefined, 0];
    for (const other of this.#sources.values()) {
      for (const { leaf, etaMs } of other === state ? [] : this.#underWay(other, nowMs)) {
        const mineMs = oursMs + this.#sizeOf(leaf) / state.speed;
        if (canGive(state, leaf) && mineMs < Math.min(etaMs * WORTH_TWICE, etaMs - WORTH_TWICE_MS) && etaMs > worstMs) [worst, worstMs] = [leaf, etaMs];
      }
    }
    return worst;
  }

  /** Leaves that this source alone was asked for, and when they should be here. */
  *#underWay(state: SourceState, nowMs: number): Generator<{ readonly leaf: number; readonly etaMs: number }> {
    let waitingBytes = 0;
    for (const [leaf, { isLive }] of state.asks) {
      waitingBytes += this.#sizeOf(leaf);
      if (isLive && this.#live[leaf] === 1) yield { leaf, etaMs: state.etaMs(waitingBytes, nowMs) ?? this.#options.stallMs };
    }
  }

  #settle(source: string, leaf: number, nowMs: number): void {
    const state = this.#sources.get(source);
    if (state === undefined || !state.asks.has(leaf)) return;
    this.heard(source, nowMs);
    const ask = state.settle(leaf, nowMs, this.#sizeOf(leaf));
    if (ask?.isLive === true) this.#change(leaf, () => this.#addLive(leaf, -1));
  }

  #release(leaf: number, wasLive: boolean): void {
    if (wasLive) this.#change(leaf, () => this.#addLive(leaf, -1));
    if (this.#done[leaf] === 0 && this.#live[leaf] === 0) this.#returned.add(leaf);
  }

  #finish(leaf: number): void {
    this.#change(leaf, () => { this.#done[leaf] = 1; });
    this.#returned.delete(leaf);
    this.#live[leaf] = 0;
    this.#missing--;
  }

  #setHolder(state: SourceState, leaf: number, isHeld: boolean): void {
    if (hasBit(state.holds, leaf) === isHeld) return;
    (isHeld ? setBit : clearBit)(state.holds, leaf);
    if (state.isStalled) return;
    this.#change(leaf, () => this.#addHolder(leaf, isHeld ? 1 : -1));
    this.#epoch++;
  }

  /** A source's holdings begin or cease to count: a stalled one is no holder to rely on. */
  #count(state: SourceState, by: 1 | -1): void {
    for (let leaf = 0; leaf < this.#total; leaf++) if (hasBit(state.holds, leaf)) this.#change(leaf, () => this.#addHolder(leaf, by));
    this.#epoch++;
  }

  #isOpen(leaf: number): boolean {
    return this.#done[leaf] === 0 && this.#live[leaf] === 0 && (this.#holders[leaf] ?? 0) > 0;
  }

  #change(leaf: number, change: () => void): void {
    const before = this.#isOpen(leaf);
    change();
    this.#open += Number(this.#isOpen(leaf)) - Number(before);
  }

  #addLive(leaf: number, by: number): void {
    this.#live[leaf] = (this.#live[leaf] ?? 0) + by;
  }

  #addHolder(leaf: number, by: number): void {
    this.#holders[leaf] = (this.#holders[leaf] ?? 0) + by;
  }

  #leavesOf(shard: number): number {
    return (this.#starts[shard + 1] ?? this.#total) - (this.#starts[shard] ?? this.#total);
  }

  #number({ shard, leaf }: LeafRef): number {
    return (this.#starts[shard] ?? this.#total) + leaf;
  }

  #ref(leaf: number): LeafRef {
    let shard = this.#starts.length - 1;
    while ((this.#starts[shard] ?? 0) > leaf) shard--;
    return { shard, leaf: leaf - (this.#starts[shard] ?? 0) };
  }

  #sizeOf(number: number): number {
    const { shard, leaf } = this.#ref(number);
    const { sizeBytes = 0, leafBytes = 1 } = this.#shards[shard] ?? {};
    return Math.min(leafBytes, sizeBytes - leaf * leafBytes);
  }

  #bytesOf(leaves: Iterable<number>): number {
    let bytes = 0;
    for (const leaf of leaves) bytes += this.#sizeOf(leaf);
    return bytes;
  }
}

const canGive = (state: SourceState, leaf: number): boolean => hasBit(state.holds, leaf) && !state.asks.has(leaf);
