import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('hashes, lists and serves a file of 4 GiB in less than 300 MB, without a second copy', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'omninode-sparse-'));
  try {
    const child = fork(join(import.meta.dirname, '..', 'support', 'sparse-store.ts'), [folder], { execArgv: [] });
    const [told] = await once(child, 'message') as [{ isSparse: boolean; read: number; maxRssBytes: number }];
    await once(child, 'exit');
    if (!told.isSparse) context.skip('the file system has no sparse files, and 4 GiB of real ones take too long');
    expect(told.read).toBe(1024);
    expect(told.maxRssBytes).toBeLessThan(300e6);
    const names = await readdir(folder, { recursive: true });
    const used = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).blocks * 512));
    expect(used.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(10e6);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 300_000);
