import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { silentLogger } from '../../base/index.ts';
import { SOCKET } from '../../../src-preload/bridge/index.ts';
import { ScriptedHost, NO_METRICS } from '../../../test/support/scripted-host.ts';
import { startHttpServer, type HttpServer } from './server.ts';

const KEY = 'a-key-that-only-this-test-knows';
let server: HttpServer;
let renderer: string;

beforeAll(async () => {
  const outer = await mkdtemp(join(tmpdir(), 'omninode-security-'));
  renderer = join(outer, 'page');
  await writeFile(join(outer, 'secret.json'), '"secret"');
  await mkdir(renderer);
  await writeFile(join(renderer, 'index.html'), '<!doctype html><p>page');
  const options = { key: KEY, requestsPerSecond: 100_000, requestBurst: 100_000, maxClients: 4 };
  server = await startHttpServer({ host: new ScriptedHost(), metrics: NO_METRICS, logger: silentLogger, renderer, options });
});
afterAll(async () => {
  await server.stop();
  await rm(join(renderer, '..'), { recursive: true });
});

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  const call = request({ host: '127.0.0.1', port: server.port, path, method, headers: { host: `127.0.0.1:${server.port}`, ...headers } }).end();
  const [reply] = await once(call, 'response');
  let body = '';
  for await (const bytes of reply) body += String(bytes);
  return { status: reply.statusCode, headers: reply.headers, body };
}

const codeOf = (reply: Reply): unknown => (JSON.parse(reply.body) as { error: { code: string } }).error.code;

