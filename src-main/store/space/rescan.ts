import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { isCoded } from '../../base/index.ts';
import { treeOfFile } from '../shard/verify.ts';
import { MANIFEST_FILE } from '../shard/cut-model.ts';
import { openManifest } from '../shard/manifest.ts';
import { parseShardCid } from '../dag/index.ts';
import { statOf, type StoreContext } from './context.ts';
import { RESCAN_DUE } from './mend.ts';
import { noteStrayDownloads, originOf } from './unfinished.ts';

export interface RescanProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly path: string;
}

export interface RescanOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RescanProgress) => void;
}

/** A file that the catalogue does not know. */
interface Stray {
  readonly path: string;
  readonly sizeBytes: number;
  /** What it must be; a model file may be anything. */
  readonly cid?: string;
}

/**
 * Lists again what lies in the store's folders and is not in the catalogue, after every byte was hashed: fetched shards by
 * their names, cuts by their manifests, downloaded models as they are. Returns how many. Throws CATALOG_IN_USE while
 * another process does it, the signal's reason.
 */
export async function rescan(context: StoreContext, { signal, onProgress }: RescanOptions = {}): Promise<number> {
  const { catalog } = context;
  const lease = catalog.leases.take(RESCAN_DUE, { isExclusive: true });
  try {
    const strays = [...await strayShards(context), ...await strayCuts(context), ...await strayModels(context)];
    const bytesTotal = strays.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let [bytesDone, listed] = [0, 0];
    for (const stray of strays) {
      const onBytes = (bytes: number): void => onProgress?.({ bytesDone: bytesDone += bytes, bytesTotal, path: stray.path });
      if (await adopt(context, stray, signal === undefined ? { onBytes } : { onBytes, signal })) listed++;
    }
    await noteStrayDownloads(context);
    catalog.setState(RESCAN_DUE, undefined);
    return listed;
  } finally {
    lease.release();
  }
}

async function adopt({ catalog, modelFolder }: StoreContext, { path, cid }: Stray, options: Parameters<typeof treeOfFile>[1]): Promise<boolean> {
  const mtimeMs = statOf(path)?.mtimeMs ?? 0;
  const tree = await treeOfFile(path, options).catch((error: unknown) => {
    if (isCoded(error)) return undefined;
    throw error;
  });
  if (tree === undefined || (cid !== undefined && tree.cid !== cid)) return false;
  return catalog.transaction(() => {
    if (catalog.shards.file(path) !== undefined) return false;
    catalog.shards.put(tree, { path, mtimeMs, isOwned: true });
    if (cid === undefined && modelFolder !== undefined) catalog.modelFiles.put(path, originOf(relative(modelFolder, path), path));
    return true;
  });
}

async function strayShards({ catalog, shardFolder }: StoreContext): Promise<Stray[]> {
  const names = await readdir(shardFolder).catch(() => []);
  return names.flatMap((name) => {
    const cid = basename(name, '.gguf');
    return name.endsWith('.gguf') && parseShardCid(cid) !== undefined && catalog.shards.files(cid).length === 0 ? strayAt(join(shardFolder, name), cid) : [];
  });
}

async function strayCuts(context: StoreContext): Promise<Stray[]> {
  const { catalog, ownFolders, shardFolder, modelFolder } = context;
  const strays: Stray[] = [];
  for (const folder of ownFolders.filter((one) => one !== shardFolder && one !== modelFolder)) {
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    for (const name of names.filter((one) => basename(one) === MANIFEST_FILE)) {
      const manifest = await openManifest(join(folder, name)).catch(() => undefined);
      if (manifest === undefined) continue;
      catalog.models.put(manifest);
      for (const { file_name, cid } of [...manifest.shards, manifest.vocabulary]) {
        const path = join(folder, dirname(name), file_name);
        if (catalog.shards.file(path) === undefined) strays.push(...strayAt(path, cid));
      }
    }
  }
  return strays;
}

async function strayModels({ catalog, modelFolder }: StoreContext): Promise<Stray[]> {
  if (modelFolder === undefined) return [];
  const names = await readdir(modelFolder, { recursive: true }).catch(() => []);
  const paths = names.filter((name) => name.toLowerCase().endsWith('.gguf')).map((name) => join(modelFolder, name));
  return paths.flatMap((path) => (catalog.shards.file(path) === undefined ? strayAt(path) : []));
}

function strayAt(path: string, cid?: string): Stray[] {
  const sizeBytes = statOf(path)?.size ?? 0;
  return sizeBytes === 0 ? [] : [{ path, sizeBytes, ...(cid === undefined ? {} : { cid }) }];
}
