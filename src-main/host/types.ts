import type { LayerRange } from '../base/index.ts';
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
  readonly stages: readonly StageReport[];
}

export interface ProgressSink {
  readonly onStatus?: (text: string) => void;
  readonly onText?: (text: string) => void;
}

/** A shard file that this node was given, and may load. */
export interface GivenShard {
  readonly modelName: string;
  readonly modelHash: string;
  readonly architecture: string;
  readonly totalLayers: number;
  readonly hiddenSize: number;
  readonly layers: LayerRange;
  readonly path: string;
  readonly sizeBytes: number;
  /** Where the manifest and the other pieces of this cut are. */
  readonly manifestPath: string;
}
