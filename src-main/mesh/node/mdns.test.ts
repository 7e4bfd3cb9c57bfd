import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PeerProcess } from '../testing/processes.ts';

/** Two network namespaces joined by a cable of their own: multicast without touching this machine's network. */
const [A, B] = [`omn-a${process.pid}`, `omn-b${process.pid}`];
const NET: readonly (readonly [string, string])[] = [[A, '10.231.7.1'], [B, '10.231.7.2']];
const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

function removeNet(): void {
  // Best effort: one may be missing when making them failed half way.
  for (const [name] of NET) try { ip('netns', 'del', name); } catch { /* was not there */ }
}

function makeNet(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  try {
    for (const [name] of NET) ip('netns', 'add', name);
    ip('link', 'add', 'veth0', 'netns', A, 'type', 'veth', 'peer', 'name', 'veth0', 'netns', B);
    for (const [name, address] of NET) {
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'veth0');
      for (const device of ['lo', 'veth0']) ip('-n', name, 'link', 'set', device, 'up');
      ip('-n', name, 'route', 'add', 'default', 'dev', 'veth0');
    }
    return undefined;
  } catch (error) {
    removeNet();
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

let skipped: string | undefined;
const running: PeerProcess[] = [];
beforeAll(() => { skipped = makeNet(); });
afterEach(() => { for (const child of running.splice(0)) child.kill(); });
afterAll(() => { if (skipped === undefined) removeNet(); });

test('nodes on one network find and dial each other by mDNS', async (context) => {
  if (skipped !== undefined) {
    console.warn(`mDNS test skipped, no network namespaces: ${skipped}`);
    context.skip(skipped);
  }
  for (const [name, address] of NET) {
    running.push(new PeerProcess({ mdns: true, listen: [`/ip4/${address}/tcp/0`], prefix: ['ip', 'netns', 'exec', name] }));
  }
  const ids = await Promise.all(running.map(async (child) => (await child.said('ready'))['peer']));
  const met = await Promise.all(running.map(async (child) => (await child.said('connect'))['peer']));
  expect(met).toEqual(ids.toReversed());
  for (const child of running) expect(await child.stop()).toEqual({ code: 0, errors: '' });
});
