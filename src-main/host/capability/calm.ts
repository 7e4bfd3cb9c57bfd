import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** Below this share of its processors in use a machine does nothing that a measurement would disturb, or be disturbed by. */
const CALM_SHARE = 0.15;
const LOOK_MS = 1_000;

/** Whether this machine has next to nothing to do: our own answers and everybody's else. Looks for a second. */
export async function isMachineCalm(signal: AbortSignal): Promise<boolean> {
  const before = times();
  await setTimeout(LOOK_MS, undefined, { signal, ref: false });
  const after = times();
  const total = after.totalMs - before.totalMs;
  // Where the system tells no times, nobody knows.
  return total > 0 && 1 - (after.idleMs - before.idleMs) / total < CALM_SHARE;
}

function times(): { readonly idleMs: number; readonly totalMs: number } {
  const all = cpus().map((cpu) => cpu.times);
  const idleMs = all.reduce((sum, { idle }) => sum + idle, 0);
  return { idleMs, totalMs: all.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, idleMs) };
}
