import type { Held } from '../schedule/holdings.ts';
import { Schedule, type LeafRef, type ScheduleOptions, type WantedShard } from '../schedule/schedule.ts';

/** A source as the simulation has it; times in ms, speed in bytes per ms. */
export interface SimulatedSource {
  readonly id: string;
  readonly speed: number;
  readonly delayMs: number;
  /** Per shard. */
  readonly held: readonly Held[];
  /** After so many leaves it says nothing more, is gone, or is found to lie. */
  readonly fate?: { readonly afterLeaves: number; readonly kind: 'stalls' | 'leaves' | 'lies' };
}

export interface SimulatedShard extends WantedShard {
  /** Leaves that are here at the start. */
  readonly has: (leaf: number) => boolean;
}

export interface Asked extends LeafRef {
  readonly source: string;
  readonly atMs: number;
  readonly isEndgame: boolean;
}

export interface Outcome {
  readonly schedule: Schedule;
  readonly endMs: number;
  readonly asked: readonly Asked[];
  /** Leaves that came, doubles included. */
  readonly delivered: number;
  readonly fresh: readonly string[];
}

export const keyOf = ({ shard, leaf }: LeafRef): string => `${shard}/${leaf}`;

interface Line {
  readonly source: SimulatedSource;
  queue: Array<{ readonly ref: LeafRef; readonly askedMs: number }>;
  freeMs: number;
  given: number;
  isOver: boolean;
}

const TICK_MS = 100;
const MOST_MS = 3_600_000;

/** Plays a download by a clock of its own: each source sends what it is asked one after the other at its speed. */
export function simulate(shards: readonly SimulatedShard[], sources: readonly SimulatedSource[], { onAsk, ...options }: ScheduleOptions & { onAsk?: (schedule: Schedule, asked: Asked) => void }): Outcome {
  const schedule = new Schedule(shards, options);
  const lines = sources.map((source): Line => ({ source, queue: [], freeMs: 0, given: 0, isOver: false }));
  const [asked, fresh]: [Asked[], string[]] = [[], []];
  let delivered = 0;
  shards.forEach(({ has, sizeBytes, leafBytes }, shard) => {
    for (let leaf = 0; leaf * leafBytes < sizeBytes; leaf++) if (has(leaf)) schedule.present({ shard, leaf });
  });
  for (const { id, held } of sources) {
    schedule.add(id, 0);
    held.forEach((of, shard) => schedule.holdings(id, shard, of));
  }
  const ask = (nowMs: number): void => {
    for (const line of lines) {
      if (!schedule.sources().includes(line.source.id)) continue;
      for (;;) {
        const isEndgame = schedule.isEndgame;
        const ref = schedule.next(line.source.id, nowMs);
        if (ref === undefined) break;
        const one = { ...ref, source: line.source.id, atMs: nowMs, isEndgame };
        asked.push(one);
        onAsk?.(schedule, one);
        line.queue.push({ ref, askedMs: nowMs });
      }
    }
  };
  const dueMs = ({ source, queue, freeMs, isOver }: Line): number =>
    queue[0] === undefined || isOver ? Number.POSITIVE_INFINITY : Math.max(freeMs, queue[0].askedMs + source.delayMs) + sizeOf(shards, queue[0].ref) / source.speed;
  let [nowMs, tickMs] = [0, TICK_MS];
  ask(0);
  while (schedule.missing > 0 && nowMs < MOST_MS) {
    const line = lines.reduce((first, other) => (dueMs(other) < dueMs(first) ? other : first));
    if (dueMs(line) > tickMs) {
      nowMs = tickMs;
      tickMs += TICK_MS;
      schedule.stalled(nowMs);
    } else {
      nowMs = line.freeMs = dueMs(line);
      const fate = line.source.fate;
      const ref = line.queue.shift()?.ref;
      if (fate !== undefined && line.given >= fate.afterLeaves) {
        line.isOver = true;
        if (fate.kind !== 'stalls') schedule.drop(line.source.id);
      } else if (ref !== undefined) {
        line.given++;
        delivered++;
        const { isNew, cancel } = schedule.received(line.source.id, ref, nowMs);
        if (isNew) fresh.push(keyOf(ref));
        for (const other of lines) if (cancel.includes(other.source.id)) other.queue = other.queue.filter((waiting) => keyOf(waiting.ref) !== keyOf(ref));
      }
    }
    ask(nowMs);
  }
  return { schedule, endMs: nowMs, asked, delivered, fresh };
}

export function sizeOf(shards: readonly WantedShard[], { shard, leaf }: LeafRef): number {
  const { sizeBytes = 0, leafBytes = 1 } = shards[shard] ?? {};
  return Math.min(leafBytes, sizeBytes - leaf * leafBytes);
}
