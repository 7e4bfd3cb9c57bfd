import type { Holding } from '../wire/codec.ts';
import type { Source } from './source.ts';

/** Blocks that a source puts off, of one shard and one after the other, before it is not asked for that shard again. */
const MAX_PROMISES = 1024;
export const NOTHING: Holding = { held: 'none', sizeBytes: 0 };

/** A source in use, and what is known of it. Shards go by their place in the download. */
export class KnownSource {
  readonly source: Source;
  /** Shards whose tree it did not give. */
  readonly treeless = new Set<number>();
  /** It has said what it has. */
  isHeard = false;
  /** What it gave that was kept. */
  bytes = 0;
  askedMs = 0;
  isAsking = false;
  readonly #holdings = new Map<number, Holding>();
  /** Shards of which it said `not yet`: how often since it gave any of them. */
  readonly #promised = new Map<number, number>();

  constructor(source: Source) {
    this.source = source;
  }

  holding(shard: number): Holding {
    return this.#holdings.get(shard) ?? NOTHING;
  }

  /** It said what it has of these; of others what it said before holds. */
  told(holdings: ReadonlyMap<number, Holding>): void {
    this.isHeard = true;
    this.treeless.clear();
    for (const [shard, holding] of holdings) this.#holdings.set(shard, holding);
  }

  /** It has a block not yet. */
  promised(shard: number): void {
    this.#promised.set(shard, (this.#promised.get(shard) ?? 0) + 1);
  }

  gave(shard: number, bytes: number): void {
    this.bytes += bytes;
    if (this.#promised.has(shard)) this.#promised.set(shard, 0);
  }

  isPromised(shard: number): boolean {
    return (this.#promised.get(shard) ?? MAX_PROMISES) < MAX_PROMISES;
  }
}
