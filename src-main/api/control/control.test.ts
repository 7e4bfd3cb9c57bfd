import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../base/index.ts';
import { MEMBERS, PEERS, ScriptedHost, STAGES } from '../../../test/support/scripted-host.ts';
import { CONTROL_LIMITS } from '../options.ts';
import type { HostService } from '../ports.ts';
import { askMetrics, askNet, askPeers, askRunningHost, watchPeers } from './client.ts';
import type { NetNow } from './schema.ts';
import { startControlServer, type ControlServer } from './server.ts';

let home: string;
const open: { stop(): Promise<void> }[] = [];
const never = new AbortController().signal;

const metrics = { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('# HELP a\na 1\n') };
const start = async (host: HostService = new ScriptedHost()): Promise<ControlServer> => {
  const server = await startControlServer({ host, metrics, home, logger: silentLogger });
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
    expect(await askMetrics(home, never)).toBe('# HELP a\na 1\n');
    await server.stop();
    await expect(askMetrics(home, never)).rejects.toMatchObject({ code: 'API_NOT_RUNNING' });
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
    const inFile = { host: new ScriptedHost(), metrics, home: join(home, 'control.json', 'no-folder'), logger: silentLogger };
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

describe('who is there', () => {
  it('is told with all that is known of each', async () => {
    const host = new ScriptedHost();
    host.setMembers(MEMBERS);
    await start(host);
    expect(await askPeers(home, never)).toEqual({ self: host.self(), standing: host.standing(), peers: [
      { peerId: MEMBERS[0]?.peerId, link: PEERS[0], member: MEMBERS[0], stages: [{ layers: [2, 3], ownership: 'this-machine', state: 'ready' }] },
      { peerId: MEMBERS[1]?.peerId, member: MEMBERS[1] },
      { peerId: PEERS[1]?.peerId, link: PEERS[1], stages: [{ layers: [4, 5], ownership: 'this-machine', state: 'ready' }] },
    ] });
  });

  it('is told again at every change, until the host ends', async () => {
    const host = new ScriptedHost();
    const server = await start(host);
    const seen = watchPeers(home, never);
    expect((await seen.next()).value?.peers).toHaveLength(2);
    host.setMembers(MEMBERS);
    expect((await seen.next()).value?.peers).toHaveLength(3);
    host.setMembers([]);
    host.setPeers([]);
    expect((await seen.next()).value?.peers).toEqual([]);
    const last = seen.next();
    await server.stop();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  it('is not told to more watchers than are served, and again when one has gone', async () => {
    await start();
    const reasons = Array.from({ length: CONTROL_LIMITS.maxWatchers }, () => new AbortController());
    const watchers = reasons.map(({ signal }) => watchPeers(home, signal));
    for (const one of watchers) await one.next();
    await expect(watchPeers(home, never).next()).rejects.toMatchObject({ code: 'API_CONTROL_FAILED', message: expect.stringContaining('429') });
    reasons[0]?.abort(new RangeError('enough'));
    await expect(watchers[0]?.next()).rejects.toThrow('enough');
    await expect.poll(() => watchPeers(home, never).next().then(() => 'told', () => 'refused')).toBe('told');
    for (const reason of reasons) reason.abort();
  });

  it.each([['no JSON', 'hello\n'], ['another shape', '{"peers":1}\n'], ['too much', 'x'.repeat(5_000_000)]])('a reply of %s is a coded error', async (_, answer) => {
    const { port } = await stranger(answer);
    await writeFile(join(home, 'control.json'), JSON.stringify({ pid: process.pid, port, key: 'k'.repeat(43) }));
    await expect(watchPeers(home, never).next()).rejects.toMatchObject({ code: 'API_CONTROL_FAILED' });
  });
});

describe('its part in the mesh', () => {
  it('is told as the host gives it, or that it gives none', async () => {
    const host = new ScriptedHost();
    const now: NetNow = {
      peerId: 'a', pid: 1, addresses: ['/ip4/127.0.0.1/tcp/1/p2p/a'], standing: host.standing(), relays: [{ address: '/r/p2p/r', isHeld: false, trouble: { code: 'X', message: 'no', reason: 'refused' } }],
      members: [{ peerId: 'b', addresses: ['/b'], isNamed: true, isConnected: false, seenAt: 5, missed: { since: 7, trouble: { code: 'X', message: 'no', next: 'do' } } }], clocks: [{ peerId: 'b', aheadMs: -3.5, isTaken: true }],
    };
    await start(Object.assign(host, { net: () => Promise.resolve(now) }));
    expect(await askNet(home, never)).toEqual(now);
  });

  it('is refused by a host that is no node', async () => {
    await start();
    await expect(askNet(home, never)).rejects.toMatchObject({ code: 'API_CONTROL_FAILED' });
  });
});
