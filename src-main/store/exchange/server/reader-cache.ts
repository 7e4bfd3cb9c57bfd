import type { ShardCid } from '../../../base/index.ts';
import type { ServedShard, ShardShelf } from '../ports.ts';

/** Whole shards kept open for the next question: opening one reads and checks its tree. */
const MOST_KEPT = 32;
/** A shard that nobody asks for must not stay in use. */
const KEPT_MS = 10_000;

interface Entry {
  readonly shard: Promise<ServedShard | undefined>;
  users: number;
  timer?: NodeJS.Timeout;
}

/** One open reader per whole shard for all who read it. A shard that is still being fetched is opened anew each time, since it grows. */
export class ReaderCache implements ShardShelf {
  readonly #shelf: ShardShelf;
  readonly #entries = new Map<ShardCid, Entry>();

  constructor(shelf: ShardShelf) {
    this.#shelf = shelf;
  }

  async find(cid: ShardCid): Promise<ServedShard | undefined> {
    const entry = this.#entries.get(cid) ?? this.#open(cid);
    entry.users++;
    clearTimeout(entry.timer);
    const shard = await entry.shard.catch((error: unknown) => {
      this.#forget(cid, entry);
      throw error;
    });
    if (shard?.held() !== 'all') this.#forget(cid, entry);
    if (shard === undefined) return undefined;
    let isOpen = true;
    const close = async (): Promise<void> => {
      if (!isOpen) return;
      isOpen = false;
      await this.#leave(cid, entry, shard);
    };
    return { cid, sizeBytes: shard.sizeBytes, held: () => shard.held(), leafHashes: () => shard.leafHashes(), read: (leaf, into) => shard.read(leaf, into), close };
  }

  isComing(cid: ShardCid): boolean {
    return this.#shelf.isComing?.(cid) ?? false;
  }

  /** Lets go of everything that nobody reads. */
  async close(): Promise<void> {
    for (const [cid, entry] of this.#entries) {
      clearTimeout(entry.timer);
      if (entry.users === 0) await (await entry.shard)?.close();
      this.#forget(cid, entry);
    }
  }

  #open(cid: ShardCid): Entry {
    const entry: Entry = { shard: this.#shelf.find(cid), users: 0 };
    this.#entries.set(cid, entry);
    return entry;
  }

  async #leave(cid: ShardCid, entry: Entry, shard: ServedShard): Promise<void> {
    if (--entry.users > 0) return;
    const isKept = this.#entries.get(cid) === entry && this.#entries.size <= MOST_KEPT;
    if (isKept) entry.timer = setTimeout(() => void this.#end(cid, entry, shard), KEPT_MS).unref();
    else await this.#end(cid, entry, shard);
  }

  async #end(cid: ShardCid, entry: Entry, shard: ServedShard): Promise<void> {
    this.#forget(cid, entry);
    await shard.close();
  }

  #forget(cid: ShardCid, entry: Entry): void {
    if (this.#entries.get(cid) === entry) this.#entries.delete(cid);
  }
}
