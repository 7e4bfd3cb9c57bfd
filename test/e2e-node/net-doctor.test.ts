import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NetReport } from '../../src-main/host/index.ts';
import { CliRuns, type RunningCli } from '../support/cli.ts';

let folder = '';
const runs = new CliRuns();
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-net-')); });
afterEach(async () => {
  await runs.stop();
  await rm(folder, { recursive: true });
});

const start = (args: readonly string[], name: string): RunningCli => runs.start(args, { OMNINODE_HOME: join(folder, name), OMNINODE_THREADS: '1' });

it('tells members that are reached from those that are not, and ends with 4 for the latter', async () => {
  const [line = ''] = (await start(['listen', '--json'], 'far').until(/"listening".*\n/)).split('\n');
  const address = String(JSON.parse(line).addresses[0]);
  const doctor = async (peers: readonly string[]): Promise<{ readonly report: NetReport; readonly code: number | null }> => {
    await mkdir(join(folder, 'near'), { recursive: true });
    await writeFile(join(folder, 'near', 'config.json'), JSON.stringify({ peers }));
    const { code, stdout } = await start(['net', 'doctor', '--json'], 'near').done;
    return { report: JSON.parse(stdout) as NetReport, code };
  };
  expect((await doctor([address])).report).toMatchObject({ ok: true, findings: expect.arrayContaining([expect.objectContaining({ name: 'member', verdict: 'ok' })]) });
  const closed = address.replace(/\/tcp\/\d+/, '/tcp/1');
  const { report, code } = await doctor([closed]);
  expect(report).toMatchObject({ ok: false, findings: expect.arrayContaining([expect.objectContaining({ name: 'member', verdict: 'fail', detail: expect.stringContaining('refused') })]) });
  expect(code).toBe(4);
});
