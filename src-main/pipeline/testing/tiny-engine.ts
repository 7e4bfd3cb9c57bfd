import type { LayerRange } from '../../base/index.ts';
import { engineErrors, rowBytes, type ActivationDtype, type AnswerShape, type ForwardItem, type ForwardResult, type OpenOptions, type SamplingOptions, type StageEngine, type StageInfo, type StageInput, type StageOutput, type TakeOptions, type TappedWindow } from '../../inference/index.ts';
import { decodeQ8, encodeQ8 } from './q8.ts';
import { WindowRecorder } from './window-recorder.ts';

export const TINY = { hiddenSize: 4, vocabSize: 997, architecture: 'tiny' } as const;
/** Values stay below 2048, so that F16 carries them exactly. */
const MODULUS = 1009;
/** Values from 2048 on are rounded by F16, which carries up to 65,504. */
const ROUGH_MODULUS = 50_021;

export interface TinyEngineOptions {
  readonly layers: LayerRange;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly contextTokens: number;
  readonly maxSessions: number;
  readonly batchTokens: number;
  /** Hidden states that F16 rounds, so that the tokens show where they were rounded. */
  readonly isRough?: boolean | undefined;
  /** Runs before each batch: a test makes the stage slow or fail here. */
  readonly beforeForward?: (batch: readonly ForwardItem[]) => Promise<void> | undefined;
}

interface TinySession {
  readonly sampling: SamplingOptions;
  /** Per row: the value that entered each layer. The "KV cache": every layer adds up all rows before. */
  rows: number[][];
  readonly recorder: WindowRecorder | undefined;
}

/**
 * A model in integer arithmetic with the one property that a pipeline must keep: each
 * row depends on all rows before it at every layer, so that a row lost, doubled, out
 * of order or computed by the wrong layers changes all later tokens.
 */
