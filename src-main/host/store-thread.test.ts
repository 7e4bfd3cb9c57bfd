import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadSettings } from './config.ts';
import { cutIntoStore, openStore } from './local-store.ts';
import { appPaths } from './paths.ts';
import { cutInThread, type CutJob } from './store-thread.ts';

let home = '';
beforeAll(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-thread-')); });
afterAll(() => rm(home, { recursive: true, force: true }));

const paths = appPaths();
const job = async (model = join(paths.models, 'omni-guide.gguf')): Promise<CutJob> => ({
  config: (await loadSettings({ home }, {})).config, model, folder: join(home, 'shards', 'cut'), plan: { kind: 'even', shards: 2 },
});

it('cuts in a thread, tells progress, lists the model and holds it until this process ends', async () => {
  const seen: number[] = [];
  const manifest = await cutInThread(await job(), { workerPath: paths.storeWorker, onProgress: ({ bytesDone }) => seen.push(bytesDone) });
  expect(manifest.shards).toHaveLength(2);
  expect(seen.length).toBeGreaterThan(3);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  const store = openStore((await job()).config);
  expect(store.model(manifest.model_name).heldShards).toBe(2);
  expect(await store.gc(0)).toMatchObject({ freedBytes: 0, usedBytes: manifest.total_size_bytes });
  store.close();
});

it('is cancelled, and fails with the code of what failed', async () => {
  const folder = join(home, 'shards', 'cancelled');
  const cut = cutInThread({ ...await job(), folder }, { workerPath: paths.storeWorker, signal: AbortSignal.abort() });
  await expect(cut).rejects.toMatchObject({ code: 'SHARD_CANCELLED' });
  expect((await readdir(folder).catch(() => [])).filter((name) => name.includes('manifest'))).toEqual([]);
  await expect(cutInThread({ ...await job(import.meta.filename), folder }, { workerPath: paths.storeWorker })).rejects.toMatchObject({ code: 'GGUF_BAD_MAGIC', fault: 'user' });
  await expect(cutInThread(await job(), { workerPath: join(home, 'nothing.ts') })).rejects.toMatchObject({ code: 'INTERNAL' });
});

it('keeps its room from the start: what comes meanwhile does not get it, and a cut that has none writes nothing', async () => {
  const own = join(home, 'tight');
  const model = join(paths.models, 'omni-guide.gguf');
  const { config: base, ...made } = await job();
  const { total_size_bytes: cutBytes } = await cutIntoStore(base, made);
  const config = (storeQuotaBytes: number): CutJob['config'] => ({ ...base, home: own, storeQuotaBytes });
  const folder = join(own, 'shards', 'cut');
  await expect(cutIntoStore(config(cutBytes - 1), { model, folder, plan: { kind: 'even', shards: 2 } })).rejects.toMatchObject({ code: 'SPACE_QUOTA', meta: { needBytes: cutBytes } });
  expect(await readdir(folder).catch(() => [])).toEqual([]);
  const other = openStore(config(cutBytes));
  const coming = [{ path: join(own, 'models', 'other.gguf'), sizeBytes: 1 }];
  const refused: unknown[] = [];
  await cutIntoStore(config(cutBytes), { model, folder, plan: { kind: 'even', shards: 2 }, onProgress: () => {
    if (refused.length === 0) refused.push(other.reserve(coming).catch((error: unknown) => error));
  } });
  expect(await refused[0]).toMatchObject({ code: 'SPACE_QUOTA', meta: { usedBytes: cutBytes } });
  expect(await other.stats()).toMatchObject({ usedBytes: cutBytes, reservedBytes: 0 });
  other.close();
});
