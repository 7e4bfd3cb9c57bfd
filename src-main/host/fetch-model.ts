import { copyFile, link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerRange } from '../base/index.ts';
import { blockDigest, encodeManifestCbor, encodeManifestJson, exchangeErrors, MANIFEST_CBOR_FILE, MANIFEST_FILE, type Manifest, type ManifestPiece } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { hostErrors } from './errors.ts';
import { fetchManifest } from './fetch-manifest.ts';
import { fetchShards, whileFetching, type Fetching, type FetchOptions } from './fetch-shards.ts';
import { transferShard } from './held-shard.ts';
import { openStore, withStore } from './local-store.ts';
import type { TransferReport } from './transfer-messages.ts';

export interface FetchModelRequest {
  readonly manifestCid: string;
  /** Addresses of members of the mesh, besides those of the configuration: they are asked for the model, and who else has it. May be empty when announcements were heard. */
  readonly peers: readonly string[];
  /** Folders on web servers that have its shards as files. */
  readonly urls: readonly string[];
  /** Only the shards that these layers lie in; all when absent. */
  readonly layers?: LayerRange | undefined;
  /** Also puts the shards there under their names, with the manifest. */
  readonly folder?: string | undefined;
  readonly downloadBytesPerSecond?: number | undefined;
}

export interface FetchModelOptions extends FetchOptions {
  readonly onManifest?: (manifest: Manifest) => void;
}

export interface FetchedModel {
  readonly manifestCid: string;
  readonly manifest: Manifest;
  readonly report: TransferReport;
}

/** Fetches a model, or some layers of it, into the store. Throws PROVIDERS_NONE_KNOWN, EXCHANGE_*, SHARD_BAD_MANIFEST, SPACE_*, MESH_*, HOST_BAD_RANGE. */
export async function fetchModel(config: HostConfig, request: FetchModelRequest, options: FetchModelOptions): Promise<FetchedModel> {
  const { manifestCid, peers } = request;
  if (blockDigest(manifestCid) === undefined) throw exchangeErrors.badCid({ cid: manifestCid });
  return whileFetching(config, { ...options, peers }, (fetching) => fetchWith(fetching, request, options));
}

async function fetchWith(fetching: Fetching, request: FetchModelRequest, options: FetchModelOptions): Promise<FetchedModel> {
  const { manifestCid, layers, urls, folder, downloadBytesPerSecond } = request;
  const { config, transfer, sources } = fetching;
  const manifest = await withStore(config, async (store) => {
    const known = store.catalog.models.get(manifestCid)?.manifest;
    if (known !== undefined) return known;
    const fetched = await fetchManifest(manifestCid, { transfer, sources, signal: options.signal });
    store.addModel(fetched);
    return fetched;
  });
  options.onManifest?.(manifest);
  const pieces = piecesFor(manifest, layers);
  const report = await fetchShards(fetching, { shards: pieces.map(transferShard), manifestCid, urls, downloadBytesPerSecond }, options);
  if (folder !== undefined) await exportPieces(config, { manifest, pieces, folder });
  return { manifestCid, manifest, report };
}

/** Shards that have some of the layers, and the vocabulary, which every reader of text needs. */
function piecesFor(manifest: Manifest, layers: LayerRange | undefined): readonly ManifestPiece[] {
  const { first, last } = layers ?? { first: 0, last: manifest.total_layers - 1 };
  if (last >= manifest.total_layers) throw hostErrors.badRange({ text: `${first}-${last}`, layers: manifest.total_layers });
  const shards = manifest.shards.filter(({ layer_range: [from, to] }) => from <= last && to >= first);
  return [...shards, manifest.vocabulary];
}

async function exportPieces(config: HostConfig, { manifest, pieces, folder }: { readonly manifest: Manifest; readonly pieces: readonly ManifestPiece[]; readonly folder: string }): Promise<void> {
  const store = openStore(config);
  try {
    await mkdir(folder, { recursive: true });
    for (const { cid, file_name } of pieces) {
      const file = store.catalog.shards.files(cid).find((one) => one.present === undefined);
      if (file === undefined) throw exchangeErrors.notFound({ cid });
      await place(file.path, join(folder, file_name));
    }
    await writeFile(join(folder, MANIFEST_CBOR_FILE), encodeManifestCbor(manifest));
    await writeFile(join(folder, MANIFEST_FILE), encodeManifestJson(manifest));
  } finally {
    store.close();
  }
}

// A link takes no space; another disk needs a copy.
async function place(from: string, to: string): Promise<void> {
  if (from === to) return;
  await rm(to, { force: true });
  await link(from, to).catch(() => copyFile(from, to));
}
