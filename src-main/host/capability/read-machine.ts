import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { availableBytes } from '../../inference/index.ts';
import type { Profile } from '../../mesh/index.ts';
import { label } from './label.ts';
import { readPower } from './power.ts';

export type MachineFacts = Profile['machine'];

/** What this machine is and has free now: read, or absent. */
export async function readMachine(): Promise<MachineFacts> {
  const [free, power] = [await freeRam(), await readPower()];
  return { ...fixedFacts(), ...power, ...(free === undefined ? {} : { ramFreeBytes: free }) };
}

/** What does not change while it runs. */
export function fixedFacts(): MachineFacts {
  const [cpu, osRelease, total] = [label(cpus()[0]?.model ?? ''), label(release()), ramTotal()];
  return {
    os: process.platform, arch: process.arch, cores: availableParallelism(),
    // Linux on some ARM boards says "unknown" for a processor that it has no name for.
    ...(cpu === undefined || cpu === 'unknown' ? {} : { cpu }), ...(osRelease === undefined ? {} : { osRelease }), ...(total > 0 ? { ramTotalBytes: total } : {}),
    ...(process.platform === 'darwin' && process.arch === 'arm64' ? { hasUnifiedMemory: true } : {}),
  };
}

/** Of a container, what it may use. */
function ramTotal(): number {
  const [all, constrained] = [totalmem(), process.constrainedMemory()];
  return constrained > 0 && constrained < all ? constrained : all;
}

async function freeRam(): Promise<number | undefined> {
  const free = Math.min(await availableBytes(), process.availableMemory());
  return Number.isSafeInteger(free) && free >= 0 ? free : undefined;
}
