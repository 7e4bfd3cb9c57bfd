import type { PeerId } from '../../src-main/base/index.ts';
import type { GivenShard, HostConfig } from '../../src-main/host/index.ts';
import type { PeerSummary } from '../../src-main/mesh/index.ts';
import type { StageAssignment } from '../../src-main/pipeline/index.ts';

/** A node with a home, a mesh and the shards that it was given. */
export interface AnswerSetup {
  readonly config: HostConfig;
  readonly shards: readonly GivenShard[];
}

export interface AnswerRequest {
  readonly route: readonly StageAssignment[];
  readonly modelHash: string;
  readonly contextTokens: number;
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly speculate: boolean;
}

export interface AnswerState {
  readonly addresses: readonly string[];
  readonly peers: readonly PeerSummary[];
  /** Rows that this node's stages computed in their lanes, in runs that are over. */
  readonly laneRows: number;
}

/** What a node is asked; each question has one answer. */
export type ToAnswerNode =
  | { readonly kind: 'dial'; readonly address: string }
  | { readonly kind: 'state' }
  /** Begins an answer. */
  | { readonly kind: 'begin'; readonly request: AnswerRequest }
  /** The next so many tokens of it, or those that are left. */
  | { readonly kind: 'read'; readonly count: number }
  /** Ends it where it is. */
  | { readonly kind: 'end' }
  | { readonly kind: 'stop' };

export interface AnswerReplies {
  readonly dial: PeerId;
  readonly state: AnswerState;
  readonly begin: undefined;
  readonly read: readonly number[];
  readonly end: undefined;
  readonly stop: undefined;
}

export type FromAnswerNode =
  | { readonly event: 'ready'; readonly peer: PeerId; readonly addresses: readonly string[] }
  | { readonly event: 'answer'; readonly number: number; readonly value: unknown }
  | { readonly event: 'failed'; readonly number: number | undefined; readonly error: string };
