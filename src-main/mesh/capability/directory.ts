import type { Clock, Events, PeerId } from '../../base/index.ts';
import { ClockOffset } from './clock-offset.ts';
import type { Refusal } from './errors.ts';
import type { CapabilityMessage, Envelope } from './message.ts';
import { FORGET_MS, LATE_MS, MAX_APART, MAX_KNOWN, MAX_SKEW_MS, MAX_TTL_MS, MISSED_SWEEP_MS, ORPHAN_TTL_MS, REFUTE_MS } from './options.ts';
import type { Profile } from './profile.ts';

/** Why a member is none any more: it said so, nothing was heard of it in time, it began anew. */
export type LeftWhy = 'farewell' | 'silent' | 'restarted';

/** A node that is there and told what it can do. */
export interface Member {
  readonly peer: PeerId;
  readonly profile: Profile;
  /** When it began by its own clock, unix ms. */
  readonly startedAt: number;
  /** Since when it has been here without a gap, by our clock, unix ms. */
  readonly since: number;
}

/** How another node's clock stands to ours, by the times that it signed. */
export interface PeerClock {
  readonly peer: PeerId;
  /** Negative: it is behind. What its quickest message took on its way makes it look behind by as much. */
  readonly aheadMs: number;
  /** False: it is further from ours than MAX_SKEW_MS, so that what it says is not taken. */
  readonly isTaken: boolean;
}

export interface DirectoryEvents {
  'peer:joined': Member;
  /** What it told of itself is new. */
  'peer:changed': Member;
  'peer:left': { readonly peer: PeerId; readonly why: LeftWhy };
}

export interface DirectoryInit {
  readonly self: PeerId;
  readonly clock: Clock;
  readonly events: Events<DirectoryEvents>;
  /** Somebody is there of whom we lack the newest ad, or a beat. */
  readonly onMissing?: (peer: PeerId) => void;
  readonly maxKnown?: number;
}

/** An envelope and how long it still counts, as it is passed on to who asks. */
export interface Told {
  readonly bytes: Uint8Array;
  readonly leftMs: number;
}

interface Ad extends Envelope {
  readonly message: Extract<CapabilityMessage, { readonly kind: 'ad' }>;
}

interface Entry {
  run: number;
  /** Of the newest message. */
  seq: number;
  offset: ClockOffset;
  /** Of a message that came at once, not from somebody's memory. */
  isOffsetFresh: boolean;
  /** Monotonic: after it the node counts as gone. */
  deadlineMs: number;
  heardMs: number;
  /** The newest ad, if it was heard. */
  ad: Ad | undefined;
  newest: Envelope;
  /** Seq of the newest ad that there is. */
  wantedAd: number;
  since: number | undefined;
  left: 'farewell' | 'silent' | undefined;
  /** Somebody lost it, and nothing of it was heard since. */
  isSuspected: boolean;
  /** When it was suspected, or left. */
  awayMs: number;
  /** Nearly gone for want of a beat, which may only have gone astray: neighbours are asked. */
  isLate: boolean;
}

/**
 * Who is there, out of signed messages that may come late, twice, in any order or from whoever kept them. A message counts when
 * it is newer than all before of its author, and for its time to live from when it can have been sent at the latest. Those who left
 * are remembered for as long as an old message of theirs might still pass.
 */
export class Directory {
  readonly #init: DirectoryInit;
  readonly #entries = new Map<PeerId, Entry>();
  /** Who is not taken because of its clock, as heard of late. */
  readonly #apart = new Map<PeerId, { readonly offset: ClockOffset; readonly heardMs: number }>();
  #sweptMs: number;
  #count = 0;
  /** Those of whom nothing was heard since all the neighbours that they told of are lost. */
  readonly #orphans = new Set<PeerId>();
  /** Somebody was lost, or may have been meanwhile, since that was looked at. */
  #areOrphansOld = false;

  constructor(init: DirectoryInit) {
    this.#init = init;
    this.#sweptMs = init.clock.monotonicMs();
  }

