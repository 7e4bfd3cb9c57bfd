import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NetReport } from '../../src-main/host/index.ts';
import { startCliSource, type RunningCli } from '../support/cli.ts';

let folder = '';
const running: RunningCli[] = [];
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-net-')); });
afterEach(async () => {
  for (const { child, done } of running.splice(0)) {
    child.kill('SIGKILL');
    await done;
  }
  await rm(folder, { recursive: true });
});

function start(args: readonly string[], name: string): RunningCli {
  const one = startCliSource(args, { OMNINODE_HOME: join(folder, name), OMNINODE_THREADS: '1' });
  running.push(one);
  return one;
}

it('tells members that are reached from those that are not, and ends with 4 for the latter', async () => {
  const [line = ''] = (await start(['listen', '--json'], 'far').until(/"listening".*\n/)).split('\n');
  const address = String(JSON.parse(line).addresses[0]);
  const doctor = async (peers: readonly string[]): Promise<NetReport> => {
    await mkdir(join(folder, 'near'), { recursive: true });
    await writeFile(join(folder, 'near', 'config.json'), JSON.stringify({ peers }));
    return JSON.parse(await start(['net', 'doctor', '--json'], 'near').until(/\}\n$/)) as NetReport;
  };
  expect(await doctor([address])).toMatchObject({ ok: true, findings: expect.arrayContaining([expect.objectContaining({ name: 'member', verdict: 'ok' })]) });
  const closed = address.replace(/\/tcp\/\d+/, '/tcp/1');
  const report = await doctor([closed]);
  expect(report).toMatchObject({ ok: false, findings: expect.arrayContaining([expect.objectContaining({ name: 'member', verdict: 'fail', detail: expect.stringContaining('refused') })]) });
  expect((await running.at(-1)?.done)).toMatchObject({ code: 4 });
});
