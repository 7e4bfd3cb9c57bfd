import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../base/index.ts';
import { ScriptedHost, STAGES } from '../../../test/support/scripted-host.ts';
import type { HostService } from '../ports.ts';
import { askRunningHost } from './client.ts';
import { startControlServer, type ControlServer } from './server.ts';

let home: string;
const open: { stop(): Promise<void> }[] = [];
const never = new AbortController().signal;

const start = async (host: HostService = new ScriptedHost()): Promise<ControlServer> => {
  const server = await startControlServer({ host, home, logger: silentLogger });
  open.push(server);
  return server;
};
const fileOf = async (): Promise<{ pid: number; port: number; key: string }> => JSON.parse(await readFile(join(home, 'control.json'), 'utf8'));

async function get(port: number, headers: Record<string, string>, path = '/v1/host'): Promise<{ status: number | undefined; body: string }> {
  const call = request({ host: '127.0.0.1', port, path, headers: { host: `127.0.0.1:${port}`, ...headers } }).end();
  const [reply] = await once(call, 'response');
  let body = '';
  for await (const bytes of reply) body += String(bytes);
  return { status: reply.statusCode, body };
}

/** Some other program on a port. */
async function stranger(answer: string): Promise<{ readonly port: number; readonly seen: string[] }> {
  const seen: string[] = [];
  const server: Server = createServer((asked, reply) => {
    seen.push(asked.headers.authorization ?? '');
    reply.end(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ stop: () => new Promise((resolve) => void server.close(() => resolve())) });
  return { port: (server.address() as AddressInfo).port, seen };
}

beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-control-')); });
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
  await rm(home, { recursive: true });
});

describe('a running host', () => {
  it('tells the owner what it does, and is not found any more when it stopped', async () => {
    const host = Object.assign(new ScriptedHost(), { load: () => ({ answers: [{ isPlaced: true, tokens: 3, ttftMs: 20 }], waiting: 2 }) });
    const server = await start(host);
    expect(await askRunningHost(home, never)).toMatchObject({ pid: process.pid, mode: 'headless', status: { kind: 'ready' }, stages: STAGES, load: { answers: [{ isPlaced: true, tokens: 3, ttftMs: 20 }], waiting: 2 } });
    await server.stop();
    expect(await readdir(home)).toEqual([]);
    await expect(askRunningHost(home, never)).rejects.toMatchObject({ code: 'API_NOT_RUNNING', meta: { home } });
  });

  it.skipIf(process.platform === 'win32')('leaves its key to its owner alone', async () => {
    await start();
    expect((await stat(join(home, 'control.json'))).mode & 0o777).toBe(0o600);
  });

  it('answers nobody without the key, under another name or from a page', async () => {
    const { port } = await start();
    const { key } = await fileOf();
    const authorization = `Bearer ${key}`;
    expect((await get(port, { authorization })).status).toBe(200);
    for (const wrong of ['', 'Bearer ', `Bearer ${key}x`, key]) expect((await get(port, { authorization: wrong })).status).toBe(401);
    expect((await get(port, { authorization, host: 'evil.example' })).status).toBe(421);
    expect((await get(port, { authorization, origin: 'http://evil.example' })).status).toBe(403);
    expect((await get(port, { authorization }, '/metrics')).status).toBe(404);
    expect((await get(port, {}, '/metrics')).status).toBe(401);
  });

  it('leaves the file of one that was started later', async () => {
    const first = await start();
    await start();
    const later = await fileOf();
    await first.stop();
    expect(await fileOf()).toEqual(later);
    expect(await askRunningHost(home, never)).toMatchObject({ mode: 'headless' });
  });

  it('is not started where its key cannot be left', async () => {
    await chmod(home, 0o700);
    await writeFile(join(home, 'control.json'), '{}');
    const inFile = { host: new ScriptedHost(), home: join(home, 'control.json', 'no-folder'), logger: silentLogger };
    await expect(startControlServer(inFile)).rejects.toThrow();
  });
});

describe('a file that says nothing true', () => {
  const write = (content: unknown): Promise<void> => writeFile(join(home, 'control.json'), typeof content === 'string' ? content : JSON.stringify(content));
  const key = 'k'.repeat(43);

  it.each(['', 'nonsense', '[]', '{"pid":1}', `{"pid":1,"port":80,"key":"${'k'.repeat(5000)}"}`])('is as none: %s', async (content) => {
    await write(content.slice(0, 10_000));
    await expect(askRunningHost(home, never)).rejects.toMatchObject({ code: 'API_NOT_RUNNING' });
  });

  it('of a host that was killed gives its key to nobody', async () => {
    const { port, seen } = await stranger('{}');
    // A process that has ended.
    const { pid } = spawnSync(process.execPath, ['--version']);
    await write({ pid, port, key });
    await expect(askRunningHost(home, never)).rejects.toMatchObject({ code: 'API_NOT_RUNNING' });
    expect(seen).toEqual([]);
  });

  it.each([['an empty object', '{}'], ['no JSON', 'hello'], ['too much', 'x'.repeat(5_000_000)]])('leads to a coded error when the reply is %s', async (_, answer) => {
    const { port } = await stranger(answer);
    await write({ pid: process.pid, port, key });
    await expect(askRunningHost(home, never)).rejects.toMatchObject({ code: 'API_CONTROL_FAILED' });
  });

  it('leads to the caller\'s reason when the caller has enough', async () => {
    const { port } = await start();
    await write({ pid: process.pid, port, key });
    await expect(askRunningHost(home, AbortSignal.abort(new RangeError('enough')))).rejects.toThrow('enough');
    await expect(askRunningHost(home, never)).rejects.toMatchObject({ code: 'API_CONTROL_FAILED', message: expect.stringContaining('401') });
  });
});
