import type { LayerRange } from '../../base/index.ts';
import { GREEDY, type ActivationDtype, type Backend, type StageEngine, type StageInput, type StageOutput } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { SendingRange, Window } from './receipt-session.ts';

/** An engine for one range, whatever its place in the model: `isLast` false makes it give hidden states, true samples. */
export type LoadRange = (range: LayerRange, part: { readonly isFirst: boolean; readonly isLast: boolean }) => Promise<StageEngine>;

export interface RecomputeOptions {
  readonly tokens: Int32Array;
  readonly ranges: readonly SendingRange[];
  readonly batchTokens: number;
  readonly load: LoadRange;
  readonly signal: AbortSignal;
}

/** What enters a range: tokens, or [rows x hidden size] of the transport's dtype. */
export type RangeInput = { readonly kind: 'tokens'; readonly tokens: Int32Array } | Rows;

export interface Rows {
  readonly kind: 'hidden';
  readonly dtype: ActivationDtype;
  readonly rows: number;
  readonly data: Uint8Array;
}

export interface RecomputedRange {
  readonly range: LayerRange;
  readonly input: RangeInput;
  readonly output: Rows;
  /** What computed it here. */
  readonly backend: Backend;
}

/** Runs the tokens through one range after the other, so that never more than one is loaded. Rejects with ENGINE_*, PIPELINE_CANCELLED. */
export async function recompute(options: RecomputeOptions): Promise<RecomputedRange[]> {
  const done: RecomputedRange[] = [];
  let input: RangeInput = { kind: 'tokens', tokens: options.tokens };
  for (const range of options.ranges) {
    const computed = await throughRange(range, input, options);
    done.push(computed);
    input = computed.output;
  }
  return done;
}

async function throughRange({ sends: dtype, ...range }: SendingRange, input: RangeInput, { load, batchTokens, signal }: RecomputeOptions): Promise<RecomputedRange> {
  const engine = await load(range, { isFirst: input.kind === 'tokens', isLast: false });
  try {
    const session = await engine.open(GREEDY);
    const parts: Uint8Array[] = [];
    const rows = rowsOf(input);
    for (let position = 0; position < rows; position += batchTokens) {
      if (signal.aborted) throw pipelineErrors.cancelled({});
      const part = sliceInput(input, { first: position, count: Math.min(batchTokens, rows - position) });
      parts.push(await forwardHidden(engine, { session, position, input: part, dtype }));
    }
    return { range, input, output: { kind: 'hidden', dtype, rows, data: Buffer.concat(parts) }, backend: engine.info.backend };
  } finally {
    await engine.dispose();
  }
}

interface Step {
  readonly session: number;
  readonly position: number;
  readonly input: StageInput;
  readonly dtype: ActivationDtype;
}

async function forwardHidden(engine: StageEngine, { dtype, ...item }: Step): Promise<Uint8Array> {
  const output = await single(engine, { ...item, want: { kind: 'hidden', dtype } });
  if (output?.kind !== 'hidden') throw pipelineErrors.engineMisbehaved({ wanted: 'hidden states', got: output?.kind ?? 'nothing' });
  return output.data;
}

const single = async (engine: StageEngine, item: Parameters<StageEngine['forward']>[0][number]): Promise<StageOutput | undefined> => (await engine.forward([item])).outputs[0];

export const rowsOf = (input: RangeInput): number => (input.kind === 'tokens' ? input.tokens.length : input.rows);

function sliceInput(input: RangeInput, window: Window): StageInput {
  if (input.kind === 'tokens') return { kind: 'tokens', tokens: input.tokens.slice(window.first, window.first + window.count) };
  return { ...input, rows: window.count, data: sliceRows(input, window) };
}

export function sliceRows({ rows, data }: Rows, { first, count }: Window): Uint8Array {
  const width = data.length / rows;
  return data.subarray(first * width, (first + count) * width);
}

/** Of the token after a row: how much likelier than the one claimed the best one is. */
export interface SampleCheck {
  readonly position: number;
  readonly claimed: number;
  readonly best: number;
  /** Nats; infinite when the claimed token is not among the likeliest. */
  readonly gap: number;
}

const ALTERNATIVES = 8;

/** Samples after each row of a window, as the last stage did; `input` holds all rows from 0, `claimed` the tokens after the window's last rows. */
export async function resample(last: RecomputedRange, claims: Window & { readonly claimed: readonly number[] }, { load, batchTokens }: RecomputeOptions): Promise<SampleCheck[]> {
  const { range, input } = last;
  const engine = await load(range, { isFirst: input.kind === 'tokens', isLast: true });
  try {
    const session = await engine.open({ ...GREEDY, topLogprobs: ALTERNATIVES });
    const begin = claims.first + claims.count - claims.claimed.length;
    for (let position = 0; position < begin; position += batchTokens) {
      const part = sliceInput(input, { first: position, count: Math.min(batchTokens, begin - position) });
      await single(engine, { session, position, input: part, want: { kind: 'none' } });
    }
    const checks: SampleCheck[] = [];
    for (const [i, claimed] of claims.claimed.entries()) {
      const position = begin + i;
      const output = await single(engine, { session, position, input: sliceInput(input, { first: position, count: 1 }), want: { kind: 'sample' } });
      checks.push(checkSample(output, { position, claimed }));
    }
    return checks;
  } finally {
    await engine.dispose();
  }
}

function checkSample(output: StageOutput | undefined, { position, claimed }: { position: number; claimed: number }): SampleCheck {
  if (output?.kind !== 'sampled') throw pipelineErrors.engineMisbehaved({ wanted: 'a token', got: output?.kind ?? 'nothing' });
  if (output.token === claimed) return { position, claimed, best: output.token, gap: 0 };
  const known = output.top.find((entry) => entry.token === claimed);
  const likeliest = Math.max(...output.top.map((entry) => entry.logprob));
  return { position, claimed, best: output.token, gap: known === undefined ? Infinity : likeliest - known.logprob };
}
