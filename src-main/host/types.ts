import type { LayerRange } from '../base/index.ts';
import type { AnswerReceipts, CorrectionFactor, GenerationStats, NodeReport, RequestTrace } from '../pipeline/index.ts';
import type { PlanRecord } from './planner-memory.ts';
import type { ActivationDtype, ChatMessage, SamplingOptions } from '../inference/index.ts';

export type Prompt =
  /** Rendered with the model's own chat template; as plain text when it has none. */
  | { readonly kind: 'chat'; readonly messages: readonly ChatMessage[] }
  /** Continued as it is. */
  | { readonly kind: 'text'; readonly text: string };

export interface GenerateRequest {
  readonly prompt: Prompt;
  readonly maxTokens: number;
  readonly sampling: SamplingOptions;
}

export interface PipelineRequest extends GenerateRequest {
  readonly route: { readonly kind: 'cluster'; readonly nodes: number } | { readonly kind: 'peers'; readonly addresses: readonly string[] };
  readonly dtype: ActivationDtype;
  /** False: no tokens are guessed ahead. */
  readonly speculate?: boolean;
}

/** A contiguous range of layers and what it takes in bytes. */
export interface PlannedRange {
  /** First and last layer, both included. */
  readonly layers: readonly [number, number];
  readonly sizeBytes: number;
}

export interface PlannedNode {
  readonly name: string;
  /** Null for a node that would be started. */
  readonly peerId: string | null;
  readonly addresses: readonly string[];
  /** What it offers of the model. */
  readonly shards: readonly PlannedRange[];
  /** What it told of itself, the round trip to it, and how many times as long as it tells it took in earlier answers; absent for a node that does not run yet. */
  readonly able?: NodeReport & { readonly rttMs: number; readonly correction: CorrectionFactor };
}

/** A link as a plan takes it. `assumed`: nobody measured that figure; `at least`: a measurement tells of no more. */
export interface PlannedLink {
  /** Peer id, or `here`. */
  readonly a: string;
  readonly b: string;
  readonly rttMs: number;
  /** In the slower direction. */
  readonly bytesPerSecond: number;
  readonly roundTrip: 'measured' | 'assumed';
  readonly bandwidth: 'measured' | 'at least' | 'assumed';
}

/** What `pipeline plan` shows; however the stages were chosen. */
export interface PipelinePlan {
  readonly model: { readonly name: string; readonly architecture: string; readonly totalLayers: number; readonly sizeBytes: number };
  readonly nodes: readonly PlannedNode[];
  /** What the plan over peers is expected to do, and why it is so; absent where nothing was measured. */
  readonly placement?: { readonly ttftMs: number; readonly tokensPerSecond: number; readonly isOptimal: boolean; readonly explanation: readonly string[] };
  /** From here to the peers and between them; absent where no node runs yet. */
  readonly links?: readonly PlannedLink[];
  /** How plans of this model turned out of late. */
  readonly record?: PlanRecord;
  /** In order of layers. */
  readonly stages: readonly (PlannedRange & { readonly node: string; readonly peerId: string | null })[];
}

export type FinishReason = 'stop' | 'length' | 'context' | 'cancelled';

export interface StageReport {
  readonly peerId: string;
  /** First and last layer, both included. */
  readonly layers: readonly [number, number];
  readonly bytesLoaded: number;
  /** Inside the model, per answer token; null when the stage computed none. */
  readonly msPerToken: number | null;
}

/** What `infer --json` and `pipeline-infer --json` print. Figures that were not measured are null. */
export interface InferenceReport {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly promptTokens: number;
  readonly ttftMs: number | null;
  readonly tokensPerSecond: number | null;
  readonly finishReason: FinishReason;
  /** Guessed tokens under way and how many came true; null where none were. */
  readonly speculation: { readonly drafted: number; readonly accepted: number } | null;
  readonly stages: readonly StageReport[];
}

/** An answer, and what its nodes signed. */
export interface ReceiptedReport {
  readonly report: InferenceReport;
  readonly receipts: AnswerReceipts | undefined;
}

/** An answer with all that was measured on its way. */
export interface TracedReport {
  readonly report: InferenceReport;
  readonly stats: GenerationStats;
  readonly trace: RequestTrace;
}

export interface ProgressSink {
  readonly onStatus?: (text: string) => void;
  /** Of the model that was cut, 0..1. */
  readonly onShare?: (share: number) => void;
  readonly onText?: (text: string) => void;
}

/** A shard file that this node may load. */
export interface HeldShard {
  readonly modelName: string;
  readonly modelHash: string;
  readonly architecture: string;
  readonly totalLayers: number;
  readonly hiddenSize: number;
  readonly layers: LayerRange;
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the cut that it belongs to. */
  readonly manifestCid: string;
}

/** One that it was given, to load it. */
export interface GivenShard extends HeldShard {
  /** Where the manifest and the other pieces of this cut are. */
  readonly manifestPath: string;
}
