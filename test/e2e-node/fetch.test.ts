import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
  const nameless = await cli(['fetch', 'nonsense', '--peer', addresses[0] ?? ''], at('d'));
  expect(nameless).toMatchObject({ code: 2, stderr: expect.stringContaining('EXCHANGE_BAD_CID') as string });
  listen.child.kill('SIGINT');
  await listen.done;
});