  /** Takes a message whose signature was checked; why not, else undefined. `leftMs`: what who passed it on says that is left of its time. */
  take(envelope: Envelope, { leftMs = Infinity }: { readonly leftMs?: number } = {}): Refusal | undefined {
    const { message } = envelope;
    const known = this.#entries.get(message.peer);
    const refusal = this.#refusal(message, known);
    const isFresh = leftMs === Infinity;
    if (isFresh && (refusal === 'CAPABILITY_CLOCK_AHEAD' || refusal === 'CAPABILITY_CLOCK_BEHIND')) this.#noteApart(message);
    if (refusal !== undefined) return refusal;
    this.#apart.delete(message.peer);
    if (known !== undefined && message.run === known.run && message.seq <= known.seq) return this.#takeLateAd(known, envelope);
    return this.#takeNewest(known, envelope, leftMs);
  }

  /** Somebody lost it: unless something newer of it is heard soon, it is gone. */
  suspect(peer: PeerId): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined || entry.isSuspected) return;
    this.#away(entry);
    entry.isSuspected = true;
    entry.deadlineMs = Math.min(entry.deadlineMs, this.#nowMs() + REFUTE_MS);
  }

  /** The newest that is known of one who is there; it need not have told what it can do. */
  newestOf(peer: PeerId): { readonly run: number; readonly seq: number; readonly isSuspected: boolean } | undefined {
    const entry = this.#entries.get(peer);
    return entry?.left === undefined ? entry : undefined;
  }

  /** Says who is gone by now, and forgets those who left long ago. Call it every SWEEP_MS; for how long we were frozen since. */
  sweep(): number {
    const nowMs = this.#nowMs();
    const passedMs = nowMs - this.#sweptMs;
    const missedMs = passedMs > MISSED_SWEEP_MS ? passedMs : 0;
    this.#sweptMs = nowMs;
    for (const [peer, entry] of this.#entries) {
      // While we were frozen nobody could be heard: all get that time again.
      entry.deadlineMs += missedMs;
      if (entry.left === undefined && entry.deadlineMs <= nowMs) this.#leave(peer, entry, 'silent');
      if (isNewlyLate(entry, nowMs)) {
        entry.isLate = true;
        this.#init.onMissing?.(peer);
      }
      if (entry.left !== undefined && nowMs - entry.heardMs > FORGET_MS) this.#entries.delete(peer);
    }
    for (const [peer, { heardMs }] of this.#apart) if (nowMs - heardMs > MAX_TTL_MS) this.#apart.delete(peer);
    return missedMs;
  }

  /**
   * Those of whom nothing was heard since the last of the neighbours that they told of was lost: nobody is left who would notice that they are lost as well.
   * Where beats are frequent they are missed soon enough.
   */
  orphans(): ReadonlySet<PeerId> {
    // A neighbour may be back: that is seen by looking again.
    if (this.#areOrphansOld) for (const [peer, entry] of this.#entries) if (this.#isOrphan(entry)) this.#orphans.add(peer);
    this.#areOrphansOld = false;
    for (const peer of this.#orphans) if (!this.#isOrphan(this.#entries.get(peer))) this.#orphans.delete(peer);
    return this.#orphans;
  }

  #isOrphan(entry: Entry | undefined): boolean {
    if (entry?.ad === undefined || entry.left !== undefined || entry.isSuspected || entry.newest.message.ttlMs <= ORPHAN_TTL_MS) return false;
    const { links } = entry.ad.message.profile;
    let lastMs = Number.NEGATIVE_INFINITY;
    for (const { peer } of links) {
      const neighbour = this.#entries.get(peer as PeerId);
      // Of whom we do not know nothing can be said.
      if (neighbour === undefined || (neighbour.left === undefined && !neighbour.isSuspected)) return false;
      lastMs = Math.max(lastMs, neighbour.awayMs);
    }
    return lastMs >= entry.heardMs;
  }

  /** How many `members` has. */
  get count(): number {
    return this.#count;
  }

  members(): readonly Member[] {
    return [...this.#entries].flatMap(([peer, entry]) => memberOf(peer, entry) ?? []);
  }

  member(peer: PeerId): Member | undefined {
    const entry = this.#entries.get(peer);
    return entry === undefined ? undefined : memberOf(peer, entry);
  }

  /** Of those that are there, and of those that are not taken because of their clocks. */
  clocks(): readonly PeerClock[] {
    const wallAheadMs = this.#nowMs() - this.#init.clock.now();
    const clock = (peer: PeerId, offset: ClockOffset, isTaken: boolean): PeerClock => ({ peer, aheadMs: wallAheadMs - offset.leastMs, isTaken });
    return [
      ...[...this.#entries].flatMap(([peer, { offset, isOffsetFresh, left }]) => (left === undefined && isOffsetFresh ? [clock(peer, offset, true)] : [])),
      ...[...this.#apart].map(([peer, { offset }]) => clock(peer, offset, false)),
    ];
  }

  /** It was here and left, whatever its connections say. */
  isGone(peer: PeerId): boolean {
    return this.#entries.get(peer)?.left !== undefined;
  }

  /** Something of it should be known that is not. */
  isMissing(peer: PeerId): boolean {
    return this.lacksAd(peer) || (this.#entries.get(peer)?.isLate === true && !this.isGone(peer));
  }

  /** It is there, and said something of itself that we have not got. */
  lacksAd(peer: PeerId): boolean {
    const entry = this.#entries.get(peer);
    return entry !== undefined && entry.left === undefined && entry.wantedAd > (entry.ad?.message.seq ?? 0);
  }

  /** Those after a peer id in the order of ids, for who asks page by page. */
  peersAfter(after: string): readonly PeerId[] {
    return [...this.#entries.keys()].filter((peer) => peer > after).toSorted();
  }

  /** What can be passed on of a peer: its ad and what is newer, or its farewell. */
  toldOf(peer: PeerId): readonly Told[] {
    const entry = this.#entries.get(peer);
    if (entry === undefined || entry.left === 'silent') return [];
    const leftMs = Math.max(0, entry.deadlineMs - this.#nowMs());
    const envelopes = entry.left === 'farewell' || entry.ad === entry.newest ? [entry.newest] : [...(entry.ad === undefined ? [] : [entry.ad]), entry.newest];
    return envelopes.map(({ bytes }) => ({ bytes, leftMs }));
  }

  #refusal(message: CapabilityMessage, known: Entry | undefined): Refusal | undefined {
    if (message.peer === this.#init.self) return 'CAPABILITY_OWN';
    const behindMs = this.#init.clock.now() - message.at;
    if (behindMs > MAX_SKEW_MS) return 'CAPABILITY_CLOCK_BEHIND';
    if (behindMs < -MAX_SKEW_MS) return 'CAPABILITY_CLOCK_AHEAD';
    if (known === undefined) return this.#makeRoom() ? undefined : 'CAPABILITY_FULL';
    if (message.run < known.run) return 'CAPABILITY_REPLAYED';
    return message.run === known.run && known.left === 'farewell' ? 'CAPABILITY_LEFT' : undefined;
  }

  /** An ad that newer messages have overtaken still tells what its author is, if it is the newest ad; it makes nobody live longer. */
  #takeLateAd(known: Entry, envelope: Envelope): Refusal | undefined {
    if (!isAd(envelope) || known.left !== undefined || envelope.message.seq <= (known.ad?.message.seq ?? 0)) return 'CAPABILITY_REPLAYED';
    this.#show(known, envelope);
    return undefined;
  }

  #takeNewest(known: Entry | undefined, envelope: Envelope, leftMs: number): Refusal | undefined {
    const { message } = envelope;
    const nowMs = this.#nowMs();
    const isSameRun = known !== undefined && message.run === known.run;
    const offset = isSameRun ? known.offset : new ClockOffset();
    // Of whom we know we know better: a neighbour's word must not make anybody leave.
    const deadlineMs = Math.min(offset.least(message.at, nowMs) + message.at + message.ttlMs, nowMs + (isSameRun ? Infinity : leftMs));
    // Leaving is never too late.
    if (message.kind !== 'bye' && deadlineMs <= nowMs) return 'CAPABILITY_STALE';
    offset.keep(message.at, nowMs);
    const isOffsetFresh = leftMs === Infinity || (isSameRun && known.isOffsetFresh);
    const stamp = { run: message.run, seq: message.seq, offset, isOffsetFresh, deadlineMs, heardMs: nowMs, newest: envelope, isSuspected: false, isLate: false, awayMs: 0 };
    if (isSameRun) {
      this.#update(Object.assign(known, stamp), envelope);
      return undefined;
    }
    if (known !== undefined) this.#end(message.peer, known, message.kind === 'bye' ? 'farewell' : 'restarted');
    const entry: Entry = { ...stamp, ad: undefined, wantedAd: 0, since: undefined, left: undefined };
    this.#entries.set(message.peer, entry);
    this.#update(entry, envelope);
    return undefined;
  }

  /** The latest that were heard of, and no more than MAX_APART: anybody can make up names with wrong clocks. */
  #noteApart({ peer, at }: CapabilityMessage): void {
    const nowMs = this.#nowMs();
    const offset = this.#apart.get(peer)?.offset ?? new ClockOffset();
    offset.keep(at, nowMs);
    this.#apart.delete(peer);
    this.#apart.set(peer, { offset, heardMs: nowMs });
    const [oldest] = this.#apart.keys();
    if (this.#apart.size > MAX_APART && oldest !== undefined) this.#apart.delete(oldest);
  }

  #update(entry: Entry, envelope: Envelope): void {
    const { message } = envelope;
    if (message.kind === 'bye') return this.#leave(message.peer, entry, 'farewell');
    if (isAd(envelope)) return this.#show(entry, envelope);
    if (message.kind === 'alive') entry.wantedAd = Math.max(entry.wantedAd, message.ad);
    const wasSilent = entry.left !== undefined;
    entry.left = undefined;
    // What it told before it fell silent holds until it tells something new.
    if (wasSilent && entry.ad !== undefined) this.#show(entry, entry.ad);
    if (entry.wantedAd > (entry.ad?.message.seq ?? 0)) this.#init.onMissing?.(message.peer);
  }

  #show(entry: Entry, ad: Ad): void {
    entry.ad = ad;
    entry.left = undefined;
    const isHere = entry.since !== undefined;
    if (!isHere) this.#count++;
    entry.since ??= this.#init.clock.now();
    const { peer, profile } = ad.message;
    this.#init.events.emit(isHere ? 'peer:changed' : 'peer:joined', { peer, profile, startedAt: entry.run, since: entry.since });
  }

  #leave(peer: PeerId, entry: Entry, why: 'farewell' | 'silent'): void {
    this.#away(entry);
    entry.left = why;
    this.#end(peer, entry, why);
  }

  #away(entry: Entry): void {
    if (!entry.isSuspected) entry.awayMs = this.#nowMs();
    this.#areOrphansOld = true;
  }

  #end(peer: PeerId, entry: Entry, why: LeftWhy): void {
    const wasHere = entry.since !== undefined;
    entry.since = undefined;
    if (!wasHere) return;
    this.#count--;
    this.#init.events.emit('peer:left', { peer, why });
  }

  /** Those who left give way, the one heard of longest ago first. */
  #makeRoom(): boolean {
    const { maxKnown = MAX_KNOWN } = this.#init;
    if (this.#entries.size < maxKnown) return true;
    const gone = [...this.#entries].filter(([, { left }]) => left !== undefined).toSorted(([, a], [, b]) => a.heardMs - b.heardMs)[0];
    return gone !== undefined && this.#entries.delete(gone[0]);
  }

  readonly #nowMs = (): number => this.#init.clock.monotonicMs();
}

const isAd = (envelope: Envelope): envelope is Ad => envelope.message.kind === 'ad';

/** Where beats are frequent, the next one is as soon there as an answer. */
const isNewlyLate = ({ left, isSuspected, isLate, deadlineMs, newest: { message: { ttlMs } } }: Entry, nowMs: number): boolean =>
  left === undefined && !isSuspected && !isLate && ttlMs >= 4 * LATE_MS && deadlineMs - nowMs <= LATE_MS;

const memberOf = (peer: PeerId, { ad, since, run }: Entry): Member | undefined =>
  (ad === undefined || since === undefined ? undefined : { peer, profile: ad.message.profile, startedAt: run, since });
