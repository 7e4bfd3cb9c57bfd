import { asShardCid } from '../base/index.ts';
import type { Manifest, ManifestPiece, ManifestShard } from '../store/index.ts';
import type { TransferShard } from './transfer-node.ts';
import type { HeldShard } from './types.ts';

/** A shard of a manifest as a node may load it. */
export const heldShard = (manifest: Manifest, { layer_range: [first, last], size_bytes }: ManifestShard, where: Pick<HeldShard, 'path' | 'manifestCid'>): HeldShard => ({
  modelName: manifest.model_name, modelHash: manifest.model_hash, architecture: manifest.architecture, totalLayers: manifest.total_layers, hiddenSize: manifest.hidden_size,
  layers: { first, last }, sizeBytes: size_bytes, ...where,
});

/** A piece of a manifest as it is fetched. */
export const transferShard = ({ cid, size_bytes, file_name }: ManifestPiece): TransferShard => ({ cid: asShardCid(cid), sizeBytes: size_bytes, fileName: file_name });
