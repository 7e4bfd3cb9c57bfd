import { noMetrics, silentLogger, systemClock, type LayerRange } from '../../src-main/base/index.ts';
import { GREEDY, type ActivationDtype, type StageEngine, type StageInput, type TappedWindow } from '../../src-main/inference/index.ts';
import { createMesh } from '../../src-main/mesh/index.ts';
import { signReceipt, windowFields, type ReceiptsFile, type SignedReceipt } from '../../src-main/pipeline/index.ts';
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
  const receipts = await Promise.all(stages.map((stage) => stage.sign(position, answer)));
  return { promptTokens: run.prompt, answerTokens: answer, greedy: true, receipts: receipts.flat() };
}

interface Stage {
  readonly engine: StageEngine;
  readonly session: number;
  /** Receipts of the rows before `end`; the last stage's samples are what it said. */
  sign(end: number, answer: readonly number[]): Promise<SignedReceipt[]>;
}

async function openStage(run: ReceiptedRun, engine: StageEngine, index: number): Promise<Stage> {
  const { signer } = await createMesh({ listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'test' }, { logger: silentLogger, metrics: noMetrics, clock: systemClock });
  const { first, last } = run.layers?.[index] ?? engine.info.layers;
  const about = { modelHash: run.modelHash, manifestCid: null, layers: [first, last] as [number, number], session: '5e'.repeat(16), takes: run.dtype, sends: run.dtype, backend: engine.info.backend };
  const session = await engine.open(GREEDY, { record: run.dtype });
  return {
    engine, session,
    async sign(end, answer) {
      const windows = await engine.takeWindows(session, { end, most: 1000 });
      return Promise.all(windows.map((window) => signReceipt({ ...about, ...windowFields(asSaid(window, run.prompt.length, answer)) }, signer)));
    },
  };
}

function asSaid(window: TappedWindow, promptLength: number, answer: readonly number[]): TappedWindow {
  if (window.sampled === undefined) return window;
  const begin = window.first + window.count - window.sampled.length + 1 - promptLength;
  return { ...window, sampled: Int32Array.from(answer.slice(begin, begin + window.sampled.length)) };
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
  for (const [index, { engine, session }] of stages.entries()) {
    const isLast = index === stages.length - 1;
    const want = isLast ? { kind: samples ? 'sample' as const : 'none' as const } : { kind: 'hidden' as const, dtype };
    const output = await only(engine, { session, position, input, want });
    if (output.kind !== 'hidden') return output.kind === 'sampled' ? say(output.token) : undefined;
    input = output;
  }
  return undefined;
}
