import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import { Counted } from '../../testing/counted.ts';
import { addressOf, ECHO_PROTOCOL, nextFrame, streamBetween, TEST_LIMITS, TestNodes } from '../../testing/nodes.ts';
import type { FrameStream, Mesh } from '../../types.ts';
import { probeLoss, type LossCount } from './client.ts';
import { LOSS_LIMITS, LOSS_PROTOCOL, LOSS_RATE, MAX_HEARD_TIMES, MAX_SOCKETS_PER_PEER, TOKEN_BYTES } from './constants.ts';
import { decodeOffer, encodeCount, encodeOffer, encodeQuestion, type LossOffer } from './schema.ts';
import { LossServer } from './server.ts';

const ADDRESS = '127.0.0.1';
const never = new AbortController().signal;
const nodes = new TestNodes();
const sockets: Socket[] = [];
let counted: Counted;
let victim: Mesh;
let asker: Mesh;
beforeEach(async () => {
  counted = new Counted();
  [victim, asker] = [await nodes.start({ metrics: counted.metrics }), await nodes.start()];
  await asker.dial(addressOf(victim));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await nodes.stop();
});

async function udp(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, ADDRESS);
  await once(socket, 'listening');
  sockets.push(socket);
  return socket;
}
const send = (socket: Socket, bytes: Uint8Array, port: number): Promise<void> => new Promise((resolve) => { socket.send(bytes, port, ADDRESS, () => resolve()); });
const open = (): Promise<FrameStream> => asker.open(victim.peerId, LOSS_PROTOCOL, { limits: { ...LOSS_LIMITS, maxOutboundStreams: 8 } });

/** The stream, with another port in the offer: that of a way which does to datagrams what the test says. */
async function through(way: (bytes: Uint8Array, number: number, pass: (bytes: Uint8Array) => void) => void): Promise<FrameStream> {
  const [near, line, out] = [await open(), await udp(), await udp()];
  const frames = near[Symbol.asyncIterator]();
  let isOffer = true;
  return {
    peer: near.peer, protocol: near.protocol, closed: near.closed, send: (...parts) => near.send(...parts), close: () => near.close(), abort: (error) => near.abort(error),
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const { value, done } = await frames.next();
        if (done === true || !isOffer) return { value, done } as IteratorResult<Uint8Array>;
        isOffer = false;
        const { port, token } = decodeOffer(value) as LossOffer;
        let number = 0;
        line.on('message', (bytes) => way(bytes, number++, (passed) => void send(out, passed, port)));
        return { value: encodeOffer({ port: line.address().port, token }), done: false };
      },
    }),
  };
}
const probe = (stream: FrameStream, datagrams = 200): Promise<LossCount | undefined> => probeLoss(stream, { address: ADDRESS, signal: never, datagrams });

test('a way that loses nothing loses nothing, and the figure of the link says so', async () => {
  expect(await asker.loss(victim.peerId)).toBe(0);
  expect(asker.peers()[0]?.figures?.loss).toBe(0);
  // A probe is no use of the link.
  expect(asker.peers()[0]?.figures?.sentBytes).toBeLessThan(1_000);
  expect([...counted.refusals]).toEqual([]);
});

test('every fifth that is lost is a loss of 20 %', async () => {
  expect(await probe(await through((bytes, number, pass) => { if (number % 5 !== 4) pass(bytes); }))).toEqual({ sent: 200, arrived: 160 });
});

test('one that comes twice counts once, and those that are late by less than half a second count', async () => {
  const late: (() => void)[] = [];
  const stream = await through((bytes, number, pass) => {
    pass(bytes);
    if (number < 10) pass(bytes);
    else if (number === 199) for (const one of late) one();
  });
  expect(await probe(stream)).toEqual({ sent: 200, arrived: 200 });
  expect(counted.of('LOSS_REPLAYED')).toBe(10);
});

test('where none comes nothing is told: that is no loss, but a way without UDP', async () => {
  expect(await probe(await through(() => undefined), 40)).toBeUndefined();
  const closed = await udp();
  const { port } = closed.address();
  sockets.splice(sockets.indexOf(closed), 1)[0]?.close();
  const [near, far] = await streamBetween({ near: asker, far: victim });
  void (async () => {
    await nextFrame(far);
    await far.send(encodeOffer({ port, token: new Uint8Array(TOKEN_BYTES) }));
    await nextFrame(far);
    await far.send(encodeCount(0));
  })();
  expect(await probe(near, 40)).toBeUndefined();
});

