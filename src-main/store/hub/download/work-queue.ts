import type { LeafSet } from '../../dag/index.ts';

/** Neighbouring leaves, `first` to `last`, both included. */
export interface LeafRun {
  readonly first: number;
  readonly last: number;
}

/** Requests are long while there is much to do, and short at the end, so that all connections end together. */
const MAX_RUN_LEAVES = 128;
const MIN_RUN_LEAVES = 4;

/** What is still to be asked for. Every leaf is in the queue, with one connection, or done. */
export class WorkQueue {
  readonly #connections: number;
  readonly #runs: LeafRun[] = [];
  #leaves = 0;

  constructor(present: LeafSet, connections: number) {
    this.#connections = connections;
    for (const leaf of present.missing()) {
      const before = this.#runs.at(-1);
      if (before?.last === leaf - 1) this.#runs[this.#runs.length - 1] = { first: before.first, last: leaf };
      else this.#runs.push({ first: leaf, last: leaf });
      this.#leaves++;
    }
  }

  /** The next run, lowest leaves first; undefined when nothing is left to ask for. */
  claim(): LeafRun | undefined {
    const run = this.#runs.shift();
    if (run === undefined) return undefined;
    const share = Math.ceil(this.#leaves / (2 * this.#connections));
    const last = Math.min(run.last, run.first + Math.min(MAX_RUN_LEAVES, Math.max(MIN_RUN_LEAVES, share)) - 1);
    if (last < run.last) this.#runs.unshift({ first: last + 1, last: run.last });
    this.#leaves -= last - run.first + 1;
    return { first: run.first, last };
  }

  /** What a connection could not get. */
  giveBack(run: LeafRun): void {
    if (run.first > run.last) return;
    this.#runs.unshift(run);
    this.#leaves += run.last - run.first + 1;
  }
}
