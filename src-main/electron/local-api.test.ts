import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { once } from 'node:events';
import { makeKey, type CompletionService } from '../api/index.ts';
import { silentLogger } from '../base/index.ts';
import { SOCKET } from '../../src-preload/bridge/index.ts';
import { NO_METRICS, ScriptedHost } from '../../test/support/scripted-host.ts';
import { serveLocalApi, type ServedApi } from './local-api.ts';

const KEY = 'of-this-start-alone';
const completions: CompletionService = {
  model: { id: 'scripted', kind: 'chat', createdAtSeconds: 1 },
  loading: () => undefined,
  complete: async function* () {
    yield { kind: 'accepted', promptTokens: 1 };
    yield { kind: 'token', text: 'Hello' };
    yield { kind: 'done', text: '', finishReason: 'stop' };
  },
};

let home: string;
let api: ServedApi;
const serve = (config: { httpHost?: string; httpPort?: number } = {}): Promise<ServedApi> => serveLocalApi({
  host: Object.assign(new ScriptedHost(), { completions }), metrics: NO_METRICS, logger: silentLogger, key: KEY,
  config: { home, httpHost: '127.0.0.1', httpPort: 0, apiOrigins: [], ...config },
});
const urlOf = ({ state }: ServedApi): string => (state.kind === 'serving' ? state.url : '');
const at = (path: string, headers = {}): Promise<Response> => fetch(new URL(path, urlOf(api)), { headers });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-local-api-'));
  api = await serve();
});
afterAll(async () => {
  await api.stop();
  await rm(home, { recursive: true });
});

it('answers a client of OpenAI’s, without a page', async () => {
  const { text } = await makeKey(home, { name: '', scopes: ['chat', 'metrics'], perMinute: 100 });
  const client = new OpenAI({ apiKey: text, baseURL: urlOf(api), maxRetries: 0 });
  expect((await client.chat.completions.create({ model: 'scripted', messages: [{ role: 'user', content: 'Hi' }] })).choices[0]?.message.content).toBe('Hello');
  expect(await (await at('/health')).json()).toEqual({ status: 'ready' });
  for (const key of [text, KEY]) expect(await (await at('/metrics', { authorization: `Bearer ${key}` })).text()).toBe('# none\n');
  expect((await at('/metrics')).status).toBe(401);
  const { text: chatOnly } = await makeKey(home, { name: '', scopes: ['chat'], perMinute: 100 });
  expect((await at('/metrics', { authorization: `Bearer ${chatOnly}` })).status).toBe(403);
});

it('serves neither page nor bridge, with the key or without', async () => {
  for (const path of ['/', '/index.html', '/session']) expect([path, (await at(path, { authorization: `Bearer ${KEY}` })).status]).toEqual([path, 404]);
  const socket = new WebSocket(new URL(SOCKET.path, urlOf(api).replace('http', 'ws')), [SOCKET.protocol, `${SOCKET.keyPrefix}${KEY}`]);
  socket.on('error', () => undefined);
  expect((await once(socket, 'unexpected-response'))[1].statusCode).toBe(404);
  socket.terminate();
});

it('listens on this machine alone, whatever is configured', async () => {
  for (const httpHost of ['0.0.0.0', '::', '192.168.1.7', 'box.lan']) {
    const other = await serve({ httpHost });
    expect(urlOf(other)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    await other.stop();
  }
});

it('says why it cannot be reached, and lets the app open all the same', async () => {
  const taken = await serve({ httpPort: Number(new URL(urlOf(api)).port) });
  expect(taken.state).toMatchObject({ kind: 'failed', error: { code: 'API_PORT_IN_USE', next: expect.any(String) } });
  await taken.stop();
});
