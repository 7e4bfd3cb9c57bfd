import { systemClock } from '../base/index.ts';
import { measureMemorySpeed } from '../inference/index.ts';

let measuring: Promise<number> | undefined;
let known: number | undefined;

/** Bytes/s, measured once a process: a node with shards does so when it starts, so that nobody who asks for its offers waits for it. */
export function memorySpeed(): Promise<number> {
  measuring ??= measureMemorySpeed(() => systemClock.monotonicMs()).then((bytesPerSecond) => (known = bytesPerSecond));
  return measuring;
}

/** Undefined until it was measured. */
export const knownMemorySpeed = (): number | undefined => known;

/** From another process of this machine: a node that is started in place of a lost one has no time to measure. */
export function takeMemorySpeed(bytesPerSecond: number): void {
  known = bytesPerSecond;
  measuring = Promise.resolve(bytesPerSecond);
}
