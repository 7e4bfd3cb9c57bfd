import type { Clock } from '../../base/index.ts';
import { events, INTERVAL_MS, type HostEvent, type RateClass } from '../../../src-preload/bridge/index.ts';

type Slow = Exclude<RateClass, 'now'>;

interface Lane {
  /** By key, in order of first arrival. */
  readonly pending: Map<string, HostEvent>;
  flushedAtMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** Keeps each event within its rate class. The first of a burst leaves at once, so that the first token is not delayed. */
export class Coalescer {
  readonly #lanes: Record<Slow, Lane> = { latest: newLane(), text: newLane() };
  readonly #emit: (event: HostEvent) => void;
  readonly #clock: Clock;

  constructor(emit: (event: HostEvent) => void, clock: Clock) {
    this.#emit = emit;
    this.#clock = clock;
  }

  push(event: HostEvent): void {
    const { rate } = events[event.event];
    if (rate === 'now') {
      this.flush();
      this.#emit(event);
      return;
    }
    const lane = this.#lanes[rate];
    const key = keyOf(event);
    lane.pending.set(key, merge(lane.pending.get(key), event));
    const waitMs = lane.flushedAtMs + INTERVAL_MS[rate] - this.#clock.monotonicMs();
    if (waitMs <= 0) this.#flushLane(lane);
    else lane.timer ??= setTimeout(() => this.#flushLane(lane), waitMs);
  }

  /** Sends what waits, now. */
  flush(): void {
    for (const lane of Object.values(this.#lanes)) if (lane.pending.size > 0) this.#flushLane(lane);
  }

  #flushLane(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    lane.flushedAtMs = this.#clock.monotonicMs();
    const waiting = [...lane.pending.values()];
    lane.pending.clear();
    for (const event of waiting) this.#emit(event);
  }
}

const newLane = (): Lane => ({ pending: new Map(), flushedAtMs: Number.NEGATIVE_INFINITY, timer: undefined });

const keyOf = (event: HostEvent): string => (event.event === 'chat.delta' ? event.data.requestId : event.event);

function merge(old: HostEvent | undefined, event: HostEvent): HostEvent {
  if (old?.event !== 'chat.delta' || event.event !== 'chat.delta') return event;
  return { event: 'chat.delta', data: { requestId: event.data.requestId, text: old.data.text + event.data.text } };
}
