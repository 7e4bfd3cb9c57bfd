import type { Clock, PeerId, ShardCid } from '../../base/index.ts';
import type { ShardTree } from '../dag/index.ts';
import type { BlockStream, ShardShelf } from '../exchange/index.ts';

/** Which shards are here, so that a block can be found without its shard's name. */
export interface ShardDirectory {
  list(): Iterable<ShardCid>;
  tree(cid: ShardCid): ShardTree | undefined;
}

/** A cap on bytes that several senders share. */
export interface Cap {
  /** Resolves when these bytes may go. */
  take(bytes: number): Promise<void>;
}

/** What a bitswap node needs of the one around it. */
export interface BitswapInit {
  /** What may be given: the same as over `/omni/block/1.0.0`. */
  readonly shelf: ShardShelf;
  readonly directory: ShardDirectory;
  /** A new stream to a connected peer, of `BITSWAP_PROTOCOL`. */
  readonly open: (peer: PeerId) => Promise<BlockStream>;
  /** Caps on what a peer is sent. */
  readonly caps: (peer: PeerId) => readonly Cap[];
  readonly clock: Clock;
  /** A block that is damaged, or another local trouble. */
  readonly onTrouble?: (error: Error) => void;
}
