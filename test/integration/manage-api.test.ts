import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { z } from 'zod';
import { Downloads, makeKey, startHttpServer, type HttpServer } from '../../src-main/api/index.ts';
import { downloadSchema, downloadsSchema, errorSchema, modelsSchema, nodeSchema, peersSchema, pinnedSchema, removedSchema, storeSchema } from '../../src-main/api/manage/schema.ts';
import { silentLogger } from '../../src-main/base/index.ts';
import { loadSettings } from '../../src-main/host/index.ts';
import { manageService } from '../../src-main/host/manage-service.ts';
import { LEAF_BYTES } from '../../src-main/store/index.ts';
import { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';
import { generateModel } from '../support/models/index.ts';
import { NO_METRICS, ScriptedHost } from '../support/scripted-host.ts';

/** The real store and a hub of our own; only the node around them is scripted. */
let folder: string;
let hub: HubServer;
let server: HttpServer;
let keys: { readonly admin: string; readonly chat: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-manage-'));
  const path = join(folder, 'one.gguf');
  await generateModel({ path, architecture: 'llama', type: 'Q8_0', targetBytes: 6 * LEAF_BYTES, layers: 4 });
  hub = await HubServer.start();
  hub.repos.set('me/one', { files: { 'one-Q8_0.gguf': await readFile(path) }, license: 'mit' });
  const home = join(folder, 'home');
  const settings = await loadSettings({ home, hubUrl: hub.url }, {});
  const manage = manageService(settings);
  keys = { admin: (await makeKey(home, { name: '', scopes: ['admin'], perMinute: 100_000 })).text, chat: (await makeKey(home, { name: '', scopes: ['chat'], perMinute: 100_000 })).text };
  await mkdir(join(folder, 'page'));
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html>');
  server = await startHttpServer({
    host: Object.assign(new ScriptedHost(), { manage, downloads: new Downloads(manage, silentLogger) }), metrics: NO_METRICS, logger: silentLogger, renderer: join(folder, 'page'),
    options: { key: 'the-key-of-the-page', requestsPerSecond: 1e6, requestBurst: 1e6 }, access: { home },
  });
});
afterAll(async () => {
  await server.stop();
  await hub.stop();
  await rm(folder, { recursive: true });
});

