import type { Clock } from '../../base/index.ts';
import type { StreamTraffic } from '../streams/frame-stream.ts';

/** What was measured of the link to one peer; what was not is undefined. */
export interface LinkFigures {
  /** Smoothed: each new round trip counts an eighth (RFC 6298, 2.3). */
  readonly rttMs: number | undefined;
  /** The least of the last 5 to 10 minutes. */
  readonly minRttMs: number | undefined;
  /** How much one round trip differs from the one before, smoothed: each difference counts a sixteenth (RFC 3550, 6.4.1, with round trips for transit times). */
  readonly jitterMs: number | undefined;
  /** Share of the datagrams sent to the peer that did not come, 0 to 1: of the last LOSS_PROBES probes within an hour. Undefined too where UDP does not get through. */
  readonly loss: number | undefined;
  /** Bytes/s that the last probe found, in the slower direction. */
  readonly bytesPerSecond: number | undefined;
  /** Payload that came within one second, at most, in the last 5 to 10 minutes: the link carries no less. */
  readonly carriedBytesPerSecond: number | undefined;
  /** Payload of streams with the peer since it is connected, without pings and probes. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

const RTT_GAIN = 1 / 8;
const JITTER_GAIN = 1 / 16;
const WINDOW_MS = 5 * 60_000;
const SECOND_MS = 1000;
/** Each sends a thousand: together they tell a loss of 20 % to within 2 % of it (a standard deviation). */
const LOSS_PROBES = 10;
const LOSS_WINDOW_MS = 60 * 60_000;

interface Probe {
  readonly sent: number;
  readonly arrived: number;
  readonly atMs: number;
}

/** Gathers the figures of one link. A sample costs a few additions: every frame is one. */
export class LinkGauge {
  readonly #clock: Clock;
  #rttMs: number | undefined;
  #lastRttMs: number | undefined;
  #jitterMs: number | undefined;
  #bytesPerSecond: number | undefined;
  #probes: readonly Probe[] = [];
  #sentBytes = 0;
  #receivedBytes = 0;
  readonly #least: RecentBest;
  readonly #carried: RecentBest;
  #secondBegunMs = Number.NEGATIVE_INFINITY;
  #secondBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#least = new RecentBest(clock, Math.min);
    this.#carried = new RecentBest(clock, Math.max);
  }

  roundTrip(rttMs: number): void {
    const last = this.#lastRttMs;
    // Two make a difference, not one.
    if (last !== undefined) this.#jitterMs = (this.#jitterMs ?? 0) + JITTER_GAIN * (Math.abs(rttMs - last) - (this.#jitterMs ?? 0));
    this.#lastRttMs = rttMs;
    this.#rttMs = this.#rttMs === undefined ? rttMs : this.#rttMs + RTT_GAIN * (rttMs - this.#rttMs);
    this.#least.add(rttMs);
  }

  probed(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  datagrams({ sent, arrived }: Omit<Probe, 'atMs'>): void {
    this.#probes = [...this.#probes, { sent, arrived, atMs: this.#clock.monotonicMs() }].slice(-LOSS_PROBES);
  }

  /** Another connection is taken: what was measured of the way is not true of this one. What was carried is. */
  moved(): void {
    this.#rttMs = this.#lastRttMs = this.#jitterMs = this.#bytesPerSecond = undefined;
    this.#probes = [];
    this.#least.forget();
    this.#carried.forget();
  }

  sent(sizeBytes: number): void {
    this.#sentBytes += sizeBytes;
  }

  received(sizeBytes: number): void {
    this.#receivedBytes += sizeBytes;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#secondBegunMs >= SECOND_MS) {
      this.#endSecond();
      this.#secondBegunMs = nowMs;
    }
    this.#secondBytes += sizeBytes;
  }

  figures(): LinkFigures {
    if (this.#clock.monotonicMs() - this.#secondBegunMs >= SECOND_MS) this.#endSecond();
    return {
      rttMs: this.#rttMs, minRttMs: this.#least.value(), jitterMs: this.#jitterMs, loss: this.#loss(), bytesPerSecond: this.#bytesPerSecond,
      carriedBytesPerSecond: this.#carried.value(), sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes,
    };
  }

  #loss(): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const young = this.#probes.filter(({ atMs }) => nowMs - atMs < LOSS_WINDOW_MS);
    const sum = (what: 'sent' | 'arrived'): number => young.reduce((all, probe) => all + probe[what], 0);
    return young.length === 0 ? undefined : 1 - sum('arrived') / sum('sent');
  }

  #endSecond(): void {
    // One that ended long ago, before the link was idle, is none of late.
    if (this.#secondBytes > 0 && this.#clock.monotonicMs() - this.#secondBegunMs < WINDOW_MS) this.#carried.add(this.#secondBytes);
    this.#secondBytes = 0;
  }
}

/** What a stream of that link is counted by, too. */
export const watched = (traffic: StreamTraffic, gauge: LinkGauge): StreamTraffic => ({
  sent: (sizeBytes) => { traffic.sent(sizeBytes); gauge.sent(sizeBytes); },
  received: (sizeBytes) => { traffic.received(sizeBytes); gauge.received(sizeBytes); },
  refused: (code) => traffic.refused(code),
});

/** The best of this window and of the one before. */
class RecentBest {
  readonly #clock: Clock;
  readonly #better: (a: number, b: number) => number;
  #current: number | undefined;
  #before: number | undefined;
  #begunMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, better: (a: number, b: number) => number) {
    this.#clock = clock;
    this.#better = better;
  }

  add(sample: number): void {
    this.#turn();
    this.#current = this.#current === undefined ? sample : this.#better(this.#current, sample);
  }

  value(): number | undefined {
    this.#turn();
    if (this.#current === undefined || this.#before === undefined) return this.#current ?? this.#before;
    return this.#better(this.#current, this.#before);
  }

  forget(): void {
    this.#current = this.#before = undefined;
  }

  #turn(): void {
    const nowMs = this.#clock.monotonicMs();
    const ageMs = nowMs - this.#begunMs;
    if (ageMs < WINDOW_MS) return;
    this.#before = ageMs < 2 * WINDOW_MS ? this.#current : undefined;
    this.#current = undefined;
    this.#begunMs = nowMs;
  }
}
