import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, test } from 'vitest';
import { ManualClock, RateLimiter } from '../../src-main/base/index.ts';
import { answer, MAX_REQUEST_BYTES, readRequest } from '../../src-main/mesh/nat/stun/message.ts';
import { decodeSign, encodeSign } from '../../src-main/mesh/protocols/alive/schema.ts';
import { serveAlive } from '../../src-main/mesh/protocols/alive/server.ts';
import { acceptDialBack } from '../../src-main/mesh/protocols/autonat/client.ts';
import { MAX_ADDRESSES } from '../../src-main/mesh/protocols/autonat/constants.ts';
import { decodeResponse, encodeDialBack, encodeRequest, encodeResponse } from '../../src-main/mesh/protocols/autonat/schema.ts';
import { serveDialRequest } from '../../src-main/mesh/protocols/autonat/server.ts';
import { FRAME_BYTES } from '../../src-main/mesh/protocols/bandwidth/constants.ts';
import { serveBandwidth } from '../../src-main/mesh/protocols/bandwidth/server.ts';
import { DATAGRAM_BYTES, MAX_DATAGRAMS, TOKEN_BYTES } from '../../src-main/mesh/protocols/loss/constants.ts';
import { decodeCount, decodeDatagram, decodeOffer, decodeQuestion, encodeCount, encodeDatagram, encodeOffer, encodeQuestion } from '../../src-main/mesh/protocols/loss/schema.ts';
import { LossServer } from '../../src-main/mesh/protocols/loss/server.ts';
import { servePeers } from '../../src-main/mesh/protocols/peers/server.ts';
import { encodePeers } from '../../src-main/mesh/protocols/peers/schema.ts';
import { PING_BYTES } from '../../src-main/mesh/protocols/ping/constants.ts';
import { servePing } from '../../src-main/mesh/protocols/ping/server.ts';
import { casesOf } from './cases.ts';
import { FUZZ_PEER, ScriptedStream } from './scripted-stream.ts';
import { tried } from './tried.ts';

const RUNS = casesOf(4_000);
const ADDRESSES = ['/ip4/8.8.8.8/tcp/4001', '/ip6/2001:db8::1/udp/4001/quic-v1', `/ip4/8.8.8.8/tcp/1/p2p/${FUZZ_PEER}/p2p-circuit`, '/dns4/a.example/tcp/443/wss'].map((text) => multiaddr(text));
const NONCE = 0x0123_4567_89ab_cdefn;
const unlimited = new RateLimiter({ perSecond: 1e12, burst: 1e12, maxKeys: 1 }, new ManualClock());

/** What a server made of one frame: an error that it ended the stream with is thrown. */
async function served(bytes: Uint8Array, serve: (stream: ScriptedStream) => Promise<void>): Promise<readonly Uint8Array[]> {
  const stream = new ScriptedStream([bytes]);
  await serve(stream);
  if (stream.error !== undefined) throw stream.error;
  return stream.sent;
}

