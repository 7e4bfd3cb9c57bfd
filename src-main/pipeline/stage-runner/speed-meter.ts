import type { Machine, NodeReport } from '../ports.ts';

interface Spent {
  readonly rows: number;
  readonly computeUs: number;
}

/** What a run of a session cost on this stage so far. */
export interface RunCost {
  readonly weightBytes: number;
  readonly prefill: Spent;
  readonly decode: Spent;
}

export interface MeasuredSpeed {
  /** Weights read for answer tokens. */
  readonly decodeBytesPerSecond: number | undefined;
  /** Weights times prompt tokens: stands for arithmetic, of which there is as much per byte in every layer. */
  readonly prefillBytesPerSecond: number | undefined;
}

/** Before a run: rows of a prompt share a pass, and with it the weights that it reads. */
const PREFILL_GUESS = 8;
const MIN_ROWS = 8;
/** Share of a new observation. */
const GAIN = 0.3;

/** How fast this node computed of late, out of its runs. */
export class SpeedMeter {
  #decode: number | undefined;
  #prefill: number | undefined;
  /** What of each run is counted already. */
  readonly #counted = new WeakMap<object, { prefill: Spent; decode: Spent }>();

  /** Sums of a run are told as often as somebody asks for them: only what came since counts. `run` is any object that stands for it. */
  add(run: object, { weightBytes, prefill, decode }: RunCost): void {
    const counted = this.#counted.get(run) ?? { prefill: NOTHING, decode: NOTHING };
    const [freshPrefill, freshDecode] = [since(counted.prefill, prefill), since(counted.decode, decode)];
    this.#decode = blend(this.#decode, rateOf(weightBytes, freshDecode));
    this.#prefill = blend(this.#prefill, rateOf(weightBytes, freshPrefill));
    this.#counted.set(run, { prefill: isEnough(freshPrefill) ? prefill : counted.prefill, decode: isEnough(freshDecode) ? decode : counted.decode });
  }

  get speed(): MeasuredSpeed {
    return { decodeBytesPerSecond: this.#decode, prefillBytesPerSecond: this.#prefill };
  }

  /** Measured where something was, else guessed. */
  report({ backend, freeBytes, memoryBytesPerSecond }: Machine): NodeReport {
    const decodeBytesPerSecond = Math.max(1, this.#decode ?? memoryBytesPerSecond);
    const prefillBytesPerSecond = Math.max(1, this.#prefill ?? decodeBytesPerSecond * PREFILL_GUESS);
    return { backend, freeBytes, decodeBytesPerSecond, prefillBytesPerSecond, isMeasured: this.#decode !== undefined && this.#prefill !== undefined };
  }
}

const NOTHING: Spent = { rows: 0, computeUs: 0 };

const since = (before: Spent, now: Spent): Spent => ({ rows: now.rows - before.rows, computeUs: now.computeUs - before.computeUs });

// A few rows say more about waking up than about computing: they wait until there are more.
const isEnough = ({ rows }: Spent): boolean => rows >= MIN_ROWS;

const rateOf = (weightBytes: number, spent: Spent): number | undefined =>
  (!isEnough(spent) || spent.computeUs <= 0 || weightBytes <= 0 ? undefined : (weightBytes * spent.rows * 1e6) / spent.computeUs);

const blend = (known: number | undefined, seen: number | undefined): number | undefined =>
  (seen === undefined ? known : known === undefined ? seen : known + GAIN * (seen - known));
