import fc from 'fast-check';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeKey, startHttpServer, type HttpServer } from '../../src-main/api/index.ts';
import { silentLogger } from '../../src-main/base/index.ts';
import { SOCKET } from '../../src-preload/bridge/index.ts';
import { seeded } from '../support/models/index.ts';
import { NO_METRICS, ScriptedHost } from '../support/scripted-host.ts';
import { casesOf } from './cases.ts';
import { mutateText } from './mutate-text.ts';

/** Each of them is a connection of its own. */
const REQUESTS = casesOf(2_000);
const SEED = 20_26;
const KEY = 'a-key-that-only-this-test-knows';
/** In a file beside the page, and in what only a key opens. */
const SECRETS = ['not for the page', 'counted for keys only'];
/** What anybody on this machine may read; `*` is taken for `/`. */
const OPEN = ['/', '/index.html', '/health', '/openapi.json', '*'];
const host = new ScriptedHost();
let server: HttpServer;
let home: string;
let apiKey: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-http-fuzz-'));
  await writeFile(join(home, 'secret.json'), JSON.stringify(SECRETS[0]));
  await mkdir(join(home, 'page'));
  await writeFile(join(home, 'page', 'index.html'), '<!doctype html><p>page');
  ({ text: apiKey } = await makeKey(home, { name: '', scopes: ['models'], perMinute: 100_000 }));
  server = await startHttpServer({
    host, metrics: { ...NO_METRICS, text: async () => SECRETS[1] ?? '' }, logger: silentLogger, renderer: join(home, 'page'),
    options: { key: KEY, requestsPerSecond: 1e9, requestBurst: 1e9 }, access: { home },
  });
});
afterAll(async () => {
  await server.stop();
  await host.conversations.close();
  await rm(home, { recursive: true });
});

const PATHS = [
  ...OPEN, '/session', '/metrics', SOCKET.path, '/v1/models', '/v1/chat/completions', '/api/v1/models', '/api/v1/peers', '/api/v1/downloads', '/assets/x.js', '/../secret.json', '/%2e%2e/secret.json', '/..\\secret.json',
  '/metrics?key=1', '//metrics', '/metrics/', '/METRICS', '/%6detrics', '/v1/../metrics', '/session;a', 'http://127.0.0.1/metrics',
];
const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'];
const weighted = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> => fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(usual, ...others) });
const asked = fc.record({
  method: fc.constantFrom(...METHODS), path: fc.constantFrom(...PATHS), host: weighted('right', 'evil.example', '', 'localhost:1', '127.0.0.1'),
  origin: weighted('', 'http://evil.example', 'null', 'app://omninode'), key: fc.constantFrom('none', 'none', 'wrong', 'short', 'page', 'api'),
  isUpgrade: weighted(false, true), body: fc.oneof(fc.constant(''), fc.json(), fc.string({ unit: 'binary', maxLength: 2_000 })),
  length: weighted('right', 'more', 'less', '-1', '1e9', 'chunked', 'both'), isDamaged: fc.boolean(),
});
type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

function head({ method, path, host: name, origin, key, isUpgrade, body, length }: Asked): string {
  const secret = { none: undefined, wrong: 'x'.repeat(KEY.length), short: KEY.slice(0, -1), page: KEY, api: apiKey }[key];
  const bytes = Buffer.byteLength(body);
  const size = { right: `content-length: ${bytes}`, more: `content-length: ${bytes + 10}`, less: `content-length: ${Math.max(0, bytes - 3)}`, chunked: 'transfer-encoding: chunked', both: `content-length: ${bytes}\r\ntransfer-encoding: chunked` }[length];
  return [
    `${method} ${path} HTTP/1.1`, `host: ${name === 'right' ? `127.0.0.1:${server.port}` : name}`, 'connection: close', 'content-type: application/json', size ?? `content-length: ${length}`,
    ...(origin === '' ? [] : [`origin: ${origin}`]), ...(secret === undefined ? [] : [`authorization: Bearer ${secret}`]),
    ...(isUpgrade ? ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==', `sec-websocket-protocol: ${SOCKET.protocol}${secret === undefined ? '' : `, ${SOCKET.keyPrefix}${secret}`}`] : []),
    '', body,
  ].join('\r\n');
}

/** All that came back before the server closed; it sees at once that no more is to come. */
async function exchange(bytes: Uint8Array): Promise<string> {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  const { promise, resolve } = Promise.withResolvers<string>();
  let reply = '';
  socket.on('data', (piece) => { reply += piece.toString('latin1'); });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.destroy());
  socket.on('close', () => resolve(reply));
  socket.end(bytes);
  return promise;
}

interface Outcome {
  readonly request: Asked;
  readonly hasKey: boolean;
  readonly status: number;
  readonly reply: string;
}

const isOpened = (status: number): boolean => status === 101 || (status > 0 && status < 300);
/** What must not be, of any request; the second list only where it is known what the server was asked. */
const WRONG: ReadonlyArray<readonly [string, (outcome: Outcome) => boolean]> = [
  ['the server failed', ({ status }) => status === 500],
  ['a file beside the page was read', ({ reply }) => reply.includes(SECRETS[0] ?? '')],
  ['without a key it opened', ({ hasKey, reply, status }) => !hasKey && (reply.includes(SECRETS[1] ?? '') || status === 101)],
];
const WRONG_WHOLE: typeof WRONG = [
  ['without a key it was answered', ({ hasKey, status, request }) => !hasKey && isOpened(status) && !OPEN.includes(request.path)],
  ['another name was answered', ({ status, request }) => request.host !== 'right' && status > 0 && status < 400],
  ['a foreign page was answered', ({ status, request }) => request.origin !== '' && isOpened(status)],
];

function judge(request: Asked, reply: string): number {
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(reply)?.[1] ?? 0);
  const outcome: Outcome = { request, reply, status, hasKey: request.key === 'page' || request.key === 'api' };
  for (const [what, isSo] of [...WRONG, ...(request.isDamaged ? [] : WRONG_WHOLE)]) if (isSo(outcome)) throw new Error(`${what}: ${JSON.stringify(request)} -> ${reply.slice(0, 500)}`);
  return status;
}

it(`answers ${REQUESTS} odd and damaged requests without failing, opening or leaving the page`, async () => {
  const random = seeded(SEED);
  const statuses = new Map<number, number>();
  for (const request of fc.sample(asked, { numRuns: REQUESTS, seed: SEED })) {
    const good = Buffer.from(head(request));
    const status = judge(request, await exchange(request.isDamaged ? mutateText(good, random) : good));
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  const seen = (...codes: readonly number[]): number => codes.reduce((sum, code) => sum + (statuses.get(code) ?? 0), 0);
  expect(seen(200, 204)).toBeGreaterThan(REQUESTS / 50);
  expect(seen(400)).toBeGreaterThan(REQUESTS / 50);
  expect(seen(401)).toBeGreaterThan(REQUESTS / 50);
  expect(seen(421)).toBeGreaterThan(REQUESTS / 200);
  expect(seen(403)).toBeGreaterThan(REQUESTS / 200);
  expect((await fetch(`${server.address}health`)).status).toBe(200);
});
