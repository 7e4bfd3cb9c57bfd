import type { LayerRange, PeerId } from '../../base/index.ts';
import type { Corrections } from './correction.ts';

/** What is minimised: the time per token of one answer, or of many answers at once. */
export type Objective = 'latency' | 'throughput';

/** One layer of the model. The first counts the embedding table as its own, the last the head. */
export interface LayerFacts {
  /** Held in memory, and on disk. */
  readonly weightBytes: number;
  /** Read for one token: less than `weightBytes` where only some experts, or one row of the embedding, are read. Default `weightBytes`. */
  readonly readBytes?: number;
  /** Floating-point operations for one prompt token. */
  readonly flops: number;
  /** KV cache of one token of one session. */
  readonly kvBytesPerToken: number;
  /** One row that leaves this layer for the next: hidden size x bytes of the wire's dtype. */
  readonly activationBytes: number;
}

/** What a node says, or was measured to do. */
export interface NodeFacts {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  /** "cpu", "cuda", "metal", ...: a replica with the same one gives the same bits. */
  readonly backend: string;
  /** Memory for weights and KV caches. */
  readonly freeBytes: number;
  /** At most this much of it, by the owner's wish. */
  readonly ownerLimitBytes?: number;
  /** Decoding is bound by memory: a token takes bytes read / this. Measured. */
  readonly decodeBytesPerSecond: number;
  /** A prompt is bound by arithmetic: a token takes flops / this. Measured. */
  readonly prefillFlopsPerSecond: number;
  /** Spent on each pass of a stage, whatever its size. Default 0. */
  readonly stepMs?: number;
  /** Whole shards on its disk; a range that is a run of them needs no fetch. Those that do not begin and end at allowed cuts do not count. */
  readonly shards: readonly LayerRange[];
  /** How fast it fetches shards that it lacks; absent: it does not. */
  readonly fetchBytesPerSecond?: number;
  /** At most so much of them: what its disk and its owner allow. */
  readonly fetchLimitBytes?: number;
}

export interface LinkCost {
  readonly rttMs: number;
  readonly bytesPerSecond: number;
  /** The round trip was not measured; said wherever it is shown. */
  readonly isRttAssumed?: boolean;
}

/** Between two peers, for both directions. */
export interface LinkFacts extends LinkCost {
  readonly a: PeerId;
  readonly b: PeerId;
}

export interface LoadFacts {
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** KV cache is held for this many tokens of each session. */
  readonly contextTokens: number;
  /** Sessions open at once. */
  readonly sessions: number;
  /** Sessions that wait for a slot. */
  readonly waitingSessions: number;
}

export interface PlacementRequest {
  readonly layers: readonly LayerFacts[];
  readonly nodes: readonly NodeFacts[];
  readonly links: readonly LinkFacts[];
  /** Stands for every pair that was not measured; absent: such a pair cannot be neighbours. */
  readonly unmeasuredLink?: LinkCost;
  /** Where prompts leave from and tokens return to: one of the nodes, or another peer. */
  readonly coordinator: PeerId;
  /** Measured cost of one boundary beside its link: serialising, checking, waiting. */
  readonly boundaryMs: number;
  /** Rows of a prefill micro-batch. */
  readonly batchTokens: number;
  /** Layers before which a cut is allowed (1..layers-1), ascending; all when absent. */
  readonly cutsAllowed?: readonly number[];
  readonly load: LoadFacts;
  /** Default: by the load, see `chooseObjective`. */
  readonly objective?: Objective;
  /** What a millisecond of fetching adds to the cost of a token, in ms. Default 1e-5: 100 s of fetching weigh 1 ms per token. */
  readonly fetchWeight?: number;
  /** At most so many replicas of one stage. Default 2. */
  readonly maxReplicas?: number;
  /** Learnt from what was measured, see correction.ts. */
  readonly corrections?: Corrections;
}

/** Sessions that wait are served sooner by a pipeline that is full than by one that answers fast. */
export const chooseObjective = ({ waitingSessions }: Pick<LoadFacts, 'waitingSessions'>): Objective => (waitingSessions > 0 ? 'throughput' : 'latency');
