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
    return await this.#first(cid, () => Promise.resolve(true)) ?? false;
  }

  /** The block's bytes, checked, until the next call; undefined when it is not here, or damaged everywhere. */
  async read(cid: CID): Promise<Uint8Array | undefined> {
    return this.#first(cid, (shard, place) => this.#read(shard, place));
  }

  /** Lets go of what it holds; the next call takes it again. */
  async close(): Promise<void> {
    this.#buffer = undefined;
    await this.#closeShard();
  }

  /** Of the first place that has it. What is not where it was may be elsewhere by now: in a shard that came since. */
  async #first<T>(cid: CID, use: (shard: ServedShard, place: BlockPlace) => Promise<T | undefined>): Promise<T | undefined> {
    return await this.#firstOf(this.#places(cid), use) ?? (await this.#index.refresh() ? this.#firstOf(this.#places(cid), use) : undefined);
  }

  async #firstOf<T>(places: readonly BlockPlace[], use: (shard: ServedShard, place: BlockPlace) => Promise<T | undefined>): Promise<T | undefined> {
    for (const place of places) {
      const shard = await this.#open(place);
      const found = shard === undefined ? undefined : await use(shard, place);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #read(shard: ServedShard, place: BlockPlace): Promise<Uint8Array | undefined> {
    if ('node' in place) return place.node;
    try {
      return await shard.read(place.leaf, this.#buffer ??= Buffer.allocUnsafeSlow(LEAF_BYTES));
    } catch (error) {
      // Another file may have the same block. One that is on its way is no trouble.
      if (!isCoded(error)) throw error;
      if (error.code !== 'BLOCK_NOT_YET') this.#onTrouble(error);
      return undefined;
    }
  }

  async #closeShard(): Promise<void> {
    const shard = this.#shard;
    this.#shard = undefined;
    await shard?.close();
  }

  // A shard of one leaf and a manifest are blocks under their own name; the shelf knows both.
  #places(cid: CID): readonly BlockPlace[] {
    const places = this.#index.places(cid);
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
