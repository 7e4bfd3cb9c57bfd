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
  expect((await doctor([address])).report).toMatchObject({ ok: true, findings: expect.arrayContaining([expect.objectContaining({ name: 'members', verdict: 'ok' })]) });
  const closed = address.replace(/\/tcp\/\d+/, '/tcp/1');
  const { report, code } = await doctor([closed]);
  expect(report).toMatchObject({ ok: false, findings: expect.arrayContaining([expect.objectContaining({ name: 'member', verdict: 'fail', detail: expect.stringContaining('nothing listens') })]) });
  expect(code).toBe(4);
});

it('asks the node that runs, which tries again at once; no second node is started beside it', async () => {
  const far = start(['listen', '--json'], 'far');
  const [line = ''] = (await far.until(/"listening".*\n/)).split('\n');
  const address = String(JSON.parse(line).addresses[0]);
  far.child.kill('SIGTERM');
  await far.done;
  // Its peer id, and the port on which it was.
  const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1]);
  const near = start(['listen', '--json', '--peer', address, '--log-level', 'error'], 'near');
  const own = JSON.parse((await near.until(/"listening".*\n/)).split('\n')[0] ?? '') as { readonly peerId: string };
  const doctor = async (): Promise<{ readonly report: NetReport; readonly code: number | null }> => {
    const { stdout, code } = await start(['net', 'doctor', '--json'], 'near').done;
    return { report: JSON.parse(stdout) as NetReport, code };
  };
  expect(await doctor()).toMatchObject({ code: 4, report: { ok: false, findings: expect.arrayContaining([
    { name: 'node', verdict: 'ok', detail: `runs as ...${own.peerId.slice(-8)} (process ${near.child.pid}), and was asked` },
    expect.objectContaining({ name: 'member', verdict: 'fail', detail: expect.stringContaining('nothing listens'), next: expect.stringContaining('Start OmniNode there') }),
  ]) } });
  await start(['listen', '--json', '--address', `/ip4/127.0.0.1/tcp/${port}`], 'far').until(/"listening".*\n/);
  expect(await doctor()).toMatchObject({ code: 0, report: { ok: true, findings: expect.arrayContaining([expect.objectContaining({ name: 'members', verdict: 'ok', detail: expect.stringMatching(/^1 of 1 known is reached/) })]) } });
  near.child.kill('SIGTERM');
  await near.done;
  // From the address book of the node that ran, whose configuration names nobody.
  expect(await doctor()).toMatchObject({ code: 0, report: { findings: expect.arrayContaining([expect.objectContaining({ name: 'node', verdict: 'hint' }), expect.objectContaining({ name: 'members', verdict: 'ok' })]) } });
});

it('says which port is taken, which zone key is missing, and which relay is none', async () => {
  const [line = ''] = (await start(['listen', '--json'], 'far').until(/"listening".*\n/)).split('\n');
  const address = String(JSON.parse(line).addresses[0]);
  const findings = async (config: object): Promise<NetReport['findings']> => {
    await mkdir(join(folder, 'near'), { recursive: true });
    await writeFile(join(folder, 'near', 'config.json'), JSON.stringify(config));
    const { stdout, code } = await start(['net', 'doctor', '--json'], 'near').done;
    expect(code).toBe(4);
    return (JSON.parse(stdout) as NetReport).findings.filter(({ verdict }) => verdict === 'fail');
  };
  const taken = address.replace(/\/p2p\/.*/, '');
  expect(await findings({ listen: [taken, '/ip4/127.0.0.1/tcp/0'] })).toMatchObject([{ name: 'listen', detail: `Another program listens on ${taken}.`, next: expect.stringContaining('another port') }]);
  expect(await findings({ zone: 'private' })).toMatchObject([{ name: 'zone', detail: expect.stringContaining('no zone key'), next: expect.stringContaining('omninode zone new-key') }]);
  expect(await findings({ relays: [address] })).toMatchObject([{ name: 'relay', detail: expect.stringContaining('is no relay'), next: expect.stringContaining('"relay": true') }]);
});
