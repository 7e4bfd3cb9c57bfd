import type { CID } from 'multiformats/cid';
import { asShardCid, isCoded, type ShardCid } from '../../base/index.ts';
import { LEAF_BYTES, leafCount } from '../dag/index.ts';
import { blockDigest, type ServedShard, type ShardShelf } from '../exchange/index.ts';
import { holds } from '../exchange/schedule/holdings.ts';
import type { BlockIndex, BlockPlace } from './block-index.ts';

/** Reads blocks for one peer: keeps the last shard open, since the next block is of the same one most of the time. */
export class BlockReader {
  readonly #shelf: ShardShelf;
  readonly #index: BlockIndex;
  readonly #onTrouble: (error: Error) => void;
  #shard: ServedShard | undefined;
  #buffer: Buffer | undefined;

  constructor(shelf: ShardShelf, index: BlockIndex, onTrouble: (error: Error) => void) {
    this.#shelf = shelf;
    this.#index = index;
    this.#onTrouble = onTrouble;
  }

  /** Whether the block can be given, without reading it. */
  async has(cid: CID): Promise<boolean> {
    for (const place of await this.#places(cid)) if (await this.#open(place) !== undefined) return true;
    return false;
  }

  /** The block's bytes, checked, until the next call; undefined when it is not here, or damaged everywhere. */
  async read(cid: CID): Promise<Uint8Array | undefined> {
    for (const place of await this.#places(cid)) {
      const shard = await this.#open(place);
      if (shard === undefined) continue;
      if ('node' in place) return place.node;
      try {
        return await shard.read(place.leaf, this.#buffer ??= Buffer.allocUnsafeSlow(LEAF_BYTES));
      } catch (error) {
        // Another file may have the same block.
        if (!isCoded(error)) throw error;
        this.#onTrouble(error);
      }
    }
    return undefined;
  }

  /** Lets go of what it holds; the next call takes it again. */
  async close(): Promise<void> {
    this.#buffer = undefined;
    await this.#closeShard();
  }

  async #closeShard(): Promise<void> {
    const shard = this.#shard;
    this.#shard = undefined;
    await shard?.close();
  }

  // A shard of one leaf and a manifest are blocks under their own name; the shelf knows both.
  async #places(cid: CID): Promise<readonly BlockPlace[]> {
    const places = await this.#index.find(cid);
    const name = asShardCid(cid.toString());
    return places.length > 0 || blockDigest(name) === undefined ? places : [{ shard: name, leaf: 0 }];
  }

  async #open(place: BlockPlace): Promise<ServedShard | undefined> {
    if (this.#shard?.cid !== place.shard || !has(this.#shard, place)) await this.#reopen(place.shard);
    return this.#shard !== undefined && has(this.#shard, place) ? this.#shard : undefined;
  }

  // Also for one that is being fetched: it has more by now than when it was opened.
  async #reopen(shard: ShardCid): Promise<void> {
    await this.#closeShard();
    this.#shard = await this.#shelf.find(shard);
  }
}

const has = (shard: ServedShard, place: BlockPlace): boolean => 'node' in place || (place.leaf < leafCount(shard.sizeBytes) && holds(shard.held(), place.leaf));
