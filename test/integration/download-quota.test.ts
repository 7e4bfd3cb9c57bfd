import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { loadSettings, openStore, storeStats, type StoreStats } from '../../src-main/host/index.ts';
import { LEAF_BYTES } from '../../src-main/store/index.ts';
import { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';
import { upTo } from '../support/adding.ts';
import { CliRuns, type CliResult, type RunningCli } from '../support/cli.ts';
import { generateModel } from '../support/models/index.ts';
import { SaidProcess } from '../support/said-process.ts';
import { writeShard, type ShardFixture } from '../support/shard-files.ts';
import type { TransferPeerSetup } from '../support/transfer-peer.ts';

// Unfinished downloads in the quota: commands as a user runs them, beside each other and killed.
const PEER = fileURLToPath(new URL('../support/transfer-peer.ts', import.meta.url));
const MB = LEAF_BYTES;
const runs = new CliRuns();
const peers: SaidProcess[] = [];
let folder = '';
let home = '';
let hub: HubServer;
let bytes: Buffer;
let shards: readonly ShardFixture[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-quota-'));
  const whole = join(folder, 'whole.gguf');
  await generateModel({ path: whole, architecture: 'llama', type: 'Q8_0', targetBytes: 12 * MB, layers: 4 });
  bytes = await readFile(whole);
  hub = await HubServer.start();
  hub.repos.set('me/one', { files: { 'one.gguf': bytes } });
  hub.repos.set('me/two', { files: { 'two.gguf': bytes } });
  shards = [await writeShard(folder, 'a.bin', 8), await writeShard(folder, 'b.bin', 8)];
});
beforeEach(async () => {
  home = await mkdtemp(join(folder, 'home-'));
  hub.spoil = () => undefined;
});
afterEach(async () => {
  await runs.stop();
  await Promise.all(peers.splice(0).map((peer) => peer.kill()));
});
afterAll(async () => {
  await hub.stop();
  await rm(folder, { recursive: true });
});

const start = (...args: string[]): RunningCli => runs.start(args, { OMNINODE_HOME: home, OMNINODE_HUB_URL: hub.url, OMNINODE_STORE_QUOTA_BYTES: String(bytes.length + 4 * MB) });

const run = (...args: string[]): Promise<CliResult> => start(...args).done;
/** As `store stats` shows them, in this process. */
const stats = async (): Promise<StoreStats> => storeStats((await loadSettings({ home }, {})).config);

it('a model that is downloaded holds its room, also against another, until it is whole or killed', async () => {
  const target = join(home, 'models', 'hf', 'me', 'one', 'one.gguf');
  hub.spoil = (request, index) => (request.path === 'one.gguf' ? upTo(7)(request, index) : undefined);
  const first = start('model', 'add', 'hf:me/one', '--json');
  await first.until(/"event":"piece"/);
  const origin = `hf:me/one@${'c'.repeat(40)}/one.gguf`;
  const under = JSON.parse((await run('store', 'stats', '--json')).stdout) as StoreStats;
  expect(under).toMatchObject({ usedBytes: bytes.length, unfinished: [{ path: target, origin, sizeBytes: bytes.length, countedBytes: bytes.length, pid: first.child.pid }] });
  expect(under.reservedBytes).toBe(bytes.length - under.unfinished[0]!.storedBytes);
  expect((await run('store', 'stats')).stdout).toMatch(new RegExp(`kept for downloads.*\n[^]*not whole yet[^]*${origin}.*process ${first.child.pid}`));

  const asked = hub.stored.filter(({ path }) => path === 'two.gguf').length;
  const second = await run('model', 'add', 'hf:me/two');
  expect([second.code, existsSync(join(home, 'models', 'hf', 'me', 'two'))]).toEqual([2, false]);
  expect(second.stderr).toContain(`${origin}, ${bytes.length} bytes (process ${first.child.pid})`);
  expect(second.stderr).toContain('Wait for the downloads under way, or end them.');
  // Nothing of it but its header was asked for.
  expect(hub.stored.filter(({ path }) => path === 'two.gguf').slice(asked).every(({ range }) => Number(/-(\d+)$/.exec(range)?.[1]) < bytes.length - 1)).toBe(true);

  first.child.kill('SIGKILL');
  await first.done;
  const left = await stats();
  expect(left).toMatchObject({ usedBytes: left.unfinished[0]!.storedBytes, reservedBytes: 0, unfinished: [{ origin, countedBytes: left.usedBytes, pid: null }] });
  expect(left.usedBytes).toBeLessThan(bytes.length);

  hub.spoil = () => undefined;
  expect((await run('model', 'add', 'hf:me/one')).code).toBe(0);
  expect(await stats()).toMatchObject({ usedBytes: bytes.length, reservedBytes: 0, unfinished: [] });
});

