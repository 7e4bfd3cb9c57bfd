import type { Clock } from '../../base/index.ts';
import type { Signer } from '../types.ts';
import { seal, type CapabilityMessage, type Envelope, type Loss } from './message.ts';
import { AD_BURST, AD_EVERY_MS, AD_GAP_MS, AD_GAP_MS_PER_MEMBER, BEAT_MS, BEAT_MS_PER_MEMBER, GREET_EVERY_MS, GREET_MS, MAX_BEAT_MS, MAX_SKEW_MS, MAX_TOLD_LINKS, MAX_TTL_MS, REFUTE_AGAIN_MS, SLEPT_MS, TELLING_SHARE, TTL_BEATS } from './options.ts';
import type { Profile } from './profile.ts';

export interface AnnouncerTimes {
  readonly beatMs: number;
  readonly adEveryMs: number;
  readonly greetMs: number;
  readonly greetEveryMs: number;
}

export interface AnnouncerInit {
  readonly signer: Signer;
  readonly clock: Clock;
  /** What this node is now. */
  readonly profile: () => Profile | Promise<Profile>;
  /** How many are there: the more, the less often each speaks. */
  readonly members: () => number;
  readonly publish: (bytes: Uint8Array) => Promise<{ readonly recipients: number }>;
  readonly onTrouble: (error: unknown) => void;
  readonly times?: Partial<AnnouncerTimes>;
}

const TIMES: AnnouncerTimes = { beatMs: BEAT_MS, adEveryMs: AD_EVERY_MS, greetMs: GREET_MS, greetEveryMs: GREET_EVERY_MS };

type Said = { readonly kind: 'ad'; readonly profile: Profile } | { readonly kind: 'alive'; readonly ad: number; readonly lost?: readonly Loss[] } | { readonly kind: 'bye' };

/** Says what this node is: at the start, when it changed, once in ten minutes; in between that it is there; and at the end that it leaves. */
export class CapabilityAnnouncer {
  readonly #init: AnnouncerInit;
  readonly #times: AnnouncerTimes;
  #run = { at: 0, monotonicMs: 0 };
  #seq = 0;
  #ad: Envelope | undefined;
  #newest: Envelope | undefined;
  /** When the last ads were told, as many as may be told in a row. */
  #adsMs: number[] = [];
  /** Whether anybody was there when something was said last. */
  #isHeard = false;
  #beating: NodeJS.Timeout | undefined;
  #greeting: NodeJS.Timeout | undefined;
  #saidMs = Number.NEGATIVE_INFINITY;
  #isOver = false;
  /** One message after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(init: AnnouncerInit) {
    this.#init = init;
    this.#times = { ...TIMES, ...init.times };
    this.#begin();
  }

  /** Resolves when all is told that there is to tell. */
  start(): Promise<void> {
    return this.#beat();
  }

  /** What this node said last, for who asks: its ad, and what is newer. */
  get told(): readonly Envelope[] {
    return [...new Set([this.#ad, this.#newest])].filter((envelope) => envelope !== undefined);
  }

  get profile(): Profile | undefined {
    return this.#ad?.message.kind === 'ad' ? this.#ad.message.profile : undefined;
  }

  /** When this node began, unix ms. */
  get startedAt(): number {
    return this.#run.at;
  }

  /** Somebody new is there. Who has told others what it is need not do so again: the newcomer asks, and whoever comes with it hears the next beat. */
  greet(): void {
    if (!this.#isHeard) this.#beatIn(this.#times.greetMs);
  }

  /** Says that this node is there, as it may seem not to be. */
  isHere(): void {
    this.#beatIn(this.#times.greetMs);
  }

  /** Somebody says that this node is lost. */
  refute({ run, seq }: Loss): void {
    if (run !== this.#run.at) return;
    const isMadeUp = seq > this.#seq;
    this.#beatIn(0);
    if (isMadeUp) setTimeout(() => this.#beatIn(0), REFUTE_AGAIN_MS).unref();
  }

  /** Tells whom this node lost. */
  tellLost(lost: readonly Loss[]): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ad !== undefined) await this.#say({ kind: 'alive', ad: this.#ad.message.seq, lost });
    });
  }

  /** Tells it now if what this node is has changed. */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      const profile = await this.#init.profile();
      if (this.#isNew(profile) && this.#mayTell()) await this.#tell(profile);
    });
  }

