import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { downloadModel } from './download.ts';

const root = mkdtempSync(join(tmpdir(), 'omninode-download-'));
const servers: Server[] = [];
let modelFolder = '';
beforeEach(() => { modelFolder = join(mkdtempSync(join(root, 'case-')), 'model'); });
afterEach(() => servers.splice(0).forEach((server) => { server.closeAllConnections(); server.close(); }));
afterAll(() => rm(root, { recursive: true, force: true }));

const FILES: Readonly<Record<string, string>> = {
  'config.json': '{}', 'tokenizer_config.json': '{"a":1}', 'tokenizer.json': '{"b":2}', 'onnx/model_quantized.onnx': 'small weights', 'onnx/model.onnx': 'large weights',
};
const PREFIX = '/owner/name/resolve/main/';

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${PREFIX.slice(0, -1)}`;
}

/** Serves FILES; `spoil` may answer a request in its own way, and says whether it did. */
const hub = (asked: string[] = [], spoil: (file: string, response: Parameters<RequestListener>[1]) => boolean = () => false): RequestListener => (request, response) => {
  const file = (request.url ?? '').slice(PREFIX.length);
  asked.push(file);
  if (!spoil(file, response)) response.writeHead(file in FILES ? 200 : 404, { 'content-length': Buffer.byteLength(FILES[file] ?? '') }).end(FILES[file]);
};

const leftOver = async (): Promise<string[]> => readdir(join(modelFolder, '..'));

it('fetches the four files of a model, and nothing when they are there', async () => {
  const asked: string[] = [];
  const seen: unknown[] = [];
  const url = await serve(hub(asked));
  await downloadModel({ url, modelFolder, onProgress: (file, bytes, total) => seen.push([file, bytes, total]) });
  expect(asked).toEqual(['config.json', 'tokenizer_config.json', 'tokenizer.json', 'onnx/model_quantized.onnx']);
  for (const file of asked) expect(await readFile(join(modelFolder, file), 'utf8')).toBe(FILES[file]);
  expect(seen).toContainEqual(['onnx/model_quantized.onnx', 13, 13]);
  expect(await leftOver()).toEqual(['model']);
  await downloadModel({ url, modelFolder });
  expect(asked).toHaveLength(4);
});

it('fetches full precision when that is asked for', async () => {
  await downloadModel({ url: await serve(hub()), modelFolder, weights: 'fp32' });
  expect(await readdir(join(modelFolder, 'onnx'))).toEqual(['model.onnx']);
});

it.each<[string, string, (response: Parameters<RequestListener>[1]) => void]>([
  ['is not there', 'EMBED_DOWNLOAD_FAILED', (response) => response.writeHead(404).end()],
  ['announces more than the limit', 'EMBED_FILE_TOO_LARGE', (response) => response.writeHead(200, { 'content-length': 65 * 1024 * 1024 }).write('{')],
  ['sends more than the limit', 'EMBED_FILE_TOO_LARGE', (response) => response.writeHead(200).end(Buffer.alloc(64 * 1024 * 1024 + 1))],
  ['breaks off', 'EMBED_DOWNLOAD_FAILED', (response) => { response.writeHead(200, { 'content-length': 100 }).write('{'); setImmediate(() => response.destroy()); }],
])('leaves nothing when a file %s', async (_name, code, spoil) => {
  const url = await serve(hub([], (file, response) => file === 'tokenizer.json' && (spoil(response), true)));
  await expect(downloadModel({ url, modelFolder })).rejects.toMatchObject({ code });
  expect(await leftOver()).toEqual([]);
});

it('gives up on a server that falls silent, and when it is cancelled', async () => {
  const silent = await serve(() => undefined);
  await expect(downloadModel({ url: silent, modelFolder, stallMs: 20 })).rejects.toMatchObject({ code: 'EMBED_DOWNLOAD_FAILED', message: expect.stringContaining('silent') as string });
  const controller = new AbortController();
  const url = await serve(() => controller.abort('enough'));
  await expect(downloadModel({ url, modelFolder, signal: controller.signal })).rejects.toMatchObject({ code: 'EMBED_CANCELLED', cause: 'enough' });
  expect(await leftOver()).toEqual([]);
});

it('refuses other addresses, and a folder with something else in it', async () => {
  await expect(downloadModel({ url: 'file:///etc', modelFolder })).rejects.toMatchObject({ code: 'EMBED_BAD_URL' });
  await mkdir(modelFolder);
  await writeFile(join(modelFolder, 'notes.txt'), 'mine');
  await expect(downloadModel({ url: await serve(hub()), modelFolder })).rejects.toMatchObject({ code: 'EMBED_FOLDER_TAKEN' });
  expect(await readdir(modelFolder)).toEqual(['notes.txt']);
});
