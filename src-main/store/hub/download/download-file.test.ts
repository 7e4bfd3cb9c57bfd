import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, readdir, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Catalog, LEAF_BYTES, treeOfFile } from '../../index.ts';
import { locateFile, type RemoteFile } from '../remote-file.ts';
import { HubServer, type StoredRequest } from '../testing/hub-server.ts';
import { downloadFile, type DownloadOptions, type DownloadProgress } from './download-file.ts';
import { journalPath, partialPath } from './partial-file.ts';

const LEAVES = 24;
const bytes = Buffer.concat([randomBytes((LEAVES - 1) * LEAF_BYTES), randomBytes(777)]);
let hub: HubServer;
let folder = '';
let target = '';
let catalog: Catalog;
beforeAll(async () => {
  hub = await HubServer.start();
  hub.repos.set('me/model', { files: { 'm.gguf': bytes } });
});
afterAll(() => hub.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-hub-'));
  target = join(folder, 'sub', 'm.gguf');
  catalog = new Catalog(catalogPath());
  hub.stored.length = 0;
  hub.spoil = () => undefined;
});
afterEach(async () => {
  catalog.close();
  await rm(folder, { recursive: true, force: true });
});

const catalogPath = (): string => join(folder, 'store', 'catalog.db');

const locate = (): Promise<RemoteFile> => locateFile(`${hub.url}/me/model/resolve/main/m.gguf`);
const download = async (options: Partial<DownloadOptions> = {}) => downloadFile({ remote: await locate(), target, leases: catalog.leases, firstRetryMs: 1, ...options });
const arrived = async (): Promise<boolean> => (await readFile(target)).equals(bytes);
const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** Leaves that requests asked for, with repetitions. */
function leavesAsked(requests: readonly StoredRequest[]): number[] {
  return requests.flatMap(({ range }) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    const [from, to] = [Number(first) / LEAF_BYTES, Math.floor(Number(last) / LEAF_BYTES)];
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

describe('downloadFile', () => {
  it('fetches every leaf once over several connections, and knows the tree of the file', async () => {
    const told: DownloadProgress[] = [];
    const { tree, resumedBytes, sha256 } = await download({ onProgress: (progress) => told.push(progress) });
    expect(await arrived()).toBe(true);
    expect(resumedBytes).toBe(0);
    expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    const { hash: _, ...expected } = await treeOfFile(target);
    expect({ ...tree, leafHashes: Buffer.from(tree.leafHashes) }).toEqual({ ...expected, leafHashes: Buffer.from(expected.leafHashes) });
    expect(leavesAsked(hub.stored).toSorted((a, b) => a - b)).toEqual(Array.from({ length: LEAVES }, (_, leaf) => leaf));
    expect(new Set(told.map(({ phase }) => phase))).toEqual(new Set(['downloading', 'checking']));
    expect(told.findLast(({ phase }) => phase === 'downloading')).toMatchObject({ bytesDone: bytes.length, bytesTotal: bytes.length });
    expect(await readdir(join(folder, 'sub'))).toEqual(['m.gguf']);
  });

  it.each<[string, HubServer['spoil']]>([
    ['connections that break', (_, index) => (index % 2 === 0 ? { kind: 'break', afterBytes: 1.5 * LEAF_BYTES } : undefined)],
    ['servers that fall silent', (_, index) => (index < 4 ? { kind: 'stall', afterBytes: LEAF_BYTES + 5 } : undefined)],
    ['a busy server that says when to come again', (_, index) => (index < 3 ? { kind: 'status', status: 429, retryAfter: '0' } : undefined)],
    ['a server with errors', (_, index) => (index < 3 ? { kind: 'status', status: 502 } : undefined)],
  ])('gets over %s', async (_name, spoil) => {
    hub.spoil = spoil;
    await download({ stallMs: 1_000, maxFailures: 20 });
    expect(await arrived()).toBe(true);
  });

  it('gives up after failures in a row, keeps what arrived, and does not ask for it again', async () => {
    hub.spoil = (_, index) => (index < 3 ? undefined : { kind: 'status', status: 500 });
    await expect(download({ maxFailures: 2 })).rejects.toMatchObject({ code: 'HUB_SERVER_FAILED' });
    const before = leavesAsked(hub.stored.slice(0, 3));
    expect(await exists(target)).toBe(false);
    hub.stored.length = 0;
    hub.spoil = () => undefined;
    const { resumedBytes } = await download();
    expect(resumedBytes).toBe(before.length * LEAF_BYTES);
    expect(leavesAsked(hub.stored).filter((leaf) => before.includes(leaf))).toEqual([]);
    expect(await arrived()).toBe(true);
  });

  it('does not repeat what repeating cannot help', async () => {
    hub.spoil = () => ({ kind: 'status', status: 403 });
    await expect(download({ connections: 1 })).rejects.toMatchObject({ code: 'HUB_NOT_ALLOWED' });
    expect(hub.stored).toHaveLength(1);
  });

  it('is cancelled at once, also while it waits, and goes on later', async () => {
    const controller = new AbortController();
    hub.spoil = (_, index) => {
      if (index === 0) return undefined;
      // The answer tells to wait for minutes.
      setImmediate(() => controller.abort());
      return { kind: 'status', status: 429, retryAfter: '300' };
    };
    const run = download({ connections: 1, signal: controller.signal });
    await expect(run).rejects.toMatchObject({ code: 'HUB_CANCELLED', fault: 'user' });
    hub.spoil = () => undefined;
    expect((await download()).resumedBytes).toBeGreaterThan(0);
    expect(await arrived()).toBe(true);
  });

  it('removes what has not the checksum of the hub', async () => {
    hub.spoil = (_, index) => (index === 1 ? { kind: 'flip' } : undefined);
    await expect(download()).rejects.toMatchObject({ code: 'HUB_CHECKSUM', fault: 'peer' });
    expect(await readdir(join(folder, 'sub'))).toEqual([]);
  });

  it('notices a file that changed on the hub, while it is read and between two runs', async () => {
    const other = randomBytes(bytes.length);
    const remote = await locate();
    hub.repos.set('me/model', { files: { 'm.gguf': other } });
    try {
      await expect(download({ remote })).rejects.toMatchObject({ code: 'HUB_CHANGED', retryable: true });
      hub.repos.set('me/model', { files: { 'm.gguf': bytes } });
      await interrupted();
      hub.repos.set('me/model', { files: { 'm.gguf': other } });
      expect((await download()).resumedBytes).toBe(0);
      expect((await readFile(target)).equals(other)).toBe(true);
    } finally {
      hub.repos.set('me/model', { files: { 'm.gguf': bytes } });
    }
  });

  it('takes nothing for granted that an earlier run left', async () => {
    await interrupted();
    const partial = await readFile(partialPath(target));
    partial[5] = (partial[5] ?? 0) ^ 1;
    await writeFile(partialPath(target), partial);
    await writeFile(journalPath(target), `${await readFile(journalPath(target), 'latin1')}\n99 nonsense\n7 ab`);
    hub.stored.length = 0;
    await download();
    expect(leavesAsked(hub.stored)).toContain(0);
    expect(await arrived()).toBe(true);
  });

  it('fetches again what a partial file lost', async () => {
    await interrupted();
    await truncate(partialPath(target), LEAF_BYTES + 10);
    await download();
    expect(await arrived()).toBe(true);
  });

  it('refuses a full disk before it begins, and lets one process in at a time', async () => {
    await expect(download({ files: { freeBytes: async () => bytes.length } })).rejects.toMatchObject({ code: 'HUB_DISK_FULL', fault: 'local' });
    expect(hub.stored).toEqual([]);
    const first = download();
    await expect(download()).rejects.toMatchObject({ code: 'HUB_BUSY', retryable: true, meta: { path: target, pid: process.pid } });
    await first;
    expect(await arrived()).toBe(true);
  });

  it.skipIf(process.platform !== 'linux')('says so when the disk fills up on the way, and goes on when there is room', async () => {
    await mkdir(join(folder, 'sub'));
    for (const full of [partialPath(target), journalPath(target)]) {
      await rm(full, { force: true });
      await symlink('/dev/full', full);
      await expect(download()).rejects.toMatchObject({ code: 'HUB_DISK_FULL', fault: 'local', meta: { path: target } });
      await unlink(full);
      expect(catalog.leases.count()).toBe(0);
    }
    await download();
    expect(await arrived()).toBe(true);
  });

  it('survives kill -9 at any moment and fetches no leaf again that was noted', async () => {
    const options = { remote: await locate(), target, catalogPath: catalogPath(), connections: 3, firstRetryMs: 1 };
    let kills = 0;
    for (let run = 0; run < 40; run++) {
      const before = await noted();
      hub.stored.length = 0;
      // No answer is whole at first, so that a fast machine is not done before the signal reaches it.
      hub.spoil = () => (run < 6 ? { kind: 'stall', afterBytes: 1.25 * LEAF_BYTES } : undefined);
      const ended = await childRun(options, LEAF_BYTES * (0.4 + 0.3 * (run % 5)));
      expect(leavesAsked(hub.stored).filter((leaf) => before.has(leaf))).toEqual([]);
      if (!ended) kills++;
      else break;
      expect(await exists(target)).toBe(false);
    }
    expect(kills).toBeGreaterThan(3);
    expect(await arrived()).toBe(true);
  }, 180_000);
});

/** Leaves to one connection, then the end: something is left to go on with. */
async function interrupted(): Promise<void> {
  hub.spoil = (_, index) => (index === 0 ? undefined : { kind: 'status', status: 403 });
  await expect(download({ connections: 1 })).rejects.toMatchObject({ code: 'HUB_NOT_ALLOWED' });
  hub.spoil = () => undefined;
}

async function noted(): Promise<Set<number>> {
  const text = await readFile(journalPath(target), 'latin1').catch(() => '');
  return new Set([...text.matchAll(/^(\d+) [0-9a-f]{64}$/gm)].map(([, leaf]) => Number(leaf)));
}

/** Whether the child came to the end before `killAfterBytes` had arrived in it. */
async function childRun(options: object, killAfterBytes: number): Promise<boolean> {
  const child = fork(join(import.meta.dirname, '..', 'testing', 'downloader.ts'), [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let startBytes: number | undefined;
  let isDone = false;
  child.on('message', ({ progress, resumedBytes }: { progress?: DownloadProgress; resumedBytes?: number }) => {
    if (resumedBytes !== undefined) isDone = true;
    if (progress?.phase !== 'downloading') return;
    startBytes ??= progress.bytesDone;
    if (progress.bytesDone - startBytes >= killAfterBytes) child.kill('SIGKILL');
  });
  await once(child, 'exit');
  return isDone;
}
