import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../base/index.ts';
import { hashTree, LEAF_BYTES } from '../../dag/index.ts';
import { bufferSource } from '../../gguf/source.ts';
import { BufferPool } from '../buffer-pool.ts';
import { LocalStore } from '../../space/index.ts';
import { Fetch } from './fetch.ts';
import { WebSource } from './web-source.ts';

const bytes = randomBytes(5 * LEAF_BYTES + 77);
let folder = '';
const servers: Server[] = [];
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-web-')); });
afterEach(async () => {
  servers.splice(0).forEach((server) => { server.closeAllConnections(); server.close(); });
  await rm(folder, { recursive: true });
});

/** A plain web server with ranges. */
async function serve(files: Readonly<Record<string, Uint8Array>>, asked: string[] = []): Promise<string> {
  const server = createServer((request, response) => {
    const file = files[request.url?.slice(1) ?? ''];
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    asked.push(`${request.url} ${first}-${last}`);
    if (file === undefined) return void response.writeHead(404).end();
    response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${file.length}` }).end(file.subarray(Number(first), Number(last) + 1));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function fetchFrom(url: string) {
  const tree = await hashTree(bufferSource(bytes));
  const store = new LocalStore({ folder });
  const path = join(folder, 'shards', `${tree.cid}.gguf`);
  const fetch = new Fetch({ shards: [tree], target: store, clock: systemClock, patienceMs: 200 });
  fetch.add(new WebSource({ name: url, sink: fetch, pool: new BufferPool(LEAF_BYTES, 8), urlOf: () => `${url}/file`, leavesUrlOf: (cid) => `${url}/${cid}.leaves` }));
  return { fetch, path, tree, store };
}

it('fetches from a web server alone, when that has the list of leaf hashes too', async () => {
  const tree = await hashTree(bufferSource(bytes));
  const asked: string[] = [];
  const { fetch, path, store } = await fetchFrom(await serve({ file: bytes, [`${tree.cid}.leaves`]: tree.leafHashes }, asked));
  expect((await fetch.done).bytesFetched).toBe(bytes.length);
  expect((await readFile(path)).equals(bytes)).toBe(true);
  expect(asked.filter((one) => one.startsWith('/file')).sort()).toEqual([
    '/file 0-0', ...Array.from({ length: 6 }, (_, leaf) => `/file ${leaf * LEAF_BYTES}-${Math.min(bytes.length, (leaf + 1) * LEAF_BYTES) - 1}`),
  ].sort());
  store.close();
});

it.each([
  ['another file of the same size', 'EXCHANGE_BAD_LEAF', (file: Buffer, leaves: Buffer) => { file.fill(0, LEAF_BYTES * 2); return { file, leaves }; }],
  ['a wrong list', 'EXCHANGE_BAD_TREE', (file: Buffer, leaves: Buffer) => { leaves[3]! ^= 1; return { file, leaves }; }],
] as const)('names a server that has %s', async (_what, code, change) => {
  const tree = await hashTree(bufferSource(bytes));
  const { file, leaves } = change(Buffer.from(bytes), Buffer.from(tree.leafHashes));
  const url = await serve({ file, [`${tree.cid}.leaves`]: leaves });
  const { fetch, store } = await fetchFrom(url);
  await expect(fetch.done).rejects.toMatchObject({ code: 'EXCHANGE_NO_SOURCES', cause: { code, fault: 'peer', meta: { peer: url } } });
  store.close();
});

it.each([['no such file', {}], ['a file of another size', { file: bytes.subarray(1) }], ['no list', { file: bytes }]])('gets nothing from a server with %s', async (_what, files) => {
  const { fetch, store } = await fetchFrom(await serve(files));
  await expect(fetch.done).rejects.toMatchObject({ code: 'EXCHANGE_NO_SOURCES' });
  store.close();
});
