import { asShardCid, type ShardCid } from '../base/index.ts';
import { blockDigest, encodeManifestCbor, LEAF_BYTES, type LocalStore, type ServedShard, type ShardShelf } from '../store/index.ts';

/** What this node gives to others: shards from their files, manifests from the catalogue. */
export function manifestShelf(store: LocalStore): ShardShelf {
  return { find: async (cid) => await store.find(cid) ?? manifestOf(store, cid), isComing: (cid) => store.isComing(cid) };
}

/** A manifest as a shard of one leaf. One that is longer than a leaf cannot be given. */
function manifestOf(store: LocalStore, cid: ShardCid): ServedShard | undefined {
  const model = store.catalog.models.get(cid);
  const leafHashes = blockDigest(cid);
  if (model === undefined || leafHashes === undefined) return undefined;
  const bytes = encodeManifestCbor(model.manifest);
  if (bytes.length > LEAF_BYTES) return undefined;
  return {
    cid: asShardCid(cid), sizeBytes: bytes.length, held: () => 'all',
    leafHashes: () => Promise.resolve(leafHashes), read: () => Promise.resolve(bytes), close: () => Promise.resolve(),
  };
}
