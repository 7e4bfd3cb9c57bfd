import { copyFile, link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asShardCid, type LayerRange } from '../base/index.ts';
import { blockDigest, cidOfManifest, decodeManifest, encodeManifestCbor, encodeManifestJson, exchangeErrors, MANIFEST_CBOR_FILE, MANIFEST_FILE, type Manifest, type ManifestPiece } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { hostErrors } from './errors.ts';
import { openStore } from './local-store.ts';
import type { AppPaths } from './paths.ts';
import { transferOptions } from './share-store.ts';
import type { TransferEvent, TransferReport } from './transfer-messages.ts';
import { Transfer } from './transfer.ts';

export interface FetchModelRequest {
  readonly manifestCid: string;
  /** Addresses of peers that hold the model, or parts of it. */
  readonly peers: readonly string[];
  /** Folders on web servers that have its shards as files. */
  readonly urls: readonly string[];
  /** Only the shards that these layers lie in; all when absent. */
  readonly layers?: LayerRange | undefined;
  /** Also puts the shards there under their names, with the manifest. */
  readonly folder?: string | undefined;
  readonly downloadBytesPerSecond?: number | undefined;
}

export interface FetchModelOptions {
  readonly paths: AppPaths;
  readonly signal: AbortSignal;
  readonly onManifest?: (manifest: Manifest) => void;
  readonly onEvent?: (event: TransferEvent) => void;
}

export interface FetchedModel {
  readonly manifestCid: string;
  readonly manifest: Manifest;
  readonly report: TransferReport;
}

/** Fetches a model, or some layers of it, into the store. Throws EXCHANGE_*, SHARD_BAD_MANIFEST, SPACE_*, MESH_*, HOST_BAD_RANGE. */
export async function fetchModel(config: HostConfig, request: FetchModelRequest, { paths, signal, onManifest, onEvent }: FetchModelOptions): Promise<FetchedModel> {
  if (blockDigest(request.manifestCid) === undefined) throw exchangeErrors.badCid({ cid: request.manifestCid });
  // Passing: an app with the same home may be running under its own identity.
  const transfer = await Transfer.start({ ...transferOptions(config, paths), listen: [] });
  try {
    const manifest = await manifestFor(config, transfer, { request, signal });
    onManifest?.(manifest);
    const pieces = piecesFor(manifest, request.layers);
    const { peers, urls, downloadBytesPerSecond } = request;
    const shards = pieces.map(({ cid, size_bytes, file_name }) => ({ cid: asShardCid(cid), sizeBytes: size_bytes, fileName: file_name }));
    const report = await transfer.fetch({ shards, peers, urls, downloadBytesPerSecond, signal, onEvent });
    if (request.folder !== undefined) await exportPieces(config, { manifest, pieces, folder: request.folder });
    return { manifestCid: request.manifestCid, manifest, report };
  } finally {
    await transfer.stop();
  }
}

async function manifestFor(config: HostConfig, transfer: Transfer, { request, signal }: { readonly request: FetchModelRequest; readonly signal: AbortSignal }): Promise<Manifest> {
  const store = openStore(config);
  try {
    const known = store.catalog.models.get(request.manifestCid)?.manifest;
    if (known !== undefined) return known;
    const bytes = await transfer.block(asShardCid(request.manifestCid), request.peers, signal);
    const manifest = decodeManifest(bytes, request.manifestCid);
    if (cidOfManifest(manifest) !== request.manifestCid) throw exchangeErrors.badCid({ cid: request.manifestCid });
    store.addModel(manifest);
    return manifest;
  } finally {
    store.close();
  }
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