it('a model gets the room of another that may go, and gives it back when the download is cancelled', async () => {
  const target = join(home, 'models', 'hf', 'me', 'one', 'one.gguf');
  expect((await run('model', 'add', 'hf:me/one')).code).toBe(0);
  // Not before it may go.
  expect((await run('model', 'add', 'hf:me/two')).stderr).toContain('SPACE_QUOTA');
  expect((await run('model', 'unpin', 'one')).code).toBe(0);
  hub.spoil = upTo(7);
  const third = start('model', 'add', 'hf:me/two', '--json');
  await third.until(/"event":"piece"/);
  expect(existsSync(target)).toBe(false);
  third.child.kill('SIGINT');
  await third.done;
  expect(await stats()).toMatchObject({ reservedBytes: 0, unfinished: [{ pid: null }] });
  expect((await run('store', 'stats')).stdout).toMatch(/broken off\n[^]*omninode store gc --unfinished/);
  expect((await run('store', 'gc', '--unfinished')).code).toBe(0);
  expect(await stats()).toMatchObject({ usedBytes: 0, unfinished: [] });
});

it('a fetch from peers holds the room for all its shards before it asks for any', async () => {
  const start = (setup: TransferPeerSetup): SaidProcess => {
    const peer = new SaidProcess(PEER, setup);
    peers.push(peer);
    return peer;
  };
  const source = start({ home: await mkdtemp(join(folder, 'source-')), files: shards.map(({ path }) => path), uploadBytesPerSecond: 2 * MB });
  const from = String(((await source.says('ready'))['addresses'] as string[])[0]);
  const fetch = { peers: [from], shards: shards.map(({ cid, sizeBytes }) => ({ cid, sizeBytes, fileName: 'unused' })) };
  const totalBytes = shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const store = openStore({ home });
  try {
    const refused = start({ home, listen: [], fetch, storeQuotaBytes: totalBytes - 1 });
    expect(await refused.says('failed')).toMatchObject({ code: 'SPACE_QUOTA' });
    expect(store.catalog.shards.files()).toEqual([]);

    const fetching = start({ home, listen: [], fetch, storeQuotaBytes: totalBytes });
    await fetching.says('progress', ({ bytesDone }) => Number(bytesDone) >= 4 * MB);
    const under = await store.stats();
    expect(under.usedBytes).toBe(totalBytes);
    expect(under.unfinished.map(({ origin, sizeBytes, pid }) => ({ origin, sizeBytes, pid })).sort((a, b) => (a.origin < b.origin ? -1 : 1)))
      .toEqual(shards.map(({ cid, sizeBytes }) => ({ origin: cid, sizeBytes, pid: fetching.child.pid })).sort((a, b) => (a.origin < b.origin ? -1 : 1)));
    await fetching.kill();
    const left = await store.stats();
    expect([left.reservedBytes, left.unfinished.every(({ pid }) => pid === null)]).toEqual([0, true]);
    expect(left.usedBytes).toBeGreaterThanOrEqual(4 * MB);
    expect(left.usedBytes).toBeLessThan(totalBytes);

    await start({ home, listen: [], fetch, storeQuotaBytes: totalBytes }).says('done');
    expect(await store.stats()).toMatchObject({ usedBytes: totalBytes, reservedBytes: 0, unfinished: [] });
  } finally {
    store.close();
  }
});