async function call<S extends z.ZodObject>(schema: S, path: string, { method = 'GET', body, key = keys.admin }: { readonly method?: string; readonly body?: unknown; readonly key?: string } = {}): Promise<{ status: number; reply: z.output<S> }> {
  const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const reply = await fetch(`${server.address}api/v1/${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: reply.status, reply: schema.strict().parse(await reply.json()) as z.output<S> };
}

/** Asks until the download says so: it is what a client has to do, too. */
async function until(id: string, isIt: (row: z.output<typeof downloadSchema>) => boolean): Promise<z.output<typeof downloadSchema>> {
  for (;;) {
    const { reply } = await call(downloadSchema, `downloads/${id}`);
    if (isIt(reply) || reply.state !== 'running') return reply;
  }
}

it('tells what this node is and whom it knows', async () => {
  expect((await call(nodeSchema, 'node')).reply).toMatchObject({ status: { kind: 'ready' }, info: { name: 'scripted' } });
  expect((await call(peersSchema, 'peers')).reply.peers).toHaveLength(2);
  expect((await call(storeSchema, 'store')).reply).toMatchObject({ usedBytes: 0, models: 0, quotaBytes: null });
  expect((await call(modelsSchema, 'models')).reply).toEqual({ models: [], files: [] });
});

it('adds a model, pins it, and removes it', async () => {
  const { status, reply: { id } } = await call(downloadSchema, 'models', { method: 'POST', body: { source: 'hf:me/one:Q8_0' } });
  expect(status).toBe(202);
  expect(await until(id, () => false)).toMatchObject({ state: 'done', name: 'one-Q8_0', fits: 'here', source: 'hf:me/one:Q8_0', manifestCid: expect.stringMatching(/^bafy/) });
  const { models, files } = (await call(modelsSchema, 'models')).reply;
  expect(files).toMatchObject([{ name: 'one-Q8_0', isPinned: true, isOwned: true, isWhole: true }]);
  expect(models).toHaveLength(1);
  expect((await call(pinnedSchema, 'models/one-Q8_0/pin', { method: 'DELETE' })).reply).toEqual({ name: 'one-Q8_0', isPinned: false });
  expect((await call(pinnedSchema, 'models/one-Q8_0/pin', { method: 'PUT' })).reply).toEqual({ name: 'one-Q8_0', isPinned: true });
  const refused = await call(errorSchema, 'models/one-Q8_0', { method: 'DELETE' });
  expect([refused.status, refused.reply.error.code]).toEqual([409, 'SPACE_PINNED']);
  await call(pinnedSchema, 'models/one-Q8_0/pin', { method: 'DELETE' });
  expect((await call(removedSchema, 'models/one-Q8_0', { method: 'DELETE' })).reply.freedBytes).toBe(files[0]?.sizeBytes);
  expect((await call(modelsSchema, 'models')).reply.files).toEqual([]);
});

it('cancels a download, and keeps what came', async () => {
  hub.spoil = ({ range }) => (Number(range.split('-')[1]) < LEAF_BYTES ? undefined : { kind: 'stall', afterBytes: 1.5 * LEAF_BYTES });
  const { reply: { id } } = await call(downloadSchema, 'models', { method: 'POST', body: { source: 'hf:me/one:Q8_0', connections: 1 } });
  await until(id, ({ progress }) => progress?.phase === 'downloading' && progress.bytesDone > LEAF_BYTES);
  expect((await call(downloadSchema, `downloads/${id}`, { method: 'DELETE' })).reply).toMatchObject({ id, state: 'cancelled' });
  hub.spoil = () => undefined;
  expect((await call(downloadsSchema, 'downloads')).reply.downloads.map(({ state }) => state)).toEqual(['done', 'cancelled']);
});

it('is there, all that the document names, and for nobody without a key', async () => {
  const document = await (await fetch(`${server.address}openapi.json`)).json() as { readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  const named = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).filter((name) => name !== 'parameters').map((method) => [method.toUpperCase(), path] as const));
  expect(named).toHaveLength(16);
  for (const [method, path] of named) {
    const { status } = await fetch(new URL(path.replaceAll(/\{\w+\}/g, 'x'), server.address), { method });
    expect([method, path, status]).toEqual([method, path, 401]);
  }
});

it('refuses in the node’s own words', async () => {
  const codeOf = async (path: string, more: Parameters<typeof call>[2] = {}): Promise<unknown[]> => {
    const { status, reply } = await call(errorSchema, path, more);
    return [status, reply.error.code];
  };
  expect(await codeOf('node', { key: keys.chat })).toEqual([403, 'API_MISSING_SCOPE']);
  expect(await codeOf('node', { key: 'none' })).toEqual([401, 'API_WRONG_KEY']);
  expect(await codeOf('models', { method: 'POST', body: { source: join(folder, 'one.gguf') } })).toEqual([400, 'API_BAD_REQUEST']);
  expect(await codeOf('models', { method: 'POST', body: { source: 'hf:me/one', force: true } })).toEqual([400, 'API_BAD_REQUEST']);
  expect(await codeOf('models/none', { method: 'DELETE' })).toEqual([404, 'SPACE_NO_SUCH_MODEL']);
  expect(await codeOf('models/..%2f..%2fetc/pin', { method: 'PUT' })).toEqual([404, 'SPACE_NO_SUCH_MODEL']);
  expect(await codeOf('downloads/none')).toEqual([404, 'API_NOT_FOUND']);
  const { reply: { id } } = await call(downloadSchema, 'models', { method: 'POST', body: { source: 'hf:me/none' } });
  expect(await until(id, () => false)).toMatchObject({ state: 'failed', error: { code: 'HUB_NOT_ALLOWED', fault: 'user' } });
});
