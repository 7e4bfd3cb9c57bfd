import type { ActivationDtype } from '../../inference/index.ts';
import { rowValues } from './activations.ts';
import { commit } from './commitment.ts';
import { receiptErrors } from './errors.ts';
import { WINDOW_ROWS } from './options.ts';
import type { Committed, Receipt } from './receipt.ts';

/** What a stage did in one pass: rows as they came and went, at consecutive positions. */
export interface RecordedPass {
  readonly position: number;
  readonly rows: number;
  /** Token ids on the first stage, else [rows x hidden size]. */
  readonly input: Int32Array | Uint8Array;
  /** [rows x hidden size], or of the last rows alone; undefined on a last stage that does not give them. */
  readonly output: Uint8Array | undefined;
  /** The token sampled after the last row. */
  readonly sampled?: number;
}

export type RecordedWindow = Pick<Receipt, 'first' | 'count' | 'inputTokens' | 'sampledTokens' | 'input' | 'output' | 'startedMs' | 'endedMs'>;

export interface RecorderOptions {
  readonly hiddenSize: number;
  readonly dtype: ActivationDtype;
  readonly isLast: boolean;
  readonly nowMs: () => number;
}

/** Rows of one window so far. */
interface OpenWindow {
  readonly first: number;
  readonly startedMs: number;
  count: number;
  readonly tokens: number[];
  readonly sampled: number[];
  readonly input: Uint8Array[];
  readonly output: Uint8Array[];
}

/**
 * Collects a run's rows into windows: they end before each multiple of 32, and where the run ends. The prompt's last
 * rows and the answer's first share a window. A run that begins within one begins a window there.
 * Keeps at most 32 rows of input and output, in the transport's dtype.
 */
export class WindowRecorder {
  readonly #options: RecorderOptions;
  readonly #done: RecordedWindow[] = [];
  #open: OpenWindow | undefined;

  /** @throws RECEIPT_NOT_IN_Q8 */
  constructor(options: RecorderOptions) {
    if (options.dtype === 'q8') throw receiptErrors.notInQ8({});
    this.#options = options;
  }

  /** Takes a pass; returns the windows that it completed. */
  add(pass: RecordedPass): RecordedWindow[] {
    const outputFrom = pass.rows - this.#rowsIn(pass.output);
    for (let row = 0; row < pass.rows; row++) {
      const open = this.#windowAt(pass.position + row);
      open.count++;
      if (pass.input instanceof Int32Array) open.tokens.push(pass.input[row] ?? 0);
      else open.input.push(this.#row(pass.input, row));
      if (pass.output !== undefined && row >= outputFrom) open.output.push(this.#row(pass.output, row - outputFrom));
      if (row === pass.rows - 1 && pass.sampled !== undefined) open.sampled.push(pass.sampled);
      if ((open.first + open.count) % WINDOW_ROWS === 0) this.#finish();
    }
    return this.#done.splice(0);
  }

  /** Ends the run: what is left of its last window. */
  end(): RecordedWindow[] {
    this.#finish();
    return this.#done.splice(0);
  }

  #windowAt(position: number): OpenWindow {
    if (this.#open !== undefined && this.#open.first + this.#open.count !== position) this.#finish();
    this.#open ??= { first: position, startedMs: this.#options.nowMs(), count: 0, tokens: [], sampled: [], input: [], output: [] };
    return this.#open;
  }

  #finish(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    const { first, count, startedMs, tokens, sampled, input, output } = open;
    this.#done.push({
      first, count, startedMs, endedMs: Math.max(startedMs, this.#options.nowMs()),
      inputTokens: tokens.length > 0 ? tokens : null, sampledTokens: this.#options.isLast ? sampled : null,
      input: this.#committed(input, first + count), output: this.#committed(output, first + count),
    });
  }

  #committed(rows: readonly Uint8Array[], end: number): Committed | null {
    if (rows.length === 0) return null;
    return { first: end - rows.length, count: rows.length, bytes: commit(rowValues(Buffer.concat(rows), this.#options.dtype)) };
  }

  #rowBytes(): number {
    return this.#options.hiddenSize * (this.#options.dtype === 'f32' ? 4 : 2);
  }

  #rowsIn(data: Uint8Array | undefined): number {
    return data === undefined ? 0 : data.length / this.#rowBytes();
  }

  // Copied: an engine or a link may use its buffer again.
  #row(data: Uint8Array, row: number): Buffer {
    return Buffer.from(data.subarray(row * this.#rowBytes(), (row + 1) * this.#rowBytes()));
  }
}
