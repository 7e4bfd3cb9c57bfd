import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { cli, startCli } from '../support/cli.ts';

let folder = '';
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-fetch-cli-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): Record<string, string> => ({ OMNINODE_HOME: join(folder, name) });

it('shard, listen, fetch: a model arrives whole from the node that cut it', async () => {
  const cut = JSON.parse((await cli(['shard', 'omni-guide', '--shards', '2', '--json'], at('a'))).stdout) as { folder: string; manifestCid: string };
  const listen = startCli(['listen', '--json'], at('a'));
  const { addresses } = JSON.parse(await listen.until(/\n/)) as { addresses: string[] };
  const out = join(folder, 'out');
  const fetched = await cli(['fetch', cut.manifestCid, '--peer', addresses[0] ?? '', '--out', out, '--json'], at('d'));
  expect(fetched.code).toBe(0);
  const lines = fetched.stdout.trim().split('\n').map((line) => JSON.parse(line) as { event: string; bytesFetched?: number; bytesTotal?: number });
  expect(lines.at(-1)).toMatchObject({ event: 'done', manifestCid: cut.manifestCid });
  expect(lines.at(-1)?.bytesFetched).toBe(lines.at(-1)?.bytesTotal);
  for (const name of await readdir(cut.folder)) expect((await readFile(join(out, name))).equals(await readFile(join(cut.folder, name)))).toBe(true);
  const again = await cli(['fetch', cut.manifestCid, '--peer', addresses[0] ?? ''], at('d'));
  expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/0\.00 MB of it fetched/) as string });
  // A block of what was fetched goes bad, and comes back from where it came from.
  const [name = ''] = (await readdir(join(folder, 'd', 'store', 'shards'))).filter((one) => one.endsWith('.gguf'));
  const damaged = await open(join(folder, 'd', 'store', 'shards', name), 'r+');
  await damaged.write(Buffer.from('other bytes'), 0, 11, 100);
  await damaged.close();
  expect(await cli(['store', 'verify', '--peer', addresses[0] ?? ''], at('d'))).toMatchObject({ code: 2, stderr: expect.stringContaining('--repair') as string });
  const repaired = await cli(['store', 'verify', '--repair', '--peer', addresses[0] ?? ''], at('d'));
  expect(repaired).toMatchObject({ code: 0, stdout: expect.stringMatching(/DAMAGED[^]*1 damaged, 0 gone\n1 repaired with [\d.]+ MB from 12D3/) as string });
  expect(await cli(['store', 'verify', '--repair'], at('d'))).toMatchObject({ code: 0, stdout: expect.stringContaining('all is well') as string });
  const nameless = await cli(['fetch', 'nonsense', '--peer', addresses[0] ?? ''], at('d'));
  expect(nameless).toMatchObject({ code: 2, stderr: expect.stringContaining('EXCHANGE_BAD_CID') as string });
  listen.child.kill('SIGINT');
  await listen.done;
});

it('a model is fetched by way of a node that has none of it, in processes that share nothing', async () => {
  const cut = JSON.parse((await cli(['shard', 'omni-guide', '--shards', '2', '--json'], at('holder'))).stdout) as { manifestCid: string };
  const member = startCli(['listen', '--json'], at('member'));
  const [memberAddress = ''] = (JSON.parse(await member.until(/\n/)) as { addresses: string[] }).addresses;
  const holder = startCli(['listen', '--peer', memberAddress, '--json'], at('holder'));
  const { peerId } = JSON.parse(await holder.until(/\n/)) as { peerId: string };
  const fetched = await vi.waitFor(async () => {
    const result = await cli(['fetch', cut.manifestCid, '--peer', memberAddress, '--json'], at('asker'));
    expect(result.code).toBe(0);
    return result.stdout.trim().split('\n').map((line) => JSON.parse(line) as { event: string; peer?: string; sources?: { name: string; bytes: number }[] });
  }, { timeout: 90_000 });
  expect(fetched.filter(({ event }) => event === 'found').map(({ peer }) => peer)).toContain(peerId);
  expect(fetched.at(-1)?.sources?.filter(({ bytes }) => bytes > 0).map(({ name }) => name)).toEqual([peerId]);
  const known = JSON.parse((await cli(['store', 'providers', cut.manifestCid, '--json'], at('member'))).stdout) as { items: { cid: string; providers: { peerId: string }[] }[] };
  expect(known.items).toMatchObject([{ cid: cut.manifestCid, providers: [{ peerId }] }]);
  const alone = await cli(['fetch', cut.manifestCid], at('nobody'));
  expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('PROVIDERS_NONE_KNOWN') as string });
  for (const one of [holder, member]) {
    one.child.kill('SIGINT');
    await one.done;
  }
}, 120_000);
