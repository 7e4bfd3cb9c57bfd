import type { PeerId, ShardCid } from '../../base/index.ts';
import type { ShardTree } from '../dag/index.ts';
import type { Held } from './schedule/holdings.ts';

/** A stream of whole frames to one peer: what the mesh gives. */
export interface BlockStream extends AsyncIterable<Uint8Array> {
  readonly peer: PeerId;
  /** Sends one frame made of the parts, which are the caller's again at once; resolves when there is room for more. */
  send(...parts: readonly Uint8Array[]): Promise<void>;
  /** Takes a frame's memory back; nobody looks at it afterwards. */
  recycle?(frame: Uint8Array): void;
  close(): Promise<void>;
  abort(error: Error): void;
  /** Settles when the stream is gone. Never rejects. */
  readonly closed: Promise<Error | undefined>;
}

/** A shard that this node can give to others, whole or in part. Holding it keeps the bytes from being removed until `close`. */
export interface ServedShard {
  readonly cid: ShardCid;
  readonly sizeBytes: number;
  held(): Held;
  leafHashes(): Promise<Uint8Array>;
  /** The bytes of a leaf, checked; what is returned may lie in `into` (at least as long as a leaf). Throws when they are not there or damaged. */
  read(leaf: number, into: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What this node gives to others. */
export interface ShardShelf {
  /** Undefined when nothing of it is here. */
  find(cid: ShardCid): Promise<ServedShard | undefined>;
  /** Whether what is not here of it is on its way. */
  isComing?(cid: ShardCid): boolean;
}

/** Where the leaves of one shard go. */
export interface LeafSink {
  has(leaf: number): boolean;
  missing(): Iterable<number>;
  /** Of bytes that were checked; they are the caller's again when this resolves. After a crash the leaf is here, or counts as missing. */
  write(leaf: number, bytes: Uint8Array): Promise<void>;
  /** Every leaf is here: gives the shard its name, and ends. */
  finish(): Promise<void>;
  /** Leaves off in place of finishing; what was written is kept for the next time. */
  close(): Promise<void>;
}

/** Where fetched shards go. */
export interface ShardTarget {
  /** The tree of a shard that was begun earlier, checked; saves asking for it. */
  tree(cid: ShardCid, sizeBytes: number): Promise<ShardTree | undefined>;
  open(tree: ShardTree): Promise<LeafSink>;
}
