import { readdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** How much of a newer look counts. */
const GAIN = 0.5;
/** In which Linux counts a process's time to user space, whatever the kernel's own is. */
const TICK_MS = 10;

interface Look {
  readonly totalMs: number;
  readonly idleMs: number;
  readonly ownMs: number;
}

/**
 * What programs other than this one use of all processors, smoothed. On Linux this program is its whole tree of processes; elsewhere it can be told
 * only while nothing is computed for others, and what was seen last stands meanwhile.
 */
export class OthersLoad {
  #last: Look | undefined;
  #share: number | undefined;
  readonly #platform: NodeJS.Platform;

  constructor(platform: NodeJS.Platform = process.platform) {
    this.#platform = platform;
  }

  /** 0 to 1, since the look before; undefined at the first. Never rejects. */
  async look(isComputing: boolean): Promise<number | undefined> {
    const ownMs = this.#platform === 'linux' ? await treeMs(process.pid) : process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000;
    const now: Look = { ...timesMs(), ownMs };
    const before = this.#last;
    this.#last = now;
    if (before === undefined || (isComputing && this.#platform !== 'linux')) return this.#share;
    const share = othersShare(before, now);
    if (share !== undefined) this.#share = this.#share === undefined ? share : this.#share + GAIN * (share - this.#share);
    return this.#share;
  }
}

/** Exported for its test. Undefined where no time has passed. */
export function othersShare(before: Look, now: Look): number | undefined {
  const totalMs = now.totalMs - before.totalMs;
  if (totalMs <= 0) return undefined;
  // A child that ended takes its time with it.
  const ownMs = Math.max(0, now.ownMs - before.ownMs);
  return Math.min(1, Math.max(0, (totalMs - (now.idleMs - before.idleMs) - ownMs) / totalMs));
}

function timesMs(): Omit<Look, 'ownMs'> {
  const all = cpus().map(({ times }) => times);
  const idleMs = all.reduce((sum, { idle }) => sum + idle, 0);
  return { idleMs, totalMs: all.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, idleMs) };
}

async function treeMs(root: number, folder = '/proc'): Promise<number> {
  const pids = (await readdir(folder).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const processes = (await Promise.all(pids.map(async (pid) => parseStat(await readFile(join(folder, pid, 'stat'), 'utf8').catch(() => ''))))).filter((one) => one !== undefined);
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const sum = (pid: number): number => (children.get(pid) ?? []).reduce((ms, child) => ms + child.ms + sum(child.pid), 0);
  return (processes.find(({ pid }) => pid === root)?.ms ?? 0) + sum(root);
}

/** Exported for its test: proc(5). A program's name may hold anything, brackets too. */
export function parseStat(text: string): { readonly pid: number; readonly parent: number; readonly ms: number } | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
  const [pid, parent, user, system] = [Number.parseInt(text, 10), fields[1], fields[11], fields[12]];
  if (![pid, parent, user, system].every(Number.isFinite) || parent === undefined || user === undefined || system === undefined) return undefined;
  return { pid, parent, ms: (user + system) * TICK_MS };
}
