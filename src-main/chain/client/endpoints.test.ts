import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { chainErrors } from '../errors.ts';
import { Endpoints } from './endpoints.ts';
import { callRpc, RpcError } from './json-rpc.ts';

const servers = new Set<Server>();
afterEach(() => {
  for (const server of servers) server.close();
  servers.clear();
});

/** Answers with what `answer` returns, as it is; nothing: it hangs up. */
async function node(answer: () => string | undefined, status = 200): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    const text = answer();
    outgoing.statusCode = status;
    if (text === undefined) outgoing.destroy();
    else outgoing.end(text);
  });
  servers.add(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const result = (value: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 1, result: value });

describe('a call', () => {
  it.each([
    ['what is no JSON', '<html>', 'CHAIN_BAD_ANSWER'], ['another shape', '{"id":1}', 'CHAIN_BAD_ANSWER'], ['a hung up line', undefined, 'CHAIN_DOWN'], ['more than it takes', result('x'.repeat(2_000)), 'CHAIN_BAD_ANSWER'],
  ])('refuses %s', async (_, text, code) => {
    await expect(callRpc(await node(() => text), { method: 'eth_x' }, { timeoutMs: 20_000, maxBytes: 1_000 })).rejects.toMatchObject({ code });
  });

  it('gives a refusal with its code and data', async () => {
    const url = await node(() => JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: 3, message: 'execution reverted', data: '0x1234' } }));
    const error = await callRpc(url, { method: 'eth_call' }).catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: 3, data: '0x1234' });
  });
});

describe('addresses', () => {
  it('are used in order, rest after a failure and come back', async () => {
    const clock = new ManualClock(1_000);
    let isUp = true;
    const asked: string[] = [];
    const first = await node(() => { asked.push('first'); return isUp ? result('first') : undefined; });
    const second = await node(() => { asked.push('second'); return result('second'); });
    const endpoints = new Endpoints({ urls: [first, second], clock, check: () => Promise.resolve() });
    expect(await endpoints.request({ method: 'eth_x' })).toBe('first');
    isUp = false;
    expect(await endpoints.request({ method: 'eth_x' })).toBe('second');
    asked.length = 0;
    expect(await endpoints.request({ method: 'eth_x' })).toBe('second');
    expect(asked).toEqual(['second']);
    isUp = true;
    clock.advance(120_000);
    expect(await endpoints.request({ method: 'eth_x' })).toBe('first');
  });

  it('of another chain are passed over; where all are, that is said', async () => {
    const [url, other] = await Promise.all([node(() => result('wrong')), node(() => result('right'))]);
    const check = async (call: (call: { method: string }) => Promise<unknown>): Promise<void> => {
      if (await call({ method: 'eth_chainId' }) === 'wrong') throw chainErrors.wrongNetwork({ reason: 'test' });
    };
    const clock = new ManualClock(0);
    expect(await new Endpoints({ urls: [url, other], clock, check }).request({ method: 'eth_x' })).toBe('right');
    await expect(new Endpoints({ urls: [url], clock, check }).request({ method: 'eth_x' })).rejects.toMatchObject({ code: 'CHAIN_WRONG_NETWORK' });
    await expect(new Endpoints({ urls: [url, 'http://127.0.0.1:9'], clock, check }).request({ method: 'eth_x' })).rejects.toMatchObject({ code: 'CHAIN_DOWN' });
  });

  it('none of which answers are told of once, each with its own reason', async () => {
    const urls = await Promise.all([503, 503, 502].map((status) => node(() => 'away', status)));
    const request = new Endpoints({ urls, clock: new ManualClock(0), check: () => Promise.resolve() }).request({ method: 'eth_x' });
    await expect(request).rejects.toMatchObject({ code: 'CHAIN_DOWN', message: 'the chain does not answer: HTTP 503; HTTP 502' });
  });
});