  /** Says that this node leaves; nothing is said after that. */
  async stop(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#beating);
    clearTimeout(this.#greeting);
    this.#turn = this.#turn.then(async () => void (await this.#say({ kind: 'bye' }))).catch(this.#init.onTrouble);
    await this.#turn;
  }

  #beat(): Promise<void> {
    clearTimeout(this.#beating);
    return this.#inTurn(async () => {
      this.#keepTime();
      const profile = await this.#init.profile();
      const isDue = !this.#isHeard || this.#nowMs() - (this.#adsMs.at(-1) ?? 0) >= this.#times.adEveryMs;
      if (this.#ad === undefined || isDue || (this.#isNew(profile) && this.#mayTell())) await this.#tell(profile);
      else await this.#say({ kind: 'alive', ad: this.#ad.message.seq });
    }).finally(() => {
      // Who has just been met may not listen yet.
      const nextMs = this.#isHeard ? this.#beatMs() : Math.min(this.#beatMs(), BEAT_MS);
      if (!this.#isOver) this.#beating = setTimeout(() => void this.#beat(), nextMs).unref();
    });
  }

  #beatIn(delayMs: number): void {
    if (this.#greeting !== undefined || this.#isOver) return;
    const waitMs = Math.max(delayMs, this.#saidMs + this.#times.greetEveryMs - this.#nowMs());
    this.#greeting = setTimeout(() => {
      this.#greeting = undefined;
      void this.#beat();
    }, waitMs).unref();
  }

  async #tell({ links, ...profile }: Profile): Promise<void> {
    this.#adsMs = [...this.#adsMs, this.#nowMs()].slice(-AD_BURST);
    const nearest = links.toSorted((a, b) => a.rttMs - b.rttMs).slice(0, MAX_TOLD_LINKS);
    this.#ad = await this.#say({ kind: 'ad', profile: { ...profile, links: nearest } });
  }

  /** What changes often is told with a later beat. */
  #mayTell(): boolean {
    const gapMs = Math.max(AD_GAP_MS, this.#init.members() * AD_GAP_MS_PER_MEMBER);
    return this.#adsMs.length < AD_BURST || this.#nowMs() - (this.#adsMs[0] ?? 0) >= AD_BURST * gapMs;
  }

  async #say(what: Said): Promise<Envelope> {
    const { signer, publish } = this.#init;
    const at = this.#timeline();
    const message: CapabilityMessage = { ...what, peer: signer.peerId, run: this.#run.at, seq: ++this.#seq, at, ttlMs: Math.min(MAX_TTL_MS, Math.round(this.#beatMs() * TTL_BEATS)) };
    const envelope = await seal(message, signer);
    this.#newest = envelope;
    this.#saidMs = this.#nowMs();
    const { recipients } = await publish(envelope.bytes);
    this.#isHeard = recipients > 0;
    return envelope;
  }

  #isNew(profile: Profile): boolean {
    const before = this.profile;
    return before === undefined || gistOf(before, before) !== gistOf(profile, before);
  }

  /** A machine that slept has a monotonic clock that lags, and whoever heard it before would take all it says for old. */
  #keepTime(): void {
    const aheadMs = this.#init.clock.now() - this.#timeline();
    if (aheadMs > SLEPT_MS || aheadMs < -MAX_SKEW_MS / 2) this.#begin();
  }

  #begin(): void {
    this.#run = { at: this.#init.clock.now(), monotonicMs: this.#nowMs() };
    this.#seq = 0;
    this.#ad = undefined;
    this.#isHeard = false;
    this.#newest = undefined;
  }

  #beatMs(): number {
    return Math.min(MAX_BEAT_MS, Math.max(this.#times.beatMs, this.#init.members() * BEAT_MS_PER_MEMBER));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(() => (this.#isOver ? undefined : work())).catch(this.#init.onTrouble);
    return this.#turn;
  }

  readonly #timeline = (): number => this.#run.at + Math.floor(this.#nowMs() - this.#run.monotonicMs);
  readonly #nowMs = (): number => this.#init.clock.monotonicMs();
}

/** What is worth telling at once: not a few megabytes of memory, nor who is a neighbour this time, which would be an ad of all whenever one comes. */
function gistOf({ machine, links: _, ...rest }: Profile, before: Profile): string {
  const { ramFreeBytes = 0, ramTotalBytes = 1, batteryShare = 0, ...fixed } = machine;
  const moved = (now: number, then: number | undefined): number => (Math.abs(now - (then ?? 0)) >= TELLING_SHARE ? now : then ?? 0);
  const free = moved(ramFreeBytes / ramTotalBytes, (before.machine.ramFreeBytes ?? 0) / (before.machine.ramTotalBytes ?? 1));
  return JSON.stringify([rest, fixed, free, moved(batteryShare, before.machine.batteryShare)]);
}
