import type { EndedAnswer, GenerationStats, Interruption, PipelineStage } from '../../pipeline/index.ts';
import type { LayerRange, PeerId } from '../../base/index.ts';
import type { AnswerStage, Ownership, StageLoss } from '../../../src-preload/bridge/index.ts';
import type { AnswerRecord } from './history.ts';

const MAX_TEXT = 500;

export interface AboutAnswer {
  readonly model: string;
  /** Unix ms. */
  readonly endedAt: number;
  readonly ownershipOf: (peer: PeerId) => Ownership;
}

type Known<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** What is undefined is absent: not measured. */
const known = <T extends object>(values: T): Known<T> => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Known<T>;

const layersOf = ({ first, last }: LayerRange): readonly [number, number] => [first, last];

/** An answer as the history keeps it: figures and machines, and nothing that was said. */
export function describeAnswer({ reason, error, stats, stages, interruptions, durationMs }: EndedAnswer, { model, endedAt, ownershipOf }: AboutAnswer): AnswerRecord {
  const losses = interruptions.map(lossOf);
  const paused = losses.flatMap(({ pausedMs }) => pausedMs ?? []);
  return {
    endedAt, model: model.slice(0, MAX_TEXT), tokens: stats.generatedTokens, finishReason: reason, stages: stages.length, machines: new Set(stages.map(({ peer }) => (ownershipOf(peer) === 'this-machine' ? undefined : peer))).size,
    failovers: stats.failovers, promptTokens: stats.promptTokens, reusedTokens: stats.reusedTokens, replayedTokens: stats.replayedTokens, durationMs,
    ...known({
      errorCode: error?.code, ttftMs: stats.ttftMs, tokensPerSecond: stats.tokensPerSecond, queuedMs: stats.queuedMs, itlMs: stats.itlMs,
      pausedMs: paused.length === 0 ? undefined : paused.reduce((sum, ms) => sum + ms, 0),
    }),
    route: stages.map((stage, index) => ({ ...stageOf(stage), ownership: ownershipOf(stage.peer), ...figuresOf(stats, index) })),
    losses,
  };
}

const stageOf = ({ peer, layers, backend, bytesLoaded }: PipelineStage): Pick<AnswerStage, 'peerId' | 'layers' | 'backend' | 'bytesLoaded'> => ({ peerId: peer, layers: layersOf(layers), backend, bytesLoaded });

/** What one stage took; `wireMsPerToken`: to the next stage, the mean over the ring. */
export function figuresOf({ stages, boundaries }: Pick<GenerationStats, 'stages' | 'boundaries'>, index: number): Pick<AnswerStage, 'msPerToken' | 'waitMsPerToken' | 'wireMsPerToken' | 'prefillMs' | 'bytesOut'> {
  const timing = stages[index];
  const boundary = boundaries.find(({ from }) => from === index);
  return known({ msPerToken: timing?.msPerToken, waitMsPerToken: timing?.waitMsPerToken, wireMsPerToken: boundary?.wireMs, prefillMs: timing?.prefillMs, bytesOut: timing?.flow?.bytesOut });
}

function lossOf({ error: { code, message, meta }, takenBy, tokens, pausedMs }: Interruption): StageLoss {
  // Every error that others can put right names its stage.
  const { peer, layers } = meta as { readonly peer?: string; readonly layers?: LayerRange };
  return {
    code, message: message.slice(0, MAX_TEXT), afterTokens: tokens, takenBy: takenBy.slice(0, 64).map((stage) => ({ peerId: stage.peer, layers: layersOf(stage.layers) })),
    ...known({ pausedMs, peerId: peer, layers: layers === undefined ? undefined : layersOf(layers) }),
  };
}

/** What went from stage to stage for an answer; undefined where one did not say. */
export function stageBytesOf({ stages }: Pick<GenerationStats, 'stages'>): number | undefined {
  if (stages.length === 1) return 0;
  const sizes = stages.map((stage) => stage?.flow?.bytesOut);
  return sizes.length === 0 || sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}
