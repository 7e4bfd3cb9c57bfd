import type { ActivationDtype, TakeOptions, TappedRows, TappedWindow } from '../../inference/index.ts';
import { rowValues, topEntries } from '../receipts/activations.ts';
import { TOP_ENTRIES, WINDOW_ROWS } from '../receipts/options.ts';

/** What a stage did in one pass: rows as they came and went, at consecutive positions. */
export interface RecordedPass {
  readonly position: number;
  readonly rows: number;
  /** Token ids on the first stage, else [rows x hidden size]. */
  readonly input: Int32Array | Uint8Array;
  /** Where it is another than that of the output. */
  readonly takes?: ActivationDtype;
  /** [rows x hidden size], or of the last rows alone; undefined on a last stage that does not give them. */
  readonly output: Uint8Array | undefined;
  /** The token sampled after the last row. */
  readonly sampled?: number;
}

export interface RecorderOptions {
  readonly hiddenSize: number;
  /** Of what goes out, and of what comes in unless a pass says otherwise. */
  readonly dtype: ActivationDtype;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

interface Row {
  readonly position: number;
  readonly token: number;
  readonly input: Float32Array | undefined;
  readonly output: Float32Array | undefined;
  readonly sampled: number | undefined;
}

/** What native/src/tap.h does, the plain way: keeps every row and looks at them when asked. What the tap is held against. */
export class WindowRecorder {
  readonly #options: RecorderOptions;
  #rows: Row[] = [];
  #done: TappedWindow[] = [];

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  add({ position, rows, input, output, sampled, takes = this.#options.dtype }: RecordedPass): void {
    const came = input instanceof Int32Array ? [] : this.#split(rowValues(input, takes));
    const went = output === undefined ? [] : this.#split(rowValues(output, this.#options.dtype));
    for (let row = 0; row < rows; row++) {
      this.#rows.push({
        position: position + row, token: input instanceof Int32Array ? input[row] ?? 0 : 0,
        input: came[row], output: went[row - rows + went.length], sampled: row === rows - 1 ? sampled : undefined,
      });
    }
  }

  cut(position: number): void {
    this.#rows = this.#rows.filter((row) => row.position < position);
  }

  take({ end, most }: TakeOptions): TappedWindow[] {
    this.cut(end);
    const windows = Map.groupBy(this.#rows.splice(0), (row) => Math.floor(row.position / WINDOW_ROWS));
    this.#done = [...this.#done.filter(({ first, count }) => first + count <= end), ...[...windows.values()].map((rows) => this.#window(rows))];
    return this.#done.splice(0, most);
  }

  #window(rows: readonly Row[]): TappedWindow {
    const { isFirst, isLast } = this.#options;
    const sampled = tail(rows, (row) => row.sampled);
    const output = tail(rows, (row) => row.output);
    const now = Date.now();
    return {
      first: rows[0]?.position ?? 0, count: rows.length, startedMs: now, endedMs: now,
      ...(isFirst ? { tokens: Int32Array.from(rows, ({ token }) => token) } : { input: this.#tapped(rows, tail(rows, (row) => row.input)) }),
      ...(isLast ? { sampled: Int32Array.from(sampled) } : {}), ...(output.length === 0 ? {} : { output: this.#tapped(rows, output) }),
    };
  }

  #tapped(rows: readonly Row[], data: readonly Float32Array[]): TappedRows {
    const entries = topEntries(Float32Array.from(data.flatMap((row) => [...row])), TOP_ENTRIES);
    return { first: (rows.at(-data.length)?.position ?? 0), count: data.length, entries: Int32Array.from(entries.flatMap(({ index, bits }) => [index, bits])) };
  }

  #split(values: Float32Array): Float32Array[] {
    const { hiddenSize } = this.#options;
    return Array.from({ length: values.length / hiddenSize }, (_, row) => values.subarray(row * hiddenSize, (row + 1) * hiddenSize));
  }
}

/** Of the last rows, as far back as each has one. */
function tail<T>(rows: readonly Row[], of: (row: Row) => T | undefined): T[] {
  const without = rows.findLastIndex((row) => of(row) === undefined);
  return rows.slice(without + 1).map((row) => of(row) as T);
}
