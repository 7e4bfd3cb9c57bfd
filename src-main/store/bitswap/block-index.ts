import { setImmediate } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import type { Clock, ShardCid } from '../../base/index.ts';
import { LeafIndex } from '../blockstore/leaf-index.ts';
import { blockOf, innerNodes } from '../dag/index.ts';
import { REFRESH_MS } from './options.ts';
import type { ShardDirectory } from './ports.ts';

/** Where a block lies: in a shard's file, or computed from its leaf hashes. */
export type BlockPlace = { readonly shard: ShardCid } & ({ readonly leaf: number } | { readonly node: Uint8Array });

interface Indexed {
  readonly leaves: LeafIndex;
  /** Bytes of inner nodes by CID: about 50 for each leaf. */
  readonly nodes: ReadonlyMap<string, Uint8Array>;
}

/**
 * Finds blocks by their CID among the shards that are here. Follows the directory: it is read again when a block is not
 * found. About 90 bytes of memory a leaf of 1 MiB.
 */
export class BlockIndex {
  readonly #directory: ShardDirectory;
  readonly #clock: Clock;
  readonly #shards = new Map<ShardCid, Indexed>();
  #refreshedMs = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;

  constructor(directory: ShardDirectory, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** Every place that a block was at when the directory was read last; none for blocks that are of no shard. */
  places(cid: CID): readonly BlockPlace[] {
    const block = blockOf(cid);
    if (block === undefined) return [];
    return block.kind === 'node' ? this.#nodes(cid) : this.#leaves(block.hash);
  }

  #nodes(cid: CID): BlockPlace[] {
    const name = cid.toString();
    const places: BlockPlace[] = [];
    for (const [shard, { nodes }] of this.#shards) {
      const node = nodes.get(name);
      if (node !== undefined) places.push({ shard, node });
    }
    return places;
  }

  #leaves(hash: Uint8Array): BlockPlace[] {
    const places: BlockPlace[] = [];
    for (const [shard, { leaves }] of this.#shards) {
      // A leaf that a shard has many times (zeros) is the same at each place.
      const leaf = leaves.find(hash).next().value;
      if (leaf !== undefined) places.push({ shard, leaf });
    }
    return places;
  }

  /** Reads the directory again: shards come and go. False when that was done a moment ago. */
  async refresh(): Promise<boolean> {
    if (this.#refreshing === undefined && this.#clock.monotonicMs() - this.#refreshedMs < REFRESH_MS) return false;
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined;
      this.#refreshedMs = this.#clock.monotonicMs();
    });
    await this.#refreshing;
    return true;
  }

  async #read(): Promise<void> {
    const here = new Set(this.#directory.list());
    for (const shard of this.#shards.keys()) if (!here.has(shard)) this.#shards.delete(shard);
    for (const shard of here) {
      if (this.#shards.has(shard)) continue;
      const tree = this.#directory.tree(shard);
      if (tree !== undefined) this.#shards.set(shard, { leaves: new LeafIndex(tree), nodes: new Map([...innerNodes(tree)].map(({ cid, bytes }) => [cid.toString(), bytes])) });
      // Hashing the nodes of a large shard takes a while: others get their turn.
      await setImmediate();
    }
  }
}