export class TinyEngine implements StageEngine {
  readonly info: StageInfo;
  readonly lost: Promise<Error>;
  readonly crash: (reason: Error) => void;
  disposed = false;
  largestBatch = 0;
  /** Of the sessions that were opened. It keeps none of them: it only refuses one that no text fits. */
  readonly shapes: (AnswerShape | undefined)[] = [];
  readonly #options: TinyEngineOptions;
  readonly #modulus: number;
  readonly #sessions = new Map<number, TinySession>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: TinyEngineOptions) {
    this.#options = options;
    this.#modulus = options.isRough === true ? ROUGH_MODULUS : MODULUS;
    const { layers, contextTokens } = options;
    this.info = { architecture: TINY.architecture, layers, hiddenSize: TINY.hiddenSize, vocabSize: TINY.vocabSize, contextTokens, weightBytes: 1000 * (layers.last - layers.first + 1), kvBytes: 0, backend: 'cpu' };
    const { promise, resolve } = Promise.withResolvers<Error>();
    [this.lost, this.crash] = [promise, resolve];
  }

  get openSessions(): number {
    return this.#sessions.size;
  }

  open(sampling: SamplingOptions, { record, shape }: OpenOptions = {}): Promise<number> {
    return this.#inOrder(() => {
      const [first] = shape?.grammar ?? [];
      if (first !== undefined && 'any' in first && first.any.length === 0) throw engineErrors.badGrammar({ detail: 'no text fits' });
      const slot = Array.from({ length: this.#options.maxSessions }, (_, i) => i).find((i) => !this.#sessions.has(i));
      if (slot === undefined) throw engineErrors.sessionsFull({ detail: 'all sessions are taken' });
      this.shapes.push(shape);
      const { isFirst, isLast } = this.#options;
      this.#sessions.set(slot, { sampling, rows: [], recorder: record === undefined ? undefined : new WindowRecorder({ hiddenSize: TINY.hiddenSize, dtype: record, isFirst, isLast }) });
      return slot;
    });
  }

  forward(batch: readonly ForwardItem[]): Promise<ForwardResult> {
    return this.#inOrder(async () => {
      const begunMs = performance.now();
      await this.#options.beforeForward?.(batch);
      const rows = batch.reduce((sum, { input }) => sum + (input.kind === 'tokens' ? input.tokens.length : input.rows), 0);
      if (rows > this.#options.batchTokens) throw engineErrors.badArgument({ detail: `${rows} rows in one batch` });
      this.largestBatch = Math.max(this.largestBatch, batch.length);
      return { outputs: batch.map((item) => this.#compute(item)), computeMs: performance.now() - begunMs };
    });
  }

  rollback(session: number, position: number): Promise<void> {
    return this.#inOrder(() => {
      const { rows, recorder } = this.#session(session);
      if (position < 0 || position > rows.length) throw engineErrors.badPosition({ detail: `rollback to ${position} of ${rows.length}` });
      rows.length = position;
      recorder?.cut(position);
    });
  }

  takeWindows(session: number, options: TakeOptions): Promise<readonly TappedWindow[]> {
    return this.#inOrder(() => this.#session(session).recorder?.take(options) ?? []);
  }

  close(session: number): Promise<void> {
    return this.#inOrder(() => { if (!this.#sessions.delete(session)) throw engineErrors.noSession({ detail: 'not open' }); });
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }

  #inOrder<T>(act: () => T | Promise<T>): Promise<T> {
    const result = this.#tail.then(() => {
      if (this.disposed) throw engineErrors.disposed({ detail: 'disposed' });
      return act();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #session(slot: number): TinySession {
    const session = this.#sessions.get(slot);
    if (session === undefined) throw engineErrors.noSession({ detail: 'not open' });
    return session;
  }

  #compute({ session: slot, position, input, want }: ForwardItem): StageOutput {
    const session = this.#session(slot);
    if (position !== session.rows.length) throw engineErrors.badPosition({ detail: `position ${position}, rows ${session.rows.length}` });
    if ((input.kind === 'tokens') !== this.#options.isFirst || (want.kind !== 'hidden') !== this.#options.isLast) throw engineErrors.badArgument({ detail: 'wrong kind for this stage' });
    const rows = checkedRows(input);
    if (session.rows.length + rows > this.#options.contextTokens) throw engineErrors.contextFull({ detail: 'too many rows' });
    const entering = input.kind === 'tokens' ? Array.from(input.tokens, (token) => token % this.#modulus) : readRows(input.data, input.dtype);
    const leaving = entering.map((value) => this.#row(session, value));
    const output: StageOutput = want.kind === 'hidden' ? { kind: 'hidden', dtype: want.dtype, rows: leaving.length, data: writeRows(leaving, want.dtype) }
      : want.kind === 'none' ? { kind: 'none' } : sample(leaving.at(-1) ?? 0, session);
    session.recorder?.add({
      position, rows, ...(input.kind === 'tokens' ? { input: input.tokens } : { input: input.data, takes: input.dtype }), output: output.kind === 'hidden' ? output.data : undefined,
      ...(output.kind === 'sampled' ? { sampled: output.token } : {}),
    });
    return output;
  }

  #row(session: TinySession, entering: number): number {
    const { first, last } = this.#options.layers;
    const inputs: number[] = [];
    let value = entering;
    for (let layer = first; layer <= last; layer++) {
      inputs.push(value);
      const before = session.rows.reduce((sum, row) => sum + (row[layer - first] ?? 0), 0);
      value = (value * 31 + before * 7 + layer + 1) % this.#modulus;
    }
    session.rows.push(inputs);
    return value;
  }
}

function checkedRows(input: StageInput): number {
  const rows = input.kind === 'tokens' ? input.tokens.length : input.rows;
  if (rows < 1) throw engineErrors.badArgument({ detail: 'no rows' });
  if (input.kind === 'hidden' && input.data.length !== rows * rowBytes(input.dtype, TINY.hiddenSize)) throw engineErrors.badArgument({ detail: `${input.data.length} bytes for ${rows} rows` });
  if (input.kind === 'tokens' && input.tokens.some((token) => token < 0 || token >= TINY.vocabSize)) throw engineErrors.badToken({ detail: 'not in the vocabulary' });
  return rows;
}

function sample(value: number, { sampling, rows }: TinySession): StageOutput {
  const noise = sampling.temperature > 0 ? (sampling.seed * 131 + rows.length * 17) % MODULUS : 0;
  const token = (value + noise) % TINY.vocabSize;
  const top = Array.from({ length: sampling.topLogprobs }, (_, i) => ({ token: (token + i) % TINY.vocabSize, logprob: -0.5 - i }));
  return { kind: 'sampled', token, logprob: -0.5, top };
}

function writeRows(values: readonly number[], dtype: ActivationDtype): Uint8Array {
  if (dtype === 'q8') return encodeQ8(values.flatMap((value) => new Array<number>(TINY.hiddenSize).fill(value)), TINY.hiddenSize);
  const width = dtype === 'f32' ? 4 : 2;
  const view = new DataView(new ArrayBuffer(values.length * TINY.hiddenSize * width));
  values.forEach((value, row) => {
    for (let column = 0; column < TINY.hiddenSize; column++) {
      const at = (row * TINY.hiddenSize + column) * width;
      if (dtype === 'f32') view.setFloat32(at, value, true);
      else view.setFloat16(at, value, true);
    }
  });
  return new Uint8Array(view.buffer);
}

// Whole numbers, whatever rounding made of them on the way.
function readRows(data: Uint8Array, dtype: ActivationDtype): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const value = dtype === 'q8' ? valuesOf(data) : (at: number): number => (dtype === 'f32' ? view.getFloat32(4 * at, true) : view.getFloat16(2 * at, true));
  return Array.from({ length: data.byteLength / rowBytes(dtype, TINY.hiddenSize) }, (_, row) => Math.round(value(row * TINY.hiddenSize)));
}

function valuesOf(data: Uint8Array): (at: number) => number {
  const values = decodeQ8(data, TINY.hiddenSize);
  return (at) => values[at] ?? 0;
}
