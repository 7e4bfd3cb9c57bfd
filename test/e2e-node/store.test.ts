import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';

let home = '';
beforeAll(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-store-')); });
afterAll(() => rm(home, { recursive: true, force: true }));

const run = (...args: string[]) => cli(args, { OMNINODE_HOME: home, OMNINODE_THREADS: '1' });
const json = async (...args: string[]) => {
  const { stdout, code } = await run(...args, '--json');
  return { code, value: JSON.parse(stdout) };
};

it('lists what was cut, finds damage, mends it by cutting again, keeps what is pinned and removes the rest', async () => {
  expect((await json('model', 'ls')).value).toEqual({ models: [], files: [] });
  const cut = (await json('shard', 'omni-guide', '--shards', '2')).value;
  const [model] = (await json('model', 'ls')).value.models;
  expect(model).toMatchObject({ cid: cut.manifestCid, layers: cut.manifest.total_layers, heldBytes: cut.manifest.total_size_bytes, isPinned: false });
  expect((await run('model', 'show', model.name)).stdout).toMatch(new RegExp(`manifest ${model.cid}[^]*here +${cut.manifest.shards[0].cid}[^]*vocabulary`));

  const damaged = join(cut.folder, cut.manifest.shards[1].file_name);
  expect((await json('store', 'verify')).code).toBe(0);
  const file = await open(damaged, 'r+');
  await file.write(Buffer.from('other bytes'), 0, 11, (await stat(damaged)).size - 100);
  await file.close();
  const found = await json('store', 'verify', '--model', model.name);
  const lastBlock = Math.ceil(cut.manifest.shards[1].size_bytes / 2 ** 20) - 1;
  expect(found).toMatchObject({ code: 4, value: { damaged: [{ path: damaged, cid: cut.manifest.shards[1].cid, leaves: [lastBlock] }] } });
  expect(existsSync(damaged)).toBe(false);
  expect((await json('model', 'show', model.cid)).value.pieces[1]).toMatchObject({ state: 'partial', leaves: lastBlock });
  expect((await json('shard', 'omni-guide', '--shards', '2')).value.manifestCid).toBe(cut.manifestCid);
  expect((await run('store', 'verify')).stdout).toMatch(/3 files, .* all is well/);

  await run('model', 'pin', model.name);
  expect((await json('store', 'gc', '--to', '0')).value).toEqual({ freedBytes: 0, usedBytes: cut.manifest.total_size_bytes });
  expect((await json('model', 'rm', model.name))).toMatchObject({ code: 2, value: { error: { code: 'SPACE_PINNED' } } });
  await run('model', 'unpin', model.name);
  expect((await json('store', 'stats')).value).toMatchObject({ usedBytes: cut.manifest.total_size_bytes, models: 1, shards: 3, partialShards: 0, leases: 0 });
  expect((await json('store', 'gc', '--to', '0')).value.usedBytes).toBe(0);
  expect(existsSync(cut.folder)).toBe(false);
  expect((await json('model', 'ls')).value.models[0].heldBytes).toBe(0);
  expect((await json('model', 'rm', model.cid)).code).toBe(0);
  expect((await json('model', 'show', model.cid))).toMatchObject({ code: 2, value: { error: { code: 'SPACE_NO_SUCH_MODEL' } } });
}, 240_000);

it('answers with shards that were evicted, by cutting them again, and says when the quota is too small', async () => {
  const ask = ['pipeline-infer', 'What is a shard?', '--cluster', '2', '--max-tokens', '4', '--greedy'];
  const first = (await json(...ask)).value;
  await run('store', 'gc', '--to', '0');
  expect((await json(...ask)).value.tokenIds).toEqual(first.tokenIds);
  await run('store', 'gc', '--to', '0');
  const small = await cli([...ask, '--json'], { OMNINODE_HOME: home, OMNINODE_THREADS: '1', OMNINODE_STORE_QUOTA_BYTES: '1000' });
  expect([small.code, JSON.parse(small.stdout).error.code]).toEqual([2, 'SPACE_QUOTA']);
}, 240_000);
