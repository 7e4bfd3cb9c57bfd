import type { CodedError, LayerRange, PeerId, SessionId } from '../base/index.ts';
import type { AnswerReceipts } from './coordinator/answer-receipts.ts';
import type { PipelineStage } from './coordinator/assembly.ts';
import type { FinishReason, Generation } from './coordinator/generation.ts';
import type { Interruption } from './coordinator/interruptions.ts';
import type { GenerationStats } from './coordinator/stats.ts';
import type { StageAssignment } from './ports.ts';
import type { SignedReceipt } from './receipts/receipt.ts';

/** Whom a session computes for, and what. */
export interface OpenedSession {
  readonly session: SessionId;
  readonly coordinator: PeerId;
  readonly modelHash: string;
  readonly layers: LayerRange;
  /** Unix ms. */
  readonly openedAt: number;
}

/** What happens on a node that serves stages; low rate, for the live view. */
export interface StageRunnerEvents {
  'engine:loaded': { readonly modelHash: string; readonly layers: LayerRange; readonly weightBytes: number };
  'engine:unloaded': { readonly modelHash: string; readonly layers: LayerRange };
  'session:opened': OpenedSession;
  'session:closed': OpenedSession & { readonly errorCode: string | undefined };
  /** Told before they are sent. */
  'receipts:signed': { readonly session: SessionId; readonly coordinator: PeerId; readonly receipts: readonly SignedReceipt[] };
  /** A run of a session is over, or its share of the lane: so many rows went through these layers in it. */
  'rows:computed': { readonly session: SessionId; readonly coordinator: PeerId; readonly layers: LayerRange; readonly rows: number };
}

/** How far a stage is with fetching the layers that it lacks. */
export interface FetchProgress {
  readonly peer: PeerId;
  readonly layers: LayerRange;
  /** Peers that it was told of to fetch from. */
  readonly sources: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** An answer that is over, with nothing of its text. */
export interface EndedAnswer {
  readonly reason: FinishReason | 'failed';
  /** Why it failed. */
  readonly error: CodedError | undefined;
  /** Without figures of stages where it failed. */
  readonly stats: GenerationStats;
  /** Those that it ended on. */
  readonly stages: readonly PipelineStage[];
  /** No other answer of this pipeline was under way at any time of it: the stages' figures are its own. */
  readonly isAlone: boolean;
  readonly interruptions: readonly Interruption[];
  /** From the request to the end. */
  readonly durationMs: number;
}

/** What the stages signed of an answer that is over. */
export interface AnswerSigned {
  readonly receipts: AnswerReceipts;
  /** By whom, in the order of `receipts.perStage`. */
  readonly stages: readonly PipelineStage[];
}

/** What happens to the stages of a pipeline, and to its answers. */
export interface PipelineEvents {
  /** An answer begins: what the stages compute for it can be followed. */
  begun: { readonly answer: Pick<Generation, 'computedTokens' | 'result' | 'signed' | 'request' | 'fail'> };
  /** Told before the answer's own `result`. */
  answered: EndedAnswer;
  /** Of a pipeline that asks for receipts, some time after `answered`; never of an answer that was given up. */
  receipts: AnswerSigned;
  /** A stage is lost; answers under way wait for others to take its place. */
  'stage:lost': { readonly error: CodedError };
  /** Who is to take over, and why; not loaded yet. */
  replacing: { readonly stages: readonly StageAssignment[]; readonly explanation: readonly string[] };
  /** A stage that takes over fetches layers that it lacks. */
  fetching: FetchProgress;
  /** Stages stand again: answers go on. */
  rerouted: { readonly stages: readonly PipelineStage[]; readonly downMs: number };
}
