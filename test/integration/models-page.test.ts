import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startHeadless, type HeadlessServer } from '../../src-main/headless/index.ts';
import { appPaths, buildHost, loadSettings, type Host, type Settings } from '../../src-main/host/index.ts';
import { LEAF_BYTES } from '../../src-main/store/index.ts';
import { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';
import { parsePush, reduce, UPLOAD_PATH, type DownloadRow, type HostConnection, type HostState, type ModelList } from '../../src-preload/bridge/index.ts';
import { connectToSocket } from '../../src-renderer/host/socket-connection.ts';
import { generateModel } from '../support/models/index.ts';

/** The real host and a hub of our own, asked as the page asks. */
let folder: string;
let hub: HubServer;
let settings: Settings;
let host: Host;
let server: HeadlessServer;
let page: HostConnection;
let follow: Follower;
let tiny: Buffer;

class Follower {
  #state: HostState;
  readonly #waiting = new Set<() => void>();

  private constructor(state: HostState) {
    this.#state = state;
  }

  static async of(connection: HostConnection): Promise<Follower> {
    const early: unknown[] = [];
    const take = { push: (raw: unknown): void => void early.push(raw) };
    connection.onPush((raw) => take.push(raw));
    const self = new Follower((await connection.call('state.subscribe', {})).state);
    take.push = (raw) => self.#apply(raw);
    for (const raw of early) self.#apply(raw);
    return self;
  }

  #apply(raw: unknown): void {
    const push = parsePush(raw);
    if (push !== undefined) this.#state = reduce(this.#state, push);
    for (const look of [...this.#waiting]) look();
  }

  until(accept: (state: HostState) => boolean): Promise<HostState> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!accept(this.#state)) return;
        this.#waiting.delete(look);
        resolve(this.#state);
      };
      this.#waiting.add(look);
      look();
    });
  }

  async download(id: string, accept: (row: DownloadRow) => boolean): Promise<DownloadRow> {
    const of = ({ models }: HostState): DownloadRow | undefined => models?.downloads.find((row) => row.id === id);
    return of(await this.until((state) => { const row = of(state); return row !== undefined && accept(row); }))!;
  }
}

const isOver = ({ state }: DownloadRow): boolean => state !== 'running';
const list = (): Promise<ModelList> => page.call('models.list', { ask: false });
const held = async (name: string) => (await list()).models.find((model) => model.id === name);

async function open(): Promise<void> {
  host = await buildHost({ settings, paths: appPaths(), mode: 'headless', nodes: 1 });
  server = await startHeadless({ host, settings, renderer: join(folder, 'page') });
  const { href } = new URL('/', server.url);
  page = await connectToSocket(href, settings.secrets.uiToken, (url, protocols) => new WebSocket(url, protocols));
  follow = await Follower.of(page);
}

const put = (id: string, at: number, bytes: Uint8Array): Promise<Response> =>
  fetch(new URL(`${UPLOAD_PATH}${id}?at=${at}`, server.url), { method: 'PUT', headers: { authorization: `Bearer ${settings.secrets.uiToken}`, 'content-type': 'application/octet-stream' }, body: Buffer.from(bytes) });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-models-'));
  await mkdir(join(folder, 'page'));
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html><p>page');
  const [one, small] = [join(folder, 'one.gguf'), join(folder, 'tiny.gguf')];
  await generateModel({ path: one, architecture: 'llama', type: 'Q8_0', targetBytes: 6 * LEAF_BYTES, layers: 4 });
  await generateModel({ path: small, architecture: 'qwen3', type: 'Q8_0', targetBytes: LEAF_BYTES, layers: 2, name: 'Tiny one' });
  tiny = await readFile(small);
  hub = await HubServer.start();
  hub.repos.set('me/one', { files: { 'one-Q8_0.gguf': await readFile(one) }, license: 'mit' });
  settings = await loadSettings({ home: join(folder, 'home'), hubUrl: hub.url, threads: 1, calibrate: false, shareStore: false, dht: false, logLevel: 'silent' }, {});
  await open();
  await server.started;
});
afterAll(async () => {
  page.close();
  await server.stop();
  await hub.stop();
  await rm(folder, { recursive: true });
});

