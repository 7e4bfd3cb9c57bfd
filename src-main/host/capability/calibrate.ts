import { createWorkerEngine, GREEDY, type StageEngine, type StageOutput, type WorkerOptions } from '../../inference/index.ts';
import { hostErrors } from '../errors.ts';

export interface CalibrateRequest {
  /** A whole model; a small one. */
  readonly path: string;
  readonly layers: number;
  readonly threads: number;
  readonly gpuLayers: number;
  readonly signal: AbortSignal;
}

/** Of one sequence, inside llama.cpp. */
export interface MeasuredSpeed {
  readonly decodeTokensPerSecond: number;
  readonly prefillTokensPerSecond: number;
}

const PROMPT_TOKENS = 256;
const DECODE_TOKENS = 64;
/** The best counts: what takes longer was disturbed. */
const ROUNDS = 3;
const FIRST_TEXT_TOKEN = 3;

/**
 * Runs a small model in a process of its own, about a second: a prompt of 256 tokens, then 64 more one by one. Rejects with the signal's
 * reason when it is called off, which ends the process. Throws ENGINE_*.
 */
export async function calibrate(request: CalibrateRequest, worker: WorkerOptions): Promise<MeasuredSpeed> {
  const { path, layers, threads, gpuLayers, signal } = request;
  signal.throwIfAborted();
  const engine = await createWorkerEngine({
    path, layers: { first: 0, last: layers - 1 }, isFirst: true, isLast: true, contextTokens: PROMPT_TOKENS + DECODE_TOKENS, maxSessions: 1, batchTokens: PROMPT_TOKENS, threads, gpuLayers,
  }, worker);
  const end = (): void => void engine.dispose();
  signal.addEventListener('abort', end, { once: true });
  try {
    if (signal.aborted) end();
    return await measure(engine);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', end);
    await engine.dispose();
  }
}

async function measure(engine: StageEngine): Promise<MeasuredSpeed> {
  const session = await engine.open(GREEDY);
  const { vocabSize } = engine.info;
  const prompt = Int32Array.from({ length: PROMPT_TOKENS }, (_, i) => FIRST_TEXT_TOKEN + ((i * 37) % Math.max(1, vocabSize - FIRST_TEXT_TOKEN)));
  let [prefillMs, decodeMs] = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    const first = await step(engine, { session, position: 0, tokens: prompt });
    let [spentMs, { token }] = [0, first];
    for (let i = 0; i < DECODE_TOKENS; i++) {
      const next = await step(engine, { session, position: PROMPT_TOKENS + i, tokens: Int32Array.of(token) });
      spentMs += next.ms;
      token = next.token;
    }
    [prefillMs, decodeMs] = [Math.min(prefillMs, first.ms), Math.min(decodeMs, spentMs)];
    await engine.rollback(session, 0);
  }
  return { decodeTokensPerSecond: rate(DECODE_TOKENS, decodeMs), prefillTokensPerSecond: rate(PROMPT_TOKENS, prefillMs) };
}

async function step(engine: StageEngine, { session, position, tokens }: { readonly session: number; readonly position: number; readonly tokens: Int32Array }): Promise<{ readonly token: number; readonly ms: number }> {
  const { outputs: [output], computeMs } = await engine.forward([{ session, position, input: { kind: 'tokens', tokens }, want: { kind: 'sample' } }]);
  return { token: sampled(output), ms: computeMs };
}

function sampled(output: StageOutput | undefined): number {
  if (output?.kind !== 'sampled') throw hostErrors.calibrationFailed({ reason: `${output?.kind ?? 'nothing'} instead of a token` });
  return output.token;
}

/** Three digits: more would be noise. */
const rate = (tokens: number, ms: number): number => Number(((1000 * tokens) / Math.max(0.001, ms)).toPrecision(3));
