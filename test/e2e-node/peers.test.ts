import { mkdtemp, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PeersNow } from '../../src-main/host/index.ts';
import { cli, CliRuns, type Listening, type RunningCli } from '../support/cli.ts';

let folder = '';
const runs = new CliRuns();
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-peers-')); });
afterEach(async () => {
  await runs.stop();
  await rm(folder, { recursive: true });
});

const env = (name: string): Record<string, string> => ({ OMNINODE_HOME: join(folder, name), OMNINODE_THREADS: '1', OMNINODE_NAME: name });
const listen = (name: string, ...more: string[]): Promise<Listening> => runs.listen(more, env(name));
/** What a watching command says, from the first line on. */
function follow({ child }: RunningCli): (holds: (now: PeersNow) => boolean) => Promise<PeersNow> {
  const seen: PeersNow[] = [];
  const wakes = new Set<() => void>();
  createInterface(child.stdout!).on('line', (line) => {
    seen.push(JSON.parse(line));
    for (const wake of wakes) wake();
  });
  let from = 0;
  return (holds) => new Promise((resolve) => {
    const look = (): void => {
      const at = seen.findIndex((now, index) => index >= from && holds(now));
      if (at < 0) return;
      from = at + 1;
      wakes.delete(look);
      resolve(seen[at]!);
    };
    wakes.add(look);
    look();
  });
}
const has = (name: string) => ({ peers }: PeersNow): boolean => peers.some(({ member }) => member?.name === name);

it('shows nodes come, what they have, and go', { timeout: 240_000 }, async () => {
  const first = await listen('first');
  const watch = runs.start(['peers', '--watch', '--json'], env('first'));
  const says = follow(watch);
  const second = await listen('second', '--peer', first.address, '--model', 'omni-guide', '--layers', '0-2');
  const row = (await says(has('second'))).peers.find(({ member }) => member?.name === 'second');
  expect(row).toMatchObject({
    link: { transport: 'tcp + tls + yamux', direction: 'inbound' },
    member: { app: expect.stringMatching(/^omninode\/\d/), machine: { os: process.platform, arch: process.arch, ramFreeBytes: expect.any(Number) }, models: [{ totalLayers: 6, held: [[0, 2]], loaded: [] }] },
  });
  const { stdout, code } = await cli(['peers'], env('first'));
  expect(code).toBe(0);
  expect(stdout).toMatch(/first .* this node/);
  expect(stdout).toMatch(/second .* 0-2 on disk/);
  expect(await cli(['net', 'metrics'], env('first'))).toMatchObject({ code: 0, stdout: expect.stringMatching(/^omninode_mesh_peers 1$/m) });
  second.cli.child.kill('SIGTERM');
  expect((await says((now) => !has('second')(now))).peers).toEqual([]);
  first.cli.child.kill('SIGTERM');
  expect(await watch.done).toMatchObject({ code: 0 });
  expect(await cli(['peers'], env('first'))).toMatchObject({ code: 4, stderr: expect.stringContaining('API_NOT_RUNNING') });
});
