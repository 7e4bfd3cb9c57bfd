import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSigner } from '../../src-main/mesh/index.ts';
import { startCliSource, type RunningCli } from '../support/cli.ts';

let folder = '';
const running: RunningCli[] = [];
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-list-')); });
afterEach(async () => {
  for (const { child, done } of running.splice(0)) {
    child.kill('SIGKILL');
    await done;
  }
  await rm(folder, { recursive: true });
});

function start(args: readonly string[], home: string): RunningCli {
  const one = startCliSource(args, { OMNINODE_HOME: join(folder, home), OMNINODE_THREADS: '1', OMNINODE_SHARE_STORE: '0', OMNINODE_CALIBRATE: '0' });
  running.push(one);
  return one;
}

async function listening(home: string, ...args: readonly string[]): Promise<RunningCli & { readonly address: string }> {
  const one = start(['listen', '--json', ...args], home);
  const [line = ''] = (await one.until(/"listening".*\n/)).split('\n');
  return { ...one, address: String(JSON.parse(line).addresses[0]) };
}

it('commands of a member reach others of the list and its own node, while that node runs; who is not listed reaches nobody', async () => {
  const homes = ['a', 'b', 'c'];
  const ids = await Promise.all(homes.map(async (home) => {
    await mkdir(join(folder, home));
    return (await loadSigner({ kind: 'file', path: join(folder, home, 'identity.key') })).peerId;
  }));
  const list = JSON.stringify({ zone: 'private', allowPeers: ids.slice(0, 2) });
  for (const home of homes) await writeFile(join(folder, home, 'config.json'), list);
  const far = await listening('b');
  const own = await listening('a', '--peer', far.address);
  expect(await start(['send', 'to another', '--peer', far.address], 'a').done).toMatchObject({ code: 0 });
  await far.until(/to another/);
  expect(await start(['send', 'to my own', '--peer', own.address], 'a').done).toMatchObject({ code: 0 });
  await own.until(/to my own/);
  const report = JSON.parse((await start(['net', 'doctor', '--json'], 'a').done).stdout) as { ok: boolean };
  expect(report.ok).toBe(true);
  expect(await start(['send', 'let me in', '--peer', far.address], 'c').done).toMatchObject({ code: 4, stderr: expect.stringContaining('another zone') });
});
