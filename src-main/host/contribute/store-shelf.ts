import type { HostConfig } from '../config.ts';
import { heldShard } from '../held-shard.ts';
import { openStore } from '../local-store.ts';
import type { HeldShard } from '../types.ts';

/** A look through the whole catalogue is used again for so long: who plans asks often. */
const LOOK_AGAIN_MS = 2_000;

/** Every shard of the store that lies whole on this disk, by CID: of cuts made here, and of what was fetched. */
export class StoreShelf {
  readonly #config: HostConfig;
  readonly #nowMs: () => number;
  #store: ReturnType<typeof openStore> | undefined;
  #shards: ReadonlyMap<string, HeldShard> = new Map();
  #lookedMs = -Infinity;

  constructor(config: HostConfig, nowMs: () => number = () => performance.now()) {
    this.#config = config;
    this.#nowMs = nowMs;
  }

  /** Throws CATALOG_*. */
  shards(): ReadonlyMap<string, HeldShard> {
    const nowMs = this.#nowMs();
    if (nowMs - this.#lookedMs >= LOOK_AGAIN_MS) {
      this.#shards = this.#look();
      this.#lookedMs = nowMs;
    }
    return this.#shards;
  }

  close(): void {
    this.#store?.close();
  }

  #look(): ReadonlyMap<string, HeldShard> {
    const { catalog } = (this.#store ??= openStore(this.#config));
    return new Map(catalog.models.list().flatMap(({ cid: manifestCid, manifest }) => manifest.shards.flatMap((shard): [string, HeldShard][] => {
      const path = catalog.shards.files(shard.cid).find(({ present }) => present === undefined)?.path;
      return path === undefined ? [] : [[shard.cid, heldShard(manifest, shard, { path, manifestCid })]];
    })));
  }
}
