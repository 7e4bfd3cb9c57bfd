import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpSource } from './http-source.ts';
import { openGguf } from './reader.ts';
import { str } from './values.ts';
import { layoutGguf } from './writer.ts';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => { server.closeAllConnections(); server.close(); }));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.gguf`;
}

/** A correct range server; `change` may spoil the answer to all requests but the first. */
function ranges(bytes: Buffer, log: string[], change: (answer: { status: number; range: string; body: Buffer; etag: string }) => void = () => undefined): RequestListener {
  return (request, response) => {
    const asked = request.headers.range ?? '';
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(asked) ?? [];
    const answer = { status: 206, range: `bytes ${first}-${last}/${bytes.length}`, body: bytes.subarray(Number(first), Number(last) + 1), etag: '"1"' };
    if (log.push(asked) > 1) change(answer);
    response.writeHead(answer.status, { 'content-range': answer.range, etag: answer.etag }).end(answer.body);
  };
}

const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251));

describe('httpSource', () => {
  it('reads ranges in bounded requests', async () => {
    const log: string[] = [];
    const source = await httpSource(await serve(ranges(bytes, log)), { maxRequestBytes: 1000 });
    expect(source.sizeBytes).toBe(5000);
    expect(Buffer.from(await source.read(100, 2500)).equals(bytes.subarray(100, 2600))).toBe(true);
    expect(log).toEqual(['bytes=0-0', 'bytes=100-1099', 'bytes=1100-2099', 'bytes=2100-2599']);
    await expect(source.read(4999, 2)).rejects.toMatchObject({ code: 'STORE_OUT_OF_RANGE' });
  });

  it('opens a model without fetching its tensors', async () => {
    const { header } = layoutGguf(new Map([['general.architecture', str('llama')]]), []);
    const source = await httpSource(await serve(ranges(Buffer.concat([header, Buffer.alloc(1_000_000)]), [])));
    expect((await openGguf(source)).metadata.get('general.architecture')).toEqual(str('llama'));
  });

  it.each<[string, string, Parameters<typeof ranges>[2]]>([
    ['the whole file', 'STORE_HTTP_STATUS', (answer) => { answer.status = 200; answer.body = bytes; }],
    ['an error page', 'STORE_HTTP_STATUS', (answer) => { answer.status = 404; }],
    ['another range', 'STORE_HTTP_RANGE', (answer) => { answer.range = 'bytes 0-9/5000'; }],
    ['no total', 'STORE_HTTP_RANGE', (answer) => { answer.range = answer.range.replace('5000', '*'); }],
    ['too few bytes', 'STORE_HTTP_RANGE', (answer) => { answer.body = answer.body.subarray(1); }],
    ['too many bytes', 'STORE_HTTP_RANGE', (answer) => { answer.body = Buffer.concat([answer.body, answer.body]); }],
    ['another size', 'STORE_HTTP_CHANGED', (answer) => { answer.range = answer.range.replace('5000', '6000'); }],
    ['another file', 'STORE_HTTP_CHANGED', (answer) => { answer.etag = '"2"'; }],
  ])('refuses a server that sends %s', async (_name, code, change) => {
    const source = await httpSource(await serve(ranges(bytes, [], change)));
    await expect(source.read(10, 20)).rejects.toMatchObject({ code, fault: 'peer' });
  });

  it('follows the abort signal and the time limit', async () => {
    const asked = Promise.withResolvers<void>();
    const url = await serve(() => asked.resolve());
    const controller = new AbortController();
    const opening = httpSource(url, { signal: controller.signal });
    await asked.promise;
    controller.abort(new RangeError('enough'));
    await expect(opening).rejects.toThrow('enough');
    await expect(httpSource(url, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'STORE_READ_FAILED' });
  });

  it('refuses other addresses and dead servers', async () => {
    await expect(httpSource('file:///etc/passwd')).rejects.toMatchObject({ code: 'STORE_BAD_URL' });
    const url = await serve(() => undefined);
    servers.splice(0).forEach((server) => server.close());
    await expect(httpSource(url)).rejects.toMatchObject({ code: 'STORE_READ_FAILED' });
  });
});