it('lists the model inside, what comes with the app, and what the hub has', async () => {
  const { models, unfinished, disk } = await list();
  expect(models).toMatchObject([{ id: 'omni-guide', kind: 'built-in', usability: 'in-use', name: 'OmniNode Guide', layers: 6, fit: { fits: 'here', basis: 'header' } }]);
  expect([unfinished, disk.quotaBytes]).toEqual([[], null]);
  expect((await page.call('models.suggested', {})).models.find(({ name }) => name === 'Qwen3 8B')).toMatchObject({ source: 'hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf', fit: { basis: 'size' }, isHeld: false });
  expect((await page.call('models.search', { lookup: 'a', text: 'one' })).hits).toMatchObject([{ repo: 'me/one', license: 'mit', isGated: false }]);
  expect((await page.call('models.files', { lookup: 'a', repo: 'me/one' })).files).toMatchObject([{ source: 'hf:me/one/one-Q8_0.gguf', quantization: 'Q8_0', fit: { fits: 'here' }, isHeld: false }]);
  await expect(page.call('models.files', { lookup: 'a', repo: 'me/none' })).rejects.toMatchObject({ wire: { code: 'HUB_NOT_ALLOWED', next: expect.any(String) } });
});

it('holds a download, goes on with it after a restart, and answers with it', async () => {
  hub.spoil = ({ range }) => (Number(range.split('-')[1]) < LEAF_BYTES ? undefined : { kind: 'stall', afterBytes: 1.5 * LEAF_BYTES });
  const { id } = await page.call('models.download', { source: 'hf:me/one/one-Q8_0.gguf' });
  await follow.download(id, ({ progress }) => progress?.phase === 'downloading' && progress.bytesDone > LEAF_BYTES);
  expect(await page.call('models.download', { source: 'hf:me/one/one-Q8_0.gguf' })).toMatchObject({ id });
  expect(await page.call('models.pause', { id })).toMatchObject({ id, state: 'paused', fits: 'here' });
  expect(await held('one-Q8_0')).toBeUndefined();
  const [{ source, storedBytes, ...left } = { source: '', storedBytes: 0 }] = (await list()).unfinished;
  expect(left).toMatchObject({ name: 'one-Q8_0', isUnderWay: false, canResume: true });
  expect(storedBytes).toBeGreaterThanOrEqual(LEAF_BYTES);
  page.close();
  await server.stop();
  hub.spoil = () => undefined;
  await open();
  expect((await list()).unfinished).toMatchObject([{ source, storedBytes }]);
  const before = hub.stored.length;
  const again = await page.call('models.download', { source });
  expect(await follow.download(again.id, isOver)).toMatchObject({ state: 'done', manifestCid: expect.stringMatching(/^bafy/) });
  expect(hub.stored.slice(before).some(({ range }) => range.startsWith('bytes=0-') && range !== 'bytes=0-0')).toBe(true);
  expect((await list()).unfinished).toEqual([]);
  await server.started;
  const model = await held('one-Q8_0');
  expect(model).toMatchObject({ kind: 'file', quantization: 'Q8_0', layers: 4, isPinned: true, isOwned: true, usability: 'can', fit: { fits: 'here' } });
  const { holders, layers } = await page.call('models.layers', { id: 'one-Q8_0' });
  expect([layers, holders]).toEqual([4, [{ peerId: host.api.info().peerId, isHere: true, held: [[0, 3]], loaded: [] }]]);
});