describe(`${RUNS} damaged frames of each control protocol`, () => {
  test('/omni/autonat/2/dial-request: no question makes a node dial where it may not, nor more than one address', async () => {
    let dialled = 0;
    const server = {
      perPeer: unlimited, total: unlimited, mayDial: (_: string, address: { toString(): string }) => address.toString().startsWith('/ip4/8.8.8.8/tcp/'),
      dialBack: (_: string, { address, nonce }: { readonly address: { toString(): string }; readonly nonce: bigint }) => {
        dialled++;
        expect(address.toString()).toMatch(/^\/ip4\/8\.8\.8\.8\/tcp\/\d+/);
        expect(nonce).toBeLessThan(2n ** 64n);
        return Promise.resolve('reached' as const);
      },
    };
    const samples = ADDRESSES.map((address) => encodeRequest({ address, nonce: NONCE }));
    const refused = await tried({ samples, seed: 21, runs: RUNS }, async (bytes) => {
      const before = dialled;
      const [response = new Uint8Array(), ...more] = await served(bytes, (stream) => serveDialRequest(stream, server));
      expect(more).toEqual([]);
      expect(decodeResponse(response)?.index).toBeLessThan(MAX_ADDRESSES);
      expect(dialled - before).toBeLessThanOrEqual(1);
    });
    expect(refused).toBeGreaterThan(RUNS / 8);
    expect(dialled).toBeGreaterThan(RUNS / 100);
  });

  test('/omni/autonat/2: answers are one of the outcomes or none', async () => {
    const outcomes = ['reached', 'not reached', 'unclear', 'refused', 'busy'] as const;
    const samples = [...outcomes.map((outcome, index) => encodeResponse({ outcome, index })), Buffer.from('1a06' + '0800' + '10b0ea01', 'hex')];
    let read = 0;
    await tried({ samples, seed: 22, runs: RUNS }, (bytes) => {
      const response = decodeResponse(bytes);
      if (response === undefined) return;
      read++;
      if (!Number.isSafeInteger(response.index)) expect(response).toBeUndefined();
      if (![...outcomes, 'wants data'].includes(response.outcome)) expect(response).toBeUndefined();
    });
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(RUNS);
  });

  test('/omni/autonat/2/dial-back: only the number that is expected is taken, once', async () => {
    let taken = 0;
    const expected = new Set<bigint>();
    const refused = await tried({ samples: [encodeDialBack(NONCE)], seed: 23, runs: RUNS }, async (bytes) => {
      expected.add(NONCE);
      const sent = await served(bytes, (stream) => acceptDialBack(stream, (nonce) => nonce === NONCE && expected.delete(nonce)));
      taken++;
      expect([sent.length, expected.size]).toEqual([1, 0]);
    });
    expect(taken + refused).toBe(RUNS);
    expect(refused).toBeGreaterThan(RUNS / 2);
  });

  test('STUN: what is no binding request is not answered, and an answer is never much longer than the question', async () => {
    const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
    // RFC 5769, 2.1, and the shortest request there is.
    const samples = [
      hex('00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf'),
      hex('00010000 2112a442 b7e7a701bc34d686fa87dfae'),
      // Attributes that nobody understands, as many as fit.
      Buffer.concat([hex('00010210 2112a442 b7e7a701bc34d686fa87dfae'), Buffer.alloc(0x210, hex('00300000'))]),
    ];
    let answered = 0;
    await tried({ samples, seed: 24, runs: RUNS }, (bytes, random) => {
      // Damage seldom leaves the length right, and anybody can.
      if (random() < 0.7 && bytes.length >= 20) {
        bytes = bytes.subarray(0, bytes.length - (bytes.length % 4));
        bytes.writeUInt16BE(Math.min(0xffff, bytes.length - 20), 2);
      }
      const request = readRequest(bytes);
      if (request === undefined) return;
      answered++;
      const told = answer(request, { address: random() < 0.5 ? '198.51.100.7' : '2001:db8::7', port: Math.floor(random() * 65_536) });
      if (bytes.length > MAX_REQUEST_BYTES || told.length > 64 || told.length > bytes.length + 24 || told.length % 4 !== 0) expect({ told, bytes }).toBeUndefined();
      if (!told.subarray(8, 20).equals(bytes.subarray(8, 20))) expect({ told, bytes }).toBeUndefined();
    });
    expect(answered).toBeGreaterThan(RUNS / 10);
    expect(answered).toBeLessThan(RUNS);
  });

  test('ping and bandwidth: nothing but frames of their length is echoed', async () => {
    for (const [seed, sizeBytes, serve] of [
      [25, PING_BYTES, (stream: ScriptedStream) => servePing(stream, unlimited)],
      [26, FRAME_BYTES, (stream: ScriptedStream) => serveBandwidth(stream, { perPeer: unlimited, total: unlimited })],
    ] as const) {
      let echoed = 0;
      const refused = await tried({ samples: [Buffer.alloc(sizeBytes, 7)], seed, runs: RUNS }, async (bytes) => {
        const sent = await served(bytes, serve);
        echoed++;
        if (sent.length !== 1 || sent[0]?.byteLength !== sizeBytes) expect(sent).toBeUndefined();
      });
      expect([echoed + refused, echoed > 0, refused > 0]).toEqual([RUNS, true, true]);
    }
  });

  test('/omni/alive/1.0.0: a sign that is none ends the stream, and says nothing of when the next one comes', async () => {
    let heard = 0;
    // Two bytes are too few to be damaged bit by bit; most that come are of another length.
    const samples = [...Array.from({ length: 8 }, (_, i) => encodeSign(i * 2_000)), Buffer.alloc(9, encodeSign(2_000))];
    const refused = await tried({ samples, seed: 28, runs: RUNS }, async (bytes, random) => {
      const frame = random() < 0.5 ? bytes.subarray(0, 2) : bytes;
      await served(frame, (stream) => serveAlive(stream, (everyMs) => {
        heard++;
        if (everyMs !== decodeSign(frame) || everyMs < 500 || everyMs > 10_000) expect(frame).toBeUndefined();
      }));
    });
    expect([heard + refused, heard > 0, refused > RUNS / 20]).toEqual([RUNS, true, true]);
  });

  test('/omni/loss/1.0.0: a question that is none opens no socket, and what is no datagram of the probe is not counted', async () => {
    const clock = new ManualClock();
    const server = new LossServer({ clock, refused: () => undefined });
    let offered = 0;
    const questions = ['127.0.0.1', '::1', '192.0.2.1'].map((address) => encodeQuestion({ datagrams: 9, address }));
    expect(await tried({ samples: questions, seed: 29, runs: RUNS / 4 }, async (bytes) => {
      clock.advance(60_000);
      const stream = new ScriptedStream([bytes, encodeCount(0)]);
      await server.serve(stream);
      if (decodeQuestion(bytes) === undefined) expect(stream.sent).toEqual([]);
      else offered += stream.sent.length;
      if (stream.error !== undefined) throw stream.error;
    })).toBeGreaterThan(RUNS / 32);
    expect(offered).toBeGreaterThan(0);
    const token = Buffer.alloc(TOKEN_BYTES, 5);
    let counted = 0;
    await tried({ samples: [encodeDatagram(token, 3), encodeDatagram(token, 3), encodeDatagram(Buffer.alloc(TOKEN_BYTES, 6), 3)], seed: 30, runs: RUNS }, (bytes) => {
      const number = decodeDatagram(bytes, { token, datagrams: 9 });
      if (number === undefined) return;
      counted++;
      if (number >= 9 || bytes.length !== DATAGRAM_BYTES || !bytes.subarray(0, TOKEN_BYTES).equals(token)) expect(bytes).toBeUndefined();
    });
    expect(counted).toBeGreaterThan(0);
    await tried({ samples: [encodeOffer({ port: 40_000, token }), encodeOffer(undefined), encodeCount(9)], seed: 31, runs: RUNS }, (bytes) => {
      const offer = decodeOffer(bytes);
      if (typeof offer === 'object' && (offer.port < 1_024 || offer.token.byteLength !== TOKEN_BYTES)) expect(offer).toBeUndefined();
      if ((decodeCount(bytes, MAX_DATAGRAMS) ?? 0) > MAX_DATAGRAMS) expect(bytes).toBeUndefined();
    });
  });

  test('/omni/peers/1.0.0: a question that is none gets no answer', async () => {
    const reply = { version: 1 as const, addresses: [], peers: [] };
    let answered = 0;
    const refused = await tried({ samples: [encodePeers({ version: 1, addresses: [ADDRESSES[0]?.toString() ?? ''] })], seed: 27, runs: RUNS }, async (bytes) => {
      const sent = await served(bytes, (stream) => servePeers(stream, unlimited, ({ addresses }) => {
        if (addresses.some((address) => address.length > 256 || !address.startsWith('/'))) expect(addresses).toBeUndefined();
        return reply;
      }));
      answered += sent.length;
    });
    expect(answered + refused).toBe(RUNS);
    expect(answered).toBeGreaterThan(0);
  });
});
