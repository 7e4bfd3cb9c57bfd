import type { CodedError, ShardCid } from '../../../base/index.ts';
import type { ShardTree } from '../../dag/index.ts';
import type { Holding } from '../wire/codec.ts';
import type { Refusal } from '../wire/constants.ts';

/** What a source tells while it delivers. */
export interface SourceSink {
  /** Bytes came: the source moves. */
  heard(source: Source, bytes: number): void;
  /** A whole leaf, not yet checked. The bytes are the sink's until it calls `release`. */
  leaf(source: Source, leaf: ReceivedLeaf): void;
  refused(source: Source, refused: RefusedLeaf): void;
  /** Nothing more comes. */
  ended(source: Source, error: CodedError): void;
}

export interface ReceivedLeaf {
  readonly cid: ShardCid;
  readonly leaf: number;
  readonly bytes: Uint8Array;
  readonly release: () => void;
}

export interface RefusedLeaf {
  readonly cid: ShardCid;
  readonly leaf: number;
  readonly refusal: Refusal;
}

export interface LeafRun {
  readonly tree: ShardTree;
  readonly first: number;
  readonly count: number;
}

/** One place that shards come from: a peer, or a web server. */
export interface Source {
  /** A peer id or an address: what is named when it lies. */
  readonly name: string;
  /** Leaves that may be asked and not delivered. */
  readonly windowLeaves: number;
  readonly askedLeaves: number;
  /** What it has of each CID. */
  holdings(cids: readonly ShardCid[]): Promise<readonly Holding[]>;
  /** The tree of a shard, checked against its CID; undefined when it has none to give. Throws EXCHANGE_BAD_TREE. */
  tree(cid: ShardCid, sizeBytes: number): Promise<ShardTree | undefined>;
  /** Asks for leaves; they come to the sink. */
  ask(run: LeafRun): void;
  cancel(cid: ShardCid, leaf: number): void;
  /** Settles when nothing more comes from it: with the reason, when there is one. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  close(error?: CodedError): void;
}