test('nothing of it goes over a relay', async () => {
  const { far, address } = await nodes.behindRelay({ isMember: true });
  await asker.dial(address);
  expect(asker.peers().find(({ peer }) => peer === far.peerId)?.route).toBe('relayed');
  expect(await asker.loss(far.peerId)).toBeUndefined();
});

test('who does not know the token is not counted, gets no answer, and is told of', async () => {
  const stranger = await udp();
  const heard: Buffer[] = [];
  stranger.on('message', (bytes) => heard.push(bytes));
  const stream = await through((bytes, number, pass) => {
    if (number % 2 === 0) return pass(bytes);
    const forged = Buffer.from(bytes);
    forged[number % TOKEN_BYTES]! ^= 1;
    pass(forged);
  });
  expect(await probe(stream, 100)).toEqual({ sent: 100, arrived: 50 });
  expect(counted.of('LOSS_FORGED')).toBe(50);
  expect(heard).toEqual([]);
});

test('a flood ends the measurement, not the node, and nothing is told of the link', async () => {
  const stream = await through((bytes, number, pass) => {
    pass(bytes);
    for (let i = 0; number < 20 && i <= MAX_HEARD_TIMES * 2; i++) pass(Buffer.alloc(18, 7));
  });
  expect(await probe(stream, 40)).toBeUndefined();
  expect(counted.of('LOSS_FLOODED')).toBe(1);
  expect(await asker.loss(victim.peerId)).toBe(0);
});

test('a peer that keeps sockets open gets no more of them, and those it left are closed', async () => {
  const held = await Promise.all(Array.from({ length: MAX_SOCKETS_PER_PEER }, async () => {
    const stream = await open();
    await stream.send(encodeQuestion({ datagrams: 1, address: ADDRESS }));
    return { stream, offer: decodeOffer(await nextFrame(stream)) as LossOffer };
  }));
  expect(new Set(held.map(({ offer }) => offer.port)).size).toBe(MAX_SOCKETS_PER_PEER);
  const other = await nodes.start();
  await other.dial(addressOf(victim));
  expect(await other.loss(victim.peerId)).toBe(0);
  for (const { stream } of held) stream.abort(new Error('enough'));
  await expect.poll(() => asker.loss(victim.peerId)).toBe(0);
  // Nobody listens there any more, so that the port can be had.
  const [{ offer }] = held as [typeof held[0]];
  await once(createSocket('udp4').bind(offer.port, ADDRESS).on('listening', function close(this: Socket) { this.close(); }), 'listening');
});

test('a peer that asks again and again is refused after a while', async () => {
  const server = new LossServer({ clock: new ManualClock(), refused: () => undefined });
  let accepted = Promise.withResolvers<FrameStream>();
  await victim.handle(ECHO_PROTOCOL, TEST_LIMITS, (stream) => accepted.resolve(stream));
  const ask = async (): Promise<LossCount | undefined> => {
    accepted = Promise.withResolvers();
    const near = await asker.open(victim.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS });
    const asked = probe(near, 1);
    void server.serve(await accepted.promise).catch(() => undefined);
    return asked;
  };
  for (let i = 0; i < LOSS_RATE.burst; i++) expect(await ask()).toEqual({ sent: 1, arrived: 1 });
  await expect(ask()).rejects.toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
  expect(await asker.ping(victim.peerId)).toBeGreaterThan(0);
});

test.each([
  ['more than were sent', encodeOffer({ port: 9_999, token: new Uint8Array(TOKEN_BYTES) }), encodeCount(41)],
  ['an offer of a port that is a service’s', encodeOffer({ port: 53, token: new Uint8Array(TOKEN_BYTES) }), encodeCount(0)],
  ['half an offer', encodeOffer(undefined).subarray(3), encodeCount(0)],
  ['half a number', encodeOffer({ port: 9_999, token: new Uint8Array(TOKEN_BYTES) }), Uint8Array.of(1)],
])('an answer of %s is an invalid one', async (_, offer, count) => {
  const [near, far] = await streamBetween({ near: asker, far: victim });
  void (async () => {
    await nextFrame(far);
    await far.send(offer);
    await nextFrame(far);
    await far.send(count);
  })().catch(() => undefined);
  await expect(probe(near, 40)).rejects.toMatchObject({ code: 'MESH_RESPONSE_INVALID', fault: 'peer' });
});

test('a measurement that is called off ends at once', async () => {
  const over = new AbortController();
  const stream = await through((bytes, number, pass) => { pass(bytes); if (number === 5) over.abort(new RangeError('enough')); });
  await expect(probeLoss(stream, { address: ADDRESS, signal: over.signal })).rejects.toThrow('enough');
});