describe('HTTP', () => {
  it('serves the page without a key, uncached and confined', async () => {
    const reply = await get('/');
    expect(reply).toMatchObject({ status: 200, body: '<!doctype html><p>page' });
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(reply.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(reply.headers['content-security-policy']).not.toMatch(/unsafe|\*/);
    expect(reply.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' });
  });

  it('says how it is without a key, and no more', async () => {
    expect(JSON.parse((await get('/health')).body)).toEqual({ status: 'ready' });
  });

  it.each([undefined, 'Bearer wrong', `Bearer ${KEY}x`, `Basic ${KEY}`, KEY])('keeps metrics and session from authorization %s', async (authorization) => {
    for (const path of ['/metrics', '/session']) {
      const reply = await get(path, authorization === undefined ? {} : { authorization });
      expect([reply.status, codeOf(reply)]).toEqual([401, 'API_UNAUTHORIZED']);
    }
  });

  it('opens them with the key', async () => {
    expect((await get('/metrics', { authorization: `Bearer ${KEY}` })).body).toBe('# none\n');
    expect((await get('/session', { authorization: `Bearer ${KEY}` })).status).toBe(204);
  });

  it.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1:1'])('refuses the re-pointed name "%s"', async (host) => {
    const reply = await get('/', { host });
    expect([reply.status, codeOf(reply)]).toEqual([421, 'API_WRONG_HOST']);
  });

  // Node's client fills in an empty Host, so these bytes are written by hand.
  it.each(['GET / HTTP/1.1\r\nHost:\r\n', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.0\r\n'])('refuses a request without a name: %j', async (head) => {
    const raw = connect(server.port, '127.0.0.1');
    raw.end(`${head}Connection: close\r\n\r\n`);
    let reply = '';
    for await (const bytes of raw) reply += String(bytes);
    expect(reply).toMatch(/^HTTP\/1\.1 4(00|21) /);
    expect(reply).not.toContain('<p>page');
  });

  it.each(['http://evil.example', 'null', 'https://127.0.0.1'])('refuses the origin %s', async (origin) => {
    const reply = await get('/health', { origin });
    expect([reply.status, codeOf(reply)]).toEqual([403, 'API_WRONG_ORIGIN']);
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each(['/../secret.json', '/%2e%2e/secret.json', '/..%2fsecret.json', '/assets/../../secret.json', '/..\\secret.json', '//secret.json', '/%00', '/index.html/../../secret.json'])('does not leave the page with %s', async (path) => {
    const reply = await get(path);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.body).not.toContain('"secret"');
  });

  it('takes pieces of a file with the page\'s key alone, as bytes, and no larger than agreed', async () => {
    const put = async (path: string, { key = KEY, type = 'application/octet-stream', sizeBytes = 10 }: { key?: string; type?: string; sizeBytes?: number } = {}): Promise<unknown[]> => {
      const reply = await fetch(new URL(path, server.address), { method: 'PUT', headers: { authorization: `Bearer ${key}`, 'content-type': type }, body: Buffer.alloc(sizeBytes) });
      return [reply.status, ((await reply.json()) as { error?: { code: string } }).error?.code];
    };
    expect(await put('/uploads/one?at=0')).toEqual([200, undefined]);
    expect(await put('/uploads/one?at=0', { key: 'wrong' })).toEqual([401, 'API_UNAUTHORIZED']);
    expect(await put('/uploads/one?at=-1')).toEqual([400, 'API_BAD_REQUEST']);
    expect(await put('/uploads/one?at=0&to=/etc')).toEqual([400, 'API_BAD_REQUEST']);
    expect(await put('/uploads/one?at=0', { type: 'application/json' })).toEqual([415, 'API_BAD_REQUEST']);
    expect(await put('/uploads/one?at=0', { sizeBytes: 8_388_609 })).toEqual([413, 'API_BAD_REQUEST']);
  });

  it('bounds a body', async () => {
    const call = request({ host: '127.0.0.1', port: server.port, path: '/health', method: 'POST', headers: { host: `127.0.0.1:${server.port}`, 'content-type': 'application/json' } });
    call.on('error', () => undefined);
    call.end(Buffer.alloc(1_000_000, 0x20));
    const [reply] = await once(call, 'response');
    expect(reply.statusCode).toBeGreaterThanOrEqual(400);
    reply.resume();
  });
});

it('limits requests', async () => {
  const limited = await startHttpServer({ host: new ScriptedHost(), metrics: NO_METRICS, logger: silentLogger, renderer, options: { key: KEY, requestsPerSecond: 1, requestBurst: 3 } });
  const statuses = [];
  for (let index = 0; index < 5; index += 1) statuses.push((await fetch(`${limited.address}health`)).status);
  await limited.stop();
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
});

it('names a port in use and a page that was not built', async () => {
  const init = { host: new ScriptedHost(), metrics: NO_METRICS, logger: silentLogger };
  await expect(startHttpServer({ ...init, renderer, options: { key: KEY, port: server.port } })).rejects.toMatchObject({ code: 'API_PORT_IN_USE' });
  await expect(startHttpServer({ ...init, renderer: join(renderer, 'none'), options: { key: KEY } })).rejects.toMatchObject({ code: 'API_PAGE_MISSING' });
});

const PROTOCOLS = [SOCKET.protocol, `${SOCKET.keyPrefix}${KEY}`];

function open(protocols: string[] = PROTOCOLS, options: ClientOptions = {}, path: string = SOCKET.path): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${server.port}${path}`, protocols, options);
}

describe('WebSocket', () => {
  it.each<[string, number, Parameters<typeof open>]>([
    ['no key', 401, [[SOCKET.protocol]]],
    ['a wrong key', 401, [[SOCKET.protocol, `${SOCKET.keyPrefix}wrong`]]],
    ['the key without the protocol', 401, [[`${SOCKET.keyPrefix}${KEY}`]]],
    ['a foreign page', 403, [PROTOCOLS, { origin: 'http://evil.example' }]],
    ['a re-pointed name', 421, [PROTOCOLS, { headers: { host: 'evil.example' } }]],
    ['another path', 404, [PROTOCOLS, {}, '/other']],
  ])('refuses %s', async (_, status, args) => {
    const socket = open(...args);
    socket.on('error', () => undefined);
    const [, reply] = await once(socket, 'unexpected-response');
    expect(reply.statusCode).toBe(status);
    socket.terminate();
  });

  it('bounds the clients', async () => {
    const sockets = Array.from({ length: 4 }, () => open());
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    const fifth = open();
    fifth.on('error', () => undefined);
    expect((await once(fifth, 'unexpected-response'))[1].statusCode).toBe(503);
    fifth.terminate();
    await Promise.all(sockets.map((socket) => { socket.close(); return once(socket, 'close'); }));
  });

  it.each<[string, string | Buffer, number]>([
    ['a message over the limit', 'x'.repeat(SOCKET.maxFrameBytes + 1), 1009], ['binary', Buffer.from([1, 2, 3]), 1003], ['no JSON', '{', 1008], ['no call', '{"id":"x"}', 1008],
  ])('closes on %s', async (_, message, code) => {
    const socket = open();
    await once(socket, 'open');
    socket.on('error', () => undefined);
    socket.send(message);
    expect((await once(socket, 'close'))[0]).toBe(code);
  });

  it('survives a client that vanishes in the middle of the handshake', async () => {
    const raw = connect(server.port, '127.0.0.1');
    await once(raw, 'connect');
    raw.write(`GET ${SOCKET.path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`);
    raw.destroy();
    await once(raw, 'close');
    expect((await get('/health')).status).toBe(200);
  });
});

it('answers or closes on 4,000 frames of garbage, and still works', async () => {
  const names = ['host.info', 'state.snapshot', 'state.unsubscribe', 'conversations.stop', 'conversations.send', '__proto__', 'toString'];
  const garbage = fc.sample(fc.oneof(fc.json(), fc.string(), fc.record({ id: fc.nat(), call: fc.constantFrom(...names), input: fc.jsonValue() }).map((value) => JSON.stringify(value))), { numRuns: 4_000, seed: 20_26 });
  let [answered, closed] = [0, 0];
  let socket = open();
  await once(socket, 'open');
  for (const text of garbage) {
    const outcome = new Promise<'answer' | 'close'>((resolve) => {
      socket.once('message', () => resolve('answer')).once('close', () => resolve('close'));
    });
    socket.send(text);
    if (await outcome === 'answer') {
      answered += 1;
      socket.removeAllListeners();
      continue;
    }
    closed += 1;
    socket = open();
    await once(socket, 'open');
  }
  socket.close();
  expect(answered).toBeGreaterThan(500);
  expect(answered + closed).toBe(4_000);
  expect((await get('/health')).status).toBe(200);
});
