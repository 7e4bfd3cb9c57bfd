import { createWorkerTokenizer, type ActivationDtype, type SamplingOptions, type Tokenizer } from '../inference/index.ts';
import { createReroute, type AnswerReceipts, type Generation, type GenerationStats, type Pipeline, type RequestTrace, type Choose, type FetchProgress, type Reroute, type RerouteInit, type StageAssignment, type StageProgress } from '../pipeline/index.ts';
import { Gathering } from './gathering.ts';
import type { LayerSupplies } from './layer-supplies.ts';
import type { MicroBatch } from './micro-batch.ts';
import type { Node } from './node.ts';
import type { PaidSession } from './paid/index.ts';
import { mostTokens } from './paying.ts';
import { promptTokens, TextStream } from './text-stream.ts';
import type { FinishReason, Prompt, StageReport } from './types.ts';

/** How long a node may take to say what it holds when a stage was lost. */
const OFFER_TIMEOUT_MS = 3_000;

export interface ModelSession {
  readonly pipeline: Pipeline;
  readonly tokenizer: Tokenizer;
  answer(request: AnswerRequest): Promise<Answer>;
  close(): Promise<void>;
}

export interface AnswerRequest {
  readonly prompt: Prompt;
  readonly sampling: SamplingOptions;
  /** Nobody asked for the seed. */
  readonly anySeed?: boolean;
  readonly maxTokens: number;
  readonly signal: AbortSignal;
  readonly onText: (text: string) => void;
  /** Told while all places on the stages are taken: how many answers come first. */
  readonly onWait?: (ahead: number) => void;
  readonly trace?: true;
  readonly receipts?: true;
}

export interface Answer {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly finishReason: FinishReason;
  readonly stats: GenerationStats;
  readonly stages: readonly StageReport[];
  /** Only where it was asked for. */
  readonly trace?: RequestTrace;
  /** As well. */
  readonly receipts?: AnswerReceipts;
}

export interface SessionOptions {
  readonly node: Node;
  readonly route: readonly StageAssignment[];
  /** Who may take over the layers of a lost stage, besides the nodes of the route; asked at every loss. */
  readonly candidates: RerouteInit['candidates'];
  /** Chooses among them where the route was planned. */
  readonly choose?: Choose | undefined;
  /** What nodes that lack layers may fetch to take over; without it they are not asked to. */
  readonly supplies?: LayerSupplies | undefined;
  readonly modelHash: string;
  readonly vocabularyPath: string;
  readonly contextTokens: number;
  readonly microBatch: MicroBatch;
  readonly dtype: ActivationDtype;
  readonly speculate?: boolean;
  /** The stages sign what they compute of every answer, told after its end. */
  readonly receipts?: boolean;
  /** What the stages are paid by. They guess nothing then: rows that nobody asked for would have to be argued about. And they sign what they compute: bills are about that. */
  readonly paid?: Pick<PaidSession, 'follow'> | undefined;
  readonly signal?: AbortSignal;
  readonly onStatus?: (text: string) => void;
  /** Of each stage while it opens. */
  readonly onProgress?: (progress: StageProgress) => void;
}

