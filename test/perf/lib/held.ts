import { readdir, readFile } from 'node:fs/promises';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../../src-main/base/index.ts';
import { median } from './report.ts';

/** What a process holds at one moment. */
export interface Held {
  readonly atMs: number;
  readonly residentBytes: number;
  readonly fds: number;
  readonly threads: number;
}

/** What only the process itself can tell, after a collection. */
export interface OwnHeld extends Held {
  readonly heapBytes: number;
  /** Room that V8 keeps for young objects; no collection gives it back under load. */
  readonly youngBytes: number;
  /** Memory of JavaScript objects outside the heap. */
  readonly externalBytes: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Undefined when the process is gone. Linux only. */
export async function heldBy(pid: number): Promise<Held | undefined> {
  try {
    const [status, fds] = await Promise.all([readFile(`/proc/${pid}/status`, 'utf8'), readdir(`/proc/${pid}/fd`)]);
    const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    const held = { atMs: systemClock.monotonicMs(), residentBytes: 1024 * number('VmRSS'), fds: fds.length, threads: number('Threads') };
    // One that is about to end has given its memory back already.
    return Number.isNaN(held.residentBytes) ? undefined : held;
  } catch {
    return undefined;
  }
}

/** Resident memory before the collection, as it is in use; the rest after it. */
export async function heldByUs(): Promise<OwnHeld | undefined> {
  const held = await heldBy(process.pid);
  if (held === undefined) return undefined;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  const youngBytes = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
  return { ...held, heapBytes: heapUsed, youngBytes, externalBytes: external };
}

/** How one figure went: medians of the first, middle and last twelfth of the time, and the line through its second half. */
export interface Course {
  readonly start: number;
  readonly middle: number;
  readonly end: number;
  /** Least squares. */
  readonly perHour: number;
}

export function courseOf<T extends Held>(samples: readonly T[], of: (sample: T) => number): Course {
  const [values, twelfth, half] = [samples.map(of), Math.max(1, Math.round(samples.length / 12)), samples.length >> 1];
  const around = (from: number): number => median(values.slice(from, from + twelfth));
  return { start: around(0), middle: around(half - (twelfth >> 1)), end: around(values.length - twelfth), perHour: slope(samples.slice(half).map(({ atMs }) => atMs / 3_600_000), values.slice(half)) };
}

function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x0, y0] = [mean(xs), mean(ys)];
  const over = xs.reduce((sum, x) => sum + (x - x0) ** 2, 0);
  return over === 0 ? 0 : xs.reduce((sum, x, i) => sum + (x - x0) * ((ys[i] ?? y0) - y0), 0) / over;
}
