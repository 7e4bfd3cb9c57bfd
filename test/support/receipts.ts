import { noMetrics, silentLogger, systemClock, type LayerRange } from '../../src-main/base/index.ts';
import { GREEDY, type ActivationDtype, type StageEngine, type StageInput } from '../../src-main/inference/index.ts';
import { createMesh } from '../../src-main/mesh/index.ts';
import { signReceipt, WindowRecorder, type ReceiptsFile, type RecordedPass, type SignedReceipt } from '../../src-main/pipeline/index.ts';
import { only } from '../compliance/stage-chain.ts';

export interface ReceiptedRun {
  readonly engines: readonly StageEngine[];
  /** What the stages sign that they are; by default what they are. */
  readonly layers?: readonly LayerRange[];
  readonly modelHash: string;
  readonly dtype: Exclude<ActivationDtype, 'q8'>;
  readonly prompt: readonly number[];
  readonly answerTokens: number;
  /** Rows of a prefill micro-batch. */
  readonly batchTokens: number;
  /** What the last stage says instead of the token that it sampled. */
  readonly forge?: (token: number, answerIndex: number) => number;
}

/** A chain of stages answers greedily, each with a key of its own, and signs what it did: the shortest pipeline with receipts. */
export async function answerWithReceipts(run: ReceiptedRun): Promise<ReceiptsFile> {
  const stages = await Promise.all(run.engines.map((engine, i) => openStage(run, engine, i)));
  const answer: number[] = [];
  let position = 0;
  for (let next = run.prompt.slice(); answer.length < run.answerTokens;) {
    const batch = next.splice(0, run.batchTokens);
    const token = await pass(stages, { position, tokens: batch, samples: next.length === 0, dtype: run.dtype, say: (token) => run.forge?.(token, answer.length) ?? token });
    position += batch.length;
    if (token === undefined) continue;
    answer.push(token);
    next.push(token);
  }
  for (const stage of stages) await stage.end();
  return { promptTokens: run.prompt, answerTokens: answer, greedy: true, receipts: stages.flatMap((stage) => stage.receipts) };
}

interface Stage {
  readonly engine: StageEngine;
  readonly session: number;
  readonly receipts: SignedReceipt[];
  record(pass: RecordedPass): Promise<void>;
  end(): Promise<void>;
}

async function openStage(run: ReceiptedRun, engine: StageEngine, index: number): Promise<Stage> {
  const { signer } = await createMesh({ listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'test' }, { logger: silentLogger, metrics: noMetrics, clock: systemClock });
  const { first, last } = run.layers?.[index] ?? engine.info.layers;
  const recorder = new WindowRecorder({ hiddenSize: engine.info.hiddenSize, dtype: run.dtype, isLast: index === run.engines.length - 1, nowMs: Date.now });
  const receipts: SignedReceipt[] = [];
  const sign = async (windows: ReturnType<WindowRecorder['end']>): Promise<void> => {
    const about = { modelHash: run.modelHash, manifestCid: null, layers: [first, last] as [number, number], session: '5e'.repeat(16), dtype: run.dtype, backend: engine.info.backend };
    for (const window of windows) receipts.push(await signReceipt({ ...about, ...window }, signer));
  };
  return { engine, session: await engine.open(GREEDY), receipts, record: (pass) => sign(recorder.add(pass)), end: () => sign(recorder.end()) };
}

interface Pass {
  readonly position: number;
  readonly tokens: readonly number[];
  readonly samples: boolean;
  readonly dtype: Exclude<ActivationDtype, 'q8'>;
  readonly say: (token: number) => number;
}

async function pass(stages: readonly Stage[], { position, tokens, samples, dtype, say }: Pass): Promise<number | undefined> {
  let input: StageInput = { kind: 'tokens', tokens: Int32Array.from(tokens) };
  for (const [index, { engine, session, record }] of stages.entries()) {
    const isLast = index === stages.length - 1;
    const want = isLast ? { kind: samples ? 'sample' as const : 'none' as const } : { kind: 'hidden' as const, dtype };
    const output = await only(engine, { session, position, input, want });
    const seen = { position, rows: tokens.length, input: input.kind === 'tokens' ? input.tokens : input.data };
    if (output.kind === 'hidden') {
      await record({ ...seen, output: output.data });
      input = output;
    } else {
      const sampled = output.kind === 'sampled' ? say(output.token) : undefined;
      await record({ ...seen, output: undefined, ...(sampled === undefined ? {} : { sampled }) });
      return sampled;
    }
  }
  return undefined;
}