it('switches while an answer is written: waits for it or stops it, and remembers', async () => {
  const { id: conversation } = await page.call('conversations.create', {});
  const { answerId } = await page.call('conversations.send', { id: conversation, text: 'How does OmniNode split a model?' });
  await follow.until(({ answers }) => (answers[answerId]?.text ?? '') !== '');
  await page.call('models.use', { id: 'one-Q8_0', running: 'finish' });
  const first = (await follow.until(({ answers }) => answers[answerId]?.finish !== undefined)).answers[answerId];
  expect(first?.finish).toMatchObject({ model: 'OmniNode Guide' });
  expect(first?.finish?.finishReason).not.toBe('cancelled');
  expect(await follow.until(({ status }) => status.kind === 'ready')).toMatchObject({ info: { model: { layers: 4 } }, stages: [{ layers: [0, 3], state: 'ready' }] });
  expect(JSON.parse(await readFile(join(settings.config.home, 'config.json'), 'utf8'))).toEqual({ model: 'one-Q8_0' });
  // What was said is ever likelier: it goes on until it is stopped.
  await page.call('conversations.update', { id: conversation, change: { options: { repetitionPenalty: 0.02, maxTokens: 900 } } });
  const second = await page.call('conversations.send', { id: conversation, text: 'Go on.' });
  await follow.until(({ answers }) => (answers[second.answerId]?.text ?? '') !== '');
  await page.call('models.use', { id: 'omni-guide', running: 'cancel' });
  expect((await follow.until(({ answers }) => answers[second.answerId]?.finish !== undefined)).answers[second.answerId]?.finish).toMatchObject({ finishReason: 'cancelled' });
  expect((await page.call('models.layers', { id: 'omni-guide' })).holders[0]).toMatchObject({ held: [[0, 5]], loaded: [[0, 5]] });
});

it('leaves the model to a question whose history is still being counted', async () => {
  const name = (await follow.until(({ status }) => status.kind === 'ready')).info.model?.name;
  const turns = Array.from({ length: 300 }, (_, index) => ({ parent: index === 0 ? null : index - 1, role: index % 2 === 0 ? 'user' : 'assistant', content: 'Layers and stages. '.repeat(100), createdAt: index, isChosen: true }));
  const { id } = await page.call('conversations.import', { text: JSON.stringify({ format: 'omninode-conversation', version: 1, title: 'long', system: '', options: { maxTokens: 8 }, messages: turns }) });
  const { answerId } = await page.call('conversations.send', { id, text: 'Go on.' });
  await page.call('models.use', { id: 'one-Q8_0', running: 'finish' });
  const { answers: { [answerId]: answer } } = await follow.until(({ answers: { [answerId]: one } }) => one?.finish !== undefined || one?.error !== undefined);
  expect(answer).toMatchObject({ finish: { model: name } });
  await page.call('models.use', { id: 'omni-guide', running: 'finish' });
});

it('takes up the former model when the other one cannot be loaded, and frees what is removed', async () => {
  // Between the choice and the load: as where a disk is taken away.
  const path = join(settings.config.home, 'models', 'hf', 'me', 'one', 'one-Q8_0.gguf');
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, LEAF_BYTES));
  await expect(page.call('models.use', { id: 'one-Q8_0', running: 'cancel' })).rejects.toMatchObject({ wire: { code: 'HOST_NOT_SWITCHED', next: expect.any(String) } });
  expect(await follow.until(({ status }) => status.kind === 'ready')).toMatchObject({ info: { model: { name: 'OmniNode Guide' } } });
  expect(JSON.parse(await readFile(join(settings.config.home, 'config.json'), 'utf8'))).toEqual({ model: 'omni-guide' });
  await expect(page.call('models.use', { id: 'none', running: 'cancel' })).rejects.toMatchObject({ wire: { code: 'HOST_MODEL_NOT_FOUND' } });
  await expect(page.call('models.remove', { id: 'omni-guide' })).rejects.toMatchObject({ wire: { code: 'HOST_NOT_REMOVABLE' } });
  await page.call('models.pin', { id: 'one-Q8_0', isPinned: false });
  const { fileBytes = 0, cutBytes = 0 } = await held('one-Q8_0') ?? {};
  expect(cutBytes).toBeGreaterThan(0);
  expect(await page.call('models.remove', { id: 'one-Q8_0' })).toEqual({ freedBytes: fileBytes + cutBytes });
  expect([await held('one-Q8_0'), existsSync(path)]).toEqual([undefined, false]);
});

