import { cpus } from 'node:os';

/** How long one source has to show what it keeps us busy with. */
const TURN_MS = 100;
/** How long it may take to begin; the next one does not wait longer for it, and half as long after each that did not begin in time. */
const BEGIN_MS = 500;
const LEAST_BEGIN_MS = 25;
/** Share of its time that a process works which has nothing else to do: another source brings something. */
const IDLE = 0.3;
/**
 * Share that a busy one works: more sources would only cost it more. A fetch at its limit was seen at 0.63 to 1.00 for a turn, so that what
 * lies between is asked twice.
 */
const BUSY = 0.6;
/** A machine with so little idle time has none for another source, if it is we who use it. */
const FULL = 0.75;
const WORKING_CORES = 0.4;

/** Resolves when it has begun, or cannot. */
export type Start = () => Promise<void>;

export interface TurnOptions {
  /** Waits; resolves early when all is over. */
  readonly pause: (ms: number) => Promise<void>;
  /** Starts to measure; what it returns gives the share of the time since then that this process worked. */
  readonly measure?: () => () => number;
  readonly signal: AbortSignal;
}

/**
 * Begins one thing after the other, as long as this process has time left for the next. One fast peer may keep it busy with decrypting
 * and checking alone; each further one would cost a handshake and a share of the processors, and bring nothing.
 */
export class InTurn {
  readonly #options: TurnOptions;
  readonly #waiting: Start[] = [];
  #isTaking = false;

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  /** The first one begins at once. */
  add(start: Start): void {
    this.#waiting.push(start);
    if (this.#isTaking) return;
    this.#isTaking = true;
    void this.#take();
  }

  async #take(): Promise<void> {
    const { pause, measure = busynessNow, signal } = this.#options;
    let beginMs = BEGIN_MS;
    for (let start = this.#waiting.shift(); start !== undefined && !signal.aborted; start = this.#waiting.shift()) {
      // While it connects we are idle, which says nothing.
      const hasBegun = await Promise.race([start().then(() => true), pause(beginMs).then(() => false)]);
      beginMs = hasBegun ? BEGIN_MS : Math.max(LEAST_BEGIN_MS, beginMs / 2);
      await this.#time(measure);
    }
    this.#isTaking = false;
  }

  /** Until there is time to spare: clearly for one turn, or probably for two in a row. */
  async #time(measure: () => () => number): Promise<void> {
    const { pause, signal } = this.#options;
    let spare = 0;
    do {
      const busyness = measure();
      await pause(TURN_MS);
      const share = busyness();
      if (share > BUSY) spare = 0;
      else spare += share <= IDLE ? 1 : 0.5;
    } while (spare < 1 && !signal.aborted);
  }
}

function busynessNow(): () => number {
  const [loop, own, machine, atMs] = [performance.eventLoopUtilization(), process.cpuUsage(), machineTimes(), performance.now()];
  return () => {
    const { user, system } = process.cpuUsage(own);
    const ownCores = (user + system) / 1000 / (performance.now() - atMs);
    const { idleMs, totalMs } = machineTimes();
    const machineShare = 1 - (idleMs - machine.idleMs) / Math.max(1, totalMs - machine.totalMs);
    return ownCores > WORKING_CORES && machineShare > FULL ? 1 : performance.eventLoopUtilization(loop).utilization;
  };
}

function machineTimes(): { readonly idleMs: number; readonly totalMs: number } {
  const all = cpus().map(({ times }) => times);
  const sum = (of: (times: (typeof all)[number]) => number): number => all.reduce((total, times) => total + of(times), 0);
  return { idleMs: sum(({ idle }) => idle), totalMs: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq) };
}
