import { randomBytes } from 'node:crypto';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, expect, test } from 'vitest';
import { RateLimiter, systemClock } from '../../../base/index.ts';
import { TestNodes } from '../../testing/nodes.ts';
import { acceptDialBack, askDial } from './client.ts';
import { AUTONAT_LIMITS, DIAL_BACK_PROTOCOL, DIAL_REQUEST_PROTOCOL, MAX_ADDRESSES } from './constants.ts';
import { decodeDialBack, decodeRequest, decodeResponse, encodeDialBack, encodeRequest, encodeResponse, type DialOutcome } from './schema.ts';
import { serveDialRequest, showNonce, type DialBackServer } from './server.ts';

const ADDRESS = multiaddr('/ip4/8.8.8.8/tcp/4001');
const NONCE = 0x0123_4567_89ab_cdefn;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const signal = AbortSignal.timeout(20_000);

const nodes = new TestNodes();
afterEach(() => nodes.stop());

test('messages are on the wire as autonat-v2.proto has them', () => {
  // message 1 { bytes 1: ip4 8.8.8.8, tcp 4001; fixed64 2 }, little-endian.
  expect(hex(encodeRequest({ address: ADDRESS, nonce: NONCE }))).toBe('0a13' + '0a08' + '0408080808' + '060fa1' + '11efcdab8967452301');
  expect(hex(encodeResponse({ outcome: 'reached', index: 1 }))).toBe('1208' + '08c801' + '1001' + '18c801');
  expect(hex(encodeDialBack(NONCE))).toBe('09efcdab8967452301');
  expect(decodeDialBack(encodeDialBack(NONCE))).toBe(NONCE);
  expect(decodeRequest(encodeRequest({ address: ADDRESS, nonce: NONCE }))).toEqual({ addresses: [ADDRESS], nonce: NONCE });
  for (const outcome of ['reached', 'not reached', 'unclear', 'refused', 'busy'] as const) expect(decodeResponse(encodeResponse({ outcome, index: 3 }))).toEqual({ outcome, index: 3 });
  // DialDataRequest: we do not send data to be dialled.
  expect(decodeResponse(Buffer.from('1a06' + '0800' + '10b0ea01', 'hex'))).toEqual({ outcome: 'wants data', index: 0 });
});

test('what is cut off, of another type or no address is refused and takes nobody down', () => {
  const request = encodeRequest({ address: ADDRESS, nonce: NONCE });
  for (let length = 0; length < request.length; length++) expect(decodeRequest(request.subarray(0, length))).toBeUndefined();
  expect(decodeRequest(encodeResponse({ outcome: 'busy', index: 0 }))).toBeUndefined();
  for (let i = 0; i < 5_000; i++) {
    const bytes = i % 2 === 0 ? randomBytes(i % 40) : Buffer.from(request);
    if (i % 2 === 1) bytes[i % bytes.length] = i >>> 3;
    const read = decodeRequest(bytes);
    expect(read === undefined || read.addresses.length <= MAX_ADDRESSES).toBe(true);
    decodeResponse(bytes);
    decodeDialBack(bytes);
  }
});

async function served(server: Partial<DialBackServer>): Promise<DialOutcome> {
  const { near, far, peer } = await nodes.pair();
  const limits = { perSecond: 1, burst: 1 };
  const whole: DialBackServer = {
    perPeer: new RateLimiter(limits, systemClock), total: new RateLimiter(limits, systemClock), mayDial: () => true, dialBack: () => Promise.resolve('reached'), ...server,
  };
  await far.handle(DIAL_REQUEST_PROTOCOL, AUTONAT_LIMITS, (stream) => void serveDialRequest(stream, whole));
  return askDial(await near.open(peer, DIAL_REQUEST_PROTOCOL, { limits: AUTONAT_LIMITS }), { address: ADDRESS, nonce: NONCE, signal });
}

test('a peer dials what it may dial, and not often', async () => {
  const asked: unknown[] = [];
  expect(await served({ dialBack: (_, { address, nonce }) => { asked.push(address.toString(), nonce); return Promise.resolve('not reached'); } })).toBe('not reached');
  expect(asked).toEqual([ADDRESS.toString(), NONCE]);
  expect(await served({ mayDial: () => false })).toBe('refused');
  const spent = new RateLimiter({ perSecond: 0.001, burst: 1 }, systemClock);
  spent.take('all');
  expect(await served({ total: spent })).toBe('busy');
});

test('a dial back is believed for its number, once', async () => {
  const { near, far, peer } = await nodes.pair();
  const expected = new Set([NONCE]);
  await far.handle(DIAL_BACK_PROTOCOL, AUTONAT_LIMITS, (stream) => void acceptDialBack(stream, (nonce) => expected.delete(nonce)));
  const open = () => near.open(peer, DIAL_BACK_PROTOCOL, { limits: AUTONAT_LIMITS });
  await showNonce(await open(), { nonce: NONCE, signal });
  expect(expected.size).toBe(0);
  await expect(showNonce(await open(), { nonce: NONCE, signal })).rejects.toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
});
