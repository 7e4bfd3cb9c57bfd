import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { processesWith, startCli } from '../support/cli.ts';

/** Killing the command, however, leaves no process behind. Told apart by a marker in the environment. */
let home = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-orphans-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const isLinux = process.platform === 'linux';

// /proc has no events: it is looked at until it shows what we wait for.
const gone = (marker: string): Promise<void> => vi.waitFor(() => expect(processesWith(marker)).toEqual([]), { timeout: 15_000, interval: 50 });

async function runningCluster(): Promise<{ marker: string; cli: ReturnType<typeof startCli> }> {
  const marker = `OMNINODE_TEST=${randomBytes(8).toString('hex')}`;
  const [name = '', value = ''] = marker.split('=');
  const cli = startCli(['cluster', '3', '--json'], { OMNINODE_HOME: home, [name]: value });
  await cli.until(/"nodes"/);
  // The command's launcher, the command and three nodes.
  expect(processesWith(marker).length).toBeGreaterThanOrEqual(5);
  return { marker, cli };
}

describe.runIf(isLinux)('a killed command', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('leaves nothing behind after %s', async (signal) => {
    const { marker, cli } = await runningCluster();
    cli.child.kill(signal);
    await cli.done;
    await gone(marker);
  });

  it('leaves nothing behind when the command below its launcher is killed', async () => {
    const { marker, cli } = await runningCluster();
    const command = processesWith(marker).find((entry) => entry.parent === cli.child.pid);
    process.kill(command?.pid ?? 0, 'SIGKILL');
    expect((await cli.done).code).toBe(137);
    await gone(marker);
  });

  it('leaves nothing behind when the npm that started the app is killed', async () => {
    const marker = `OMNINODE_TEST=${randomBytes(8).toString('hex')}`;
    const [name = '', value = ''] = marker.split('=');
    const npm = spawn('npm', ['start', '--', '--json'], { cwd: join(import.meta.dirname, '..', '..'), stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, OMNINODE_HOME: home, OMNINODE_HEADLESS: '1', [name]: value } });
    await new Promise<void>((resolve) => npm.stdout.on('data', (bytes) => String(bytes).includes('"serving"') && resolve()));
    npm.kill('SIGKILL');
    await gone(marker);
  });

  it('ends with a coded error when a node is killed', async () => {
    const { marker, cli } = await runningCluster();
    const node = processesWith(marker).find((entry) => entry.command.includes('node-process'));
    process.kill(node?.pid ?? 0, 'SIGKILL');
    const { code, stdout } = await cli.done;
    expect(code).toBe(4);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '').error.code).toBe('HOST_NODE_GONE');
    await gone(marker);
  });
});