it('takes a file piece by piece, and keeps none that is no model', async () => {
  const { id } = await page.call('models.upload', { name: 'tiny.gguf', sizeBytes: tiny.length });
  await expect(page.call('models.upload', { name: 'tiny.gguf', sizeBytes: 100 })).rejects.toMatchObject({ wire: { code: 'HOST_MODEL_EXISTS' } });
  expect((await fetch(new URL(`${UPLOAD_PATH}${id}?at=0`, server.url), { method: 'PUT', headers: { authorization: 'Bearer another-key' }, body: 'x' })).status).toBe(401);
  expect(await (await put(id, 0, tiny.subarray(0, 500_000))).json()).toEqual({ receivedBytes: 500_000 });
  const wrong = await put(id, 0, tiny.subarray(0, 10));
  expect([wrong.status, await wrong.json()]).toMatchObject([409, { error: { code: 'HOST_UPLOAD_PLACE', meta: { wanted: 500_000 } } }]);
  const stored = join(settings.config.home, 'models', 'files');
  expect(await readdir(stored)).toEqual(['tiny.gguf.part']);
  expect((await list()).unfinished).toMatchObject([{ name: 'tiny', isUnderWay: true, canResume: false }]);
  await put(id, 500_000, tiny.subarray(500_000));
  expect(await follow.download(id, isOver)).toMatchObject({ state: 'done', kind: 'upload', name: 'tiny' });
  expect(await held('tiny')).toMatchObject({ name: 'Tiny one', layers: 2, isOwned: true, usability: 'can' });
  const twice = await Promise.allSettled([1, 2].map(() => page.call('models.upload', { name: 'twice.gguf', sizeBytes: 4_000 })));
  expect(twice.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  for (const one of twice) if (one.status === 'fulfilled') await page.call('models.cancel', { id: one.value.id });
  const no = await page.call('models.upload', { name: 'no.gguf', sizeBytes: 4_000 });
  await put(no.id, 0, Buffer.alloc(4_000, 7));
  expect(await follow.download(no.id, isOver)).toMatchObject({ state: 'failed', error: { code: 'HOST_UPLOAD_NAME' } });
  const given = await page.call('models.upload', { name: 'up.gguf', sizeBytes: tiny.length });
  await put(given.id, 0, tiny.subarray(0, 100));
  expect(await page.call('models.cancel', { id: given.id })).toMatchObject({ state: 'cancelled' });
  expect([(await put(given.id, 100, tiny.subarray(100))).status, await readdir(stored)]).toEqual([404, ['tiny.gguf']]);
  for (const name of ['../x.gguf', 'a/b.gguf', 'x.bin', 'x-00001-of-00002.gguf']) await expect(page.call('models.upload', { name, sizeBytes: 100 })).rejects.toMatchObject({ wire: { code: 'HOST_UPLOAD_NAME' } });
});

it('adds a file where it is, throttles, and starts with the model inside where the chosen one is gone', async () => {
  const path = join(folder, 'tiny.gguf');
  await expect(page.call('models.addPath', { path: join(folder, 'page', 'index.html') })).rejects.toMatchObject({ wire: { code: 'API_BAD_REQUEST' } });
  await page.call('models.throttle', { bytesPerSecond: 100_000 });
  expect((await follow.until(({ models }) => models?.bytesPerSecond !== undefined)).models?.bytesPerSecond).toBe(100_000);
  const { id } = await page.call('models.addPath', { path });
  expect(await follow.download(id, isOver)).toMatchObject({ state: 'done', kind: 'file' });
  const mine = (await list()).models.filter(({ name }) => name === 'Tiny one');
  expect(mine.map(({ isOwned, fileBytes }) => [isOwned, fileBytes > 0])).toEqual(expect.arrayContaining([[true, true], [false, false]]));
  const added = mine.find(({ isOwned }) => !isOwned);
  await page.call('models.use', { id: added?.id ?? '', running: 'cancel' });
  expect((await list()).models.find(({ usability }) => usability === 'in-use')?.id).toBe(added?.id);
  await expect(page.call('models.remove', { id: added?.id ?? '' })).rejects.toMatchObject({ wire: { code: 'HOST_MODEL_IN_USE' } });
  page.close();
  await server.stop();
  await rm(path);
  settings = { ...settings, config: { ...settings.config, model: added?.id ?? '' } };
  await open();
  await server.started;
  expect(await list()).toMatchObject({ missing: added?.id, models: expect.arrayContaining([expect.objectContaining({ id: 'omni-guide', usability: 'in-use' })]) });
  expect(basename(path)).toBe('tiny.gguf');
});
