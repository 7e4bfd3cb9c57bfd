import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { appPaths, buildHost, fetchModel, listProviders, loadSettings, shardModelFile } from '../../src-main/host/index.ts';

let folder = '';
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-shared-host-')); });
afterAll(() => rm(folder, { recursive: true }));

const paths = appPaths();
const home = (name: string): ReturnType<typeof loadSettings> => loadSettings({ home: join(folder, name), threads: 1 }, {});

it('the app gives what its store holds, while it runs', async () => {
  const settings = await home('app');
  const { manifestCid, manifest } = await shardModelFile(settings.config, { paths, model: 'omni-guide', plan: { kind: 'even', shards: 2 } });
  const host = await buildHost({ settings, paths, mode: 'headless', nodes: 1 });
  await host.start();
  const { addresses, peerId } = host.api.info();
  try {
    // It shares once its model is there; nothing waits for that.
    const asker = await home('asker');
    const fetched = await vi.waitFor(() => fetchModel(asker.config, { manifestCid, peers: addresses, urls: [] }, { paths, signal: AbortSignal.timeout(40_000) }), { timeout: 40_000, interval: 100 });
    expect(fetched.report.bytesFetched).toBe(manifest.total_size_bytes);
    expect(await listProviders(asker.config, manifestCid)).toMatchObject([{ cid: manifestCid, name: manifest.model_name, totalPieces: 3, providers: [{ peerId }] }]);
  } finally {
    await host.stop();
  }
  await expect(fetchModel((await home('late')).config, { manifestCid, peers: addresses, urls: [] }, { paths, signal: AbortSignal.timeout(40_000) })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
}, 120_000);