/** Opens a model over a route, with its tokenizer, ready to answer. */
export async function openSession({ node, vocabularyPath, onStatus, onProgress, candidates, choose, supplies, microBatch, paid, ...rest }: SessionOptions): Promise<ModelSession> {
  const tokenizer = await createWorkerTokenizer({ path: vocabularyPath }, node.worker);
  const signing = new Gathering();
  try {
    const pipeline = await node.coordinator.openPipeline({
      ...rest, ...(paid === undefined ? {} : { speculate: false, receipts: true }), ...microBatch, reroute: rerouteOf(node, rest.modelHash, { candidates, choose, supplies }),
      onProgress: (progress) => {
        onStatus?.(progressText(progress));
        onProgress?.(progress);
      },
    });
    if (paid !== undefined) pipeline.events.on('begun', ({ answer: begun }) => {
      const { promptTokens: { length }, maxTokens } = begun.request;
      const most = mostTokens({ promptTokens: length, maxTokens, contextTokens: rest.contextTokens });
      const signed = begun.signed.then((receipts) => receipts?.signers ?? []);
      const ended = paid.follow({ tokens: () => begun.computedTokens, stages: () => pipeline.stages, signed, most, fail: (error) => begun.fail(error) });
      begun.result.then(() => {
        ended({ isWell: true });
        signing.add(signed);
      }, () => ended({ isWell: false }));
    });
    pipeline.events.on('stage:lost', ({ error }) => onStatus?.(`${error.message}; looking for another`));
    pipeline.events.on('replacing', ({ explanation }) => explanation.forEach((sentence) => onStatus?.(sentence)));
    pipeline.events.on('fetching', (progress) => onStatus?.(fetchText(progress)));
    pipeline.events.on('rerouted', ({ stages, downMs }) => onStatus?.(`going on over ${stages.length} stages after ${(downMs / 1000).toFixed(1)} s`));
    return {
      pipeline, tokenizer,
      answer: (request) => answer(pipeline, tokenizer, request),
      close: async () => {
        // What is being signed is asked for on links that close now.
        await signing.settled();
        await Promise.allSettled([pipeline.close(), tokenizer.dispose()]);
      },
    };
  } catch (error) {
    await tokenizer.dispose();
    throw error;
  }
}

const progressText = ({ stage, phase, sources = 0, ...bytes }: StageProgress): string => (phase === 'fetching' ? fetchText({ layers: stage.layers, sources, ...bytes }) : `stage ${stage.stage}: ${phase}`);

const fetchText = ({ layers, sources, bytesDone, bytesTotal }: Omit<FetchProgress, 'peer'>): string =>
  `fetching layers ${layers.first}-${layers.last} from ${sources} peer${sources === 1 ? '' : 's'}, ${Math.floor((100 * bytesDone) / Math.max(1, bytesTotal))} %`;

const rerouteOf = ({ coordinator }: Node, modelHash: string, { candidates, choose, supplies }: Pick<SessionOptions, 'candidates' | 'choose' | 'supplies'>): Reroute => createReroute({
  modelHash, candidates, queryOffers: (request) => coordinator.queryOffers(request), timeoutMs: OFFER_TIMEOUT_MS,
  fetching: supplies === undefined ? undefined : { supplies: (standing) => supplies.of(standing), queryNode: (request) => coordinator.queryNode(request) },
  planner: choose === undefined ? undefined : { choose, queryNode: (request) => coordinator.queryNode(request) },
});

async function answer(pipeline: Pipeline, tokenizer: Tokenizer, request: AnswerRequest): Promise<Answer> {
  const { sampling, anySeed = false, maxTokens, signal, trace, receipts, onWait } = request;
  const generation = pipeline.generate({
    promptTokens: await promptTokens(tokenizer, request.prompt), sampling, anySeed, maxTokens, signal, endTokens: tokenizer.endTokens,
    ...(trace === undefined ? {} : { trace }), ...(receipts === undefined ? {} : { receipts }), ...(onWait === undefined ? {} : { onWait }),
  });
  const read = await readTokens(generation, tokenizer, request.onText);
  const result = await generation.result;
  const { stats } = result;
  return { ...read, ...result, stages: reportStages(pipeline, stats) };
}

async function readTokens(generation: Generation, tokenizer: Tokenizer, onText: (text: string) => void): Promise<{ text: string; tokenIds: number[] }> {
  const stream = new TextStream(tokenizer);
  const tokenIds: number[] = [];
  let text = '';
  const emit = (piece: string): void => {
    text += piece;
    if (piece !== '') onText(piece);
  };
  for await (const { token } of generation) {
    tokenIds.push(token);
    emit(await stream.push(token));
  }
  emit(stream.end());
  return { text, tokenIds };
}

/** A stage that computed no answer token (an answer of one token from the prefill) has no time per token. */
export function reportStages(pipeline: Pipeline, stats: GenerationStats): StageReport[] {
  return pipeline.stages.map(({ peer, layers, bytesLoaded }, index) => ({
    peerId: peer, layers: [layers.first, layers.last] as const, bytesLoaded, msPerToken: stats.stages[index]?.msPerToken ?? null,
  }));
}
