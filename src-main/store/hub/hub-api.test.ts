import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listHubFiles, searchHub } from './hub-api.ts';
import { locateFile, readRange, remoteSource } from './remote-file.ts';
import { retryAfter } from './statuses.ts';
import { HubServer } from './testing/hub-server.ts';
import { webGet } from './web.ts';

let hub: HubServer;
const servers: Server[] = [];
beforeAll(async () => {
  hub = await HubServer.start();
  hub.repos.set('me/small-GGUF', { files: { 'small-Q4.gguf': Buffer.alloc(5000, 7), 'd/two.gguf': Buffer.alloc(10), 'README.md': Buffer.alloc(3), '../out.gguf': Buffer.alloc(3) }, license: 'mit' });
  hub.repos.set('me/secret', { files: { 'm.gguf': Buffer.alloc(100) }, token: 'tell-nobody' });
});
afterAll(() => hub.stop());
afterEach(() => servers.splice(0).forEach((server) => { server.closeAllConnections(); server.close(); }));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function all(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const options = () => ({ hubUrl: hub.url });
const fileOf = (repo: string, name: string): string => `${hub.url}/${repo}/resolve/main/${name}`;

describe('the hub', () => {
  it('finds models by words', async () => {
    expect(await searchHub('SMALL', { ...options(), limit: 5 })).toEqual([{ repo: 'me/small-GGUF', downloads: 1000, likes: 5, isGated: false, license: 'mit' }]);
    expect(await searchHub('me', { ...options(), limit: 1 })).toHaveLength(1);
  });

  it('lists GGUF files over all pages, and none whose name leads elsewhere', async () => {
    hub.pageFiles = 1;
    const files = await listHubFiles('me/small-GGUF', 'main', options());
    hub.pageFiles = 1_000;
    expect(files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([['small-Q4.gguf', 5000], ['d/two.gguf', 10]]);
    expect(files[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('says what is wrong with a name or a token', async () => {
    await expect(listHubFiles('me/none', 'main', options())).rejects.toMatchObject({ code: 'HUB_NOT_ALLOWED', fault: 'user', meta: { hasToken: false } });
    await expect(listHubFiles('me/secret', 'main', { ...options(), token: { origin: hub.url, value: 'wrong' } })).rejects.toMatchObject({ code: 'HUB_NOT_ALLOWED', meta: { hasToken: true } });
    await expect(locateFile(fileOf('me/small-GGUF', 'none.gguf'))).rejects.toMatchObject({ code: 'HUB_NOT_FOUND', fault: 'user' });
  });

  it('sends the token to the hub and never along to where it leads', async () => {
    const token = { origin: hub.url, value: 'tell-nobody' };
    const file = await locateFile(fileOf('me/secret', 'm.gguf'), { token });
    hub.stored.length = 0;
    await all(readRange(file, { first: 5, last: 9 }, { token }));
    expect(hub.tokens.at(-1)).toBe('Bearer tell-nobody');
    expect(hub.stored.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it.each<[string, RequestListener]>([
    ['no JSON', (_, response) => response.end('<html>')],
    ['JSON of another shape', (_, response) => response.end('{"error":"x"}')],
    ['a body without end', (_, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 32);
      const more = (): void => void response.write(chunk, (error) => { if (!error) more(); });
      more();
    }],
  ])('refuses %s', async (_name, listener) => {
    await expect(listHubFiles('a/b', 'main', { hubUrl: await serve(listener) })).rejects.toMatchObject({ code: 'HUB_BAD_ANSWER', fault: 'peer' });
  });

  it.each<[number, Record<string, string>, object]>([
    [429, { 'retry-after': '7' }, { code: 'HUB_RATE_LIMITED', retryable: true, meta: { retryAfterMs: 7000 } }],
    [503, {}, { code: 'HUB_SERVER_FAILED', retryable: true }],
    [418, {}, { code: 'HUB_STATUS', retryable: false }],
  ])('answers %s', async (status, headers, expected) => {
    const hubUrl = await serve((_, response) => response.writeHead(status, headers).end());
    await expect(searchHub('x', { hubUrl, limit: 1 })).rejects.toMatchObject(expected);
  });

  it('reads Retry-After as seconds or a date, bounded', () => {
    expect([retryAfter('3'), retryAfter('999999999'), retryAfter('soon'), retryAfter(undefined)]).toEqual([3000, 300_000, undefined, undefined]);
    expect(retryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4_000)).toBe(6_000);
  });
});

describe('a remote file', () => {
  it('is known by size, checksum and commit, and read in parts', async () => {
    const file = await locateFile(fileOf('me/small-GGUF', 'small-Q4.gguf'));
    expect(file).toMatchObject({ sizeBytes: 5000, commit: 'c'.repeat(40), sha256: file.version });
    expect(Buffer.from(await remoteSource(file).read(10, 20)).equals(Buffer.alloc(20, 7))).toBe(true);
    expect((await remoteSource(file).read(5000, 0)).length).toBe(0);
    await expect(remoteSource(file).read(4990, 11)).rejects.toMatchObject({ code: 'STORE_OUT_OF_RANGE' });
  });

  it.each<[string, HubServer['spoil'], string]>([
    ['the whole file', () => ({ kind: 'whole' }), 'HUB_NO_RANGES'],
    ['another range', () => ({ kind: 'range', value: 'bytes 0-9/5000' }), 'HUB_BAD_ANSWER'],
    ['another size', () => ({ kind: 'range', value: 'bytes 10-29/5001' }), 'HUB_CHANGED'],
    ['too many bytes', () => ({ kind: 'extra' }), 'HUB_BAD_ANSWER'],
    ['too few bytes', () => ({ kind: 'break', afterBytes: 3 }), 'HUB_UNREACHABLE'],
    ['silence', () => ({ kind: 'stall', afterBytes: 3 }), 'HUB_STALLED'],
  ])('refuses %s', async (_name, spoil, code) => {
    const file = await locateFile(fileOf('me/small-GGUF', 'small-Q4.gguf'));
    hub.spoil = spoil;
    await expect(all(readRange(file, { first: 10, last: 29 }, { stallMs: 100 }))).rejects.toMatchObject({ code, fault: 'peer' });
    hub.spoil = () => undefined;
  });

  it('shows no query of a signed address in an error', async () => {
    const url = await serve((_, response) => response.writeHead(404).end());
    await expect(locateFile(`${url}/m.gguf?signature=secret`)).rejects.toMatchObject({ message: expect.not.stringContaining('secret'), meta: { url: `${url}/m.gguf` } });
  });
});

describe('redirects', () => {
  it('go on a few times only, and only to safe addresses', async () => {
    const loop = await serve((_, response) => response.writeHead(302, { location: '/' }).end());
    await expect(webGet(loop)).rejects.toMatchObject({ code: 'HUB_REDIRECTS' });
    for (const location of ['http://192.0.2.1/m.gguf', 'file:///etc/passwd', 'http://localhost.example.org/']) {
      const url = await serve((_, response) => response.writeHead(307, { location }).end());
      await expect(webGet(url)).rejects.toMatchObject({ code: 'HUB_INSECURE_REDIRECT', fault: 'peer' });
    }
    await expect(webGet(await serve((_, response) => response.writeHead(302).end()))).rejects.toMatchObject({ code: 'HUB_BAD_ANSWER' });
  });

  it('http is for this machine only', async () => {
    await expect(webGet('http://example.org/m.gguf')).rejects.toMatchObject({ code: 'HUB_INSECURE', fault: 'user' });
  });

  it('a dead server is told as such', async () => {
    const url = await serve(() => undefined);
    servers.splice(0).forEach((server) => server.close());
    await expect(webGet(url)).rejects.toMatchObject({ code: 'HUB_UNREACHABLE', meta: { reason: 'ECONNREFUSED' }, retryable: true });
  });
});
