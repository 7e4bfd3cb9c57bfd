import type { Machine, NodeReport } from '../ports.ts';

/** What a run of a session cost on this stage. */
export interface RunCost {
  readonly weightBytes: number;
  readonly prefill: { readonly rows: number; readonly computeUs: number };
  readonly decode: { readonly rows: number; readonly computeUs: number };
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
/** Share of a new run. */
const GAIN = 0.3;

/** How fast this node computed of late, out of its runs. */
export class SpeedMeter {
  #decode: number | undefined;
  #prefill: number | undefined;

  add({ weightBytes, prefill, decode }: RunCost): void {
    this.#decode = blend(this.#decode, rateOf(weightBytes, decode));
    this.#prefill = blend(this.#prefill, rateOf(weightBytes, prefill));
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

// A run of a few rows says more about waking up than about computing.
const rateOf = (weightBytes: number, { rows, computeUs }: RunCost['decode']): number | undefined =>
  (rows < MIN_ROWS || computeUs <= 0 || weightBytes <= 0 ? undefined : (weightBytes * rows * 1e6) / computeUs);

const blend = (known: number | undefined, seen: number | undefined): number | undefined =>
  (seen === undefined ? known : known === undefined ? seen : known + GAIN * (seen - known));
