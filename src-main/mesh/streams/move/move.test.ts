import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerId } from '../../../base/index.ts';
import { kindOf } from '../../transports/kinds.ts';
import { addressOf, connectionsTo, ECHO_PROTOCOL, libp2pOf, LOOPBACK, streamBetween, TEST_LIMITS, TestNodes } from '../../testing/nodes.ts';
import type { FrameStream, Mesh, ProtocolLimits } from '../../types.ts';
import { movable } from './constants.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

const MOVES: ProtocolLimits = { ...TEST_LIMITS, maxQueuedFrames: 4096, relayed: true, moves: true };

/** Two nodes that know each other through a relay, and a stream between them. */
async function relayedPair(limits: { near?: ProtocolLimits; far?: ProtocolLimits } = {}) {
  const { relay, far, address } = await nodes.behindRelay({ isMember: true, listen: [LOOPBACK] });
  const near = await nodes.start({ listen: [] });
  const identified = new Promise<void>((resolve) => near.events.on('peer:identify', ({ peer }) => { if (peer === far.peerId) resolve(); }));
  const accepted = Promise.withResolvers<FrameStream>();
  await far.handle(ECHO_PROTOCOL, limits.far ?? MOVES, accepted.resolve);
  await near.dial(address);
  await identified;
  const ours = await near.open(far.peerId, ECHO_PROTOCOL, { limits: limits.near ?? MOVES });
  return { relay, far, near, ours, accepted: accepted.promise };
}

const directAddress = (mesh: Mesh): string => mesh.addresses().find((address) => !address.includes('p2p-circuit')) ?? '';

/** Sends numbered frames of many sizes, until told to stop; resolves with how many. */
async function pour(stream: FrameStream, until: Promise<unknown>): Promise<number> {
  let isOver = false;
  void until.then(() => { isOver = true; });
  for (let index = 0; ; index++) {
    const frame = Buffer.alloc(4 + (index % 50 === 0 ? 100_000 : index % 700), index & 0xff);
    frame.writeUInt32LE(index);
    await stream.send(frame);
    // A turn of the loop for everybody else, as real senders have it.
    if (index % 16 === 0) await new Promise(setImmediate);
    if (isOver) return index + 1;
  }
}

/** Reads to the end; every frame must be the one after the last, and whole. */
async function drink(stream: FrameStream, onFrame: (index: number) => void = () => undefined): Promise<number> {
  let next = 0;
  for await (const frame of stream) {
    const bytes = Buffer.from(frame);
    expect(bytes.readUInt32LE()).toBe(next);
    expect(bytes.length).toBe(4 + (next % 50 === 0 ? 100_000 : next % 700));
    expect(bytes.subarray(4).every((byte) => byte === (next & 0xff))).toBe(true);
    onFrame(next++);
  }
  return next;
}

describe('from a relay to a direct connection', () => {
  it('loses no frame and changes no order while both sides send, and leaves the relay', async () => {
    const { near, far, relay, ours, accepted } = await relayedPair();
    await ours.send(numbered(0));
    const theirs = await accepted;
    const first = theirs[Symbol.asyncIterator]();
    expect((await first.next()).done).toBe(false);

    const over = Promise.withResolvers<void>();
    const pouring = [pour(ours, over.promise), pour(theirs, over.promise)];
    const drinking = [drink(theirs), drink(ours)];
    await near.dial(directAddress(far));
    expect(near.peers()).toContainEqual(expect.objectContaining({ peer: far.peerId, route: 'direct', why: 'direct, the others are relayed' }));
    await moved(near, far);
    // The relay may go now.
    await relay.stop();
    over.resolve();
    const sent = await Promise.all(pouring);
    void theirs.close();
    await ours.close();
    expect(await Promise.all(drinking)).toEqual(sent);
    expect([await ours.closed, await theirs.closed]).toEqual([undefined, undefined]);
  });

  it('ends cleanly when a side ends while it moves', async () => {
    const { near, far, ours, accepted } = await relayedPair();
    const theirs = await accepted;
    const received = [drink(theirs), drink(ours)];
    const dialling = near.dial(directAddress(far));
    const enough = dialling.then(() => undefined);
    const sent = await Promise.all([pour(ours, enough).then(async (count) => { void ours.close(); return count; }), pour(theirs, enough)]);
    void theirs.close();
    expect(await Promise.all(received)).toEqual(sent);
    expect([await ours.closed, await theirs.closed]).toEqual([undefined, undefined]);
  });

  it('never goes on with a gap when the old connection dies in the middle of it', async () => {
    for (let round = 0; round < 6; round++) {
      const { near, far, relay, ours, accepted } = await relayedPair();
      const theirs = await accepted;
      const never = Promise.withResolvers<void>();
      const [toThem, toUs] = [drink(theirs), drink(ours)];
      const sending = [pour(ours, never.promise), pour(theirs, never.promise)].map((work) => work.catch(() => undefined));
      const opened = once(libp2pOf(near) as unknown as EventTarget, 'connection:open');
      void near.dial(directAddress(far)).catch(() => undefined);
      await opened;
      for (let turn = 0; turn < round * 3; turn++) await new Promise(setImmediate);
      for (const connection of connectionsTo(near, relay.peerId)) connection.abort(new TypeError('pulled out'));
      // Either it had moved in time and goes on, or both sides learn of the loss; `drink` has looked at every frame.
      const outcome = await Promise.race([Promise.allSettled([toThem, toUs]), moved(near, far)]);
      if (outcome === 'moved') {
        never.resolve();
        await Promise.all(sending);
        void theirs.close();
        await ours.close();
        expect(await Promise.allSettled([toThem, toUs])).toEqual([{ status: 'fulfilled', value: expect.any(Number) }, { status: 'fulfilled', value: expect.any(Number) }]);
      } else {
        expect(outcome).toEqual([{ status: 'rejected', reason: expect.objectContaining({ code: expect.stringMatching(/^MESH_/) }) }, { status: 'rejected', reason: expect.objectContaining({ code: expect.stringMatching(/^MESH_/) }) }]);
        never.resolve();
        await Promise.all(sending);
      }
      await nodes.stop();
    }
  }, 60_000);
});

describe('a stream that is not where it belongs', () => {
  it('tries again when a move was refused', async () => {
    const { near, far, ours, accepted } = await relayedPair();
    await ours.send(numbered(0));
    await accepted;
    const { registrar } = libp2pOf(far).services.natParts;
    const { handler, options } = registrar.getHandler(movable(ECHO_PROTOCOL));
    let refusals = 0;
    const reluctant: typeof handler = (stream, connection) => {
      if (refusals++ < 2) return stream.abort(new TypeError('not now'));
      return handler(stream, connection);
    };
    await registrar.handle(movable(ECHO_PROTOCOL), reluctant, { ...options, force: true });
    await near.dial(directAddress(far));
    await moved(near, far);
    expect(refusals).toBe(3);
  });

  it('goes over when the better connection came while it was opened', async () => {
    const { relay, far, address } = await nodes.behindRelay({ isMember: true, listen: [LOOPBACK] });
    const near = await nodes.start({ listen: [] });
    const accepted = Promise.withResolvers<FrameStream>();
    await far.handle(ECHO_PROTOCOL, MOVES, accepted.resolve);
    await near.dial(address);
    const [relayed] = connectionsTo(near, far.peerId);
    const open = relayed!.newStream.bind(relayed);
    relayed!.newStream = async (protocols, options) => {
      const stream = await open(protocols, options);
      if ([protocols].flat().includes(movable(ECHO_PROTOCOL))) await near.dial(directAddress(far));
      return stream;
    };
    const ours = await near.open(far.peerId, ECHO_PROTOCOL, { limits: MOVES });
    await ours.send(numbered(0));
    await moved(near, far);
    await relay.stop();
    await ours.send(numbered(1));
    const theirs = (await accepted.promise)[Symbol.asyncIterator]();
    for (const index of [0, 1]) expect(Buffer.from((await theirs.next()).value ?? []).readUInt32LE()).toBe(index);
  });
});

describe('a peer that knows nothing of moves', () => {
  it.each([['after', true], ['before', false]])('is spoken to as ever, %s it has introduced itself', async (_, isIdentified) => {
    const [near, far] = [await nodes.start({ listen: [] }), await nodes.start()];
    const accepted = Promise.withResolvers<FrameStream>();
    await far.handle(ECHO_PROTOCOL, TEST_LIMITS, accepted.resolve);
    const identified = new Promise<void>((resolve) => near.events.on('peer:identify', () => resolve()));
    await near.dial(addressOf(far));
    if (isIdentified) await identified;
    const ours = await near.open(far.peerId, ECHO_PROTOCOL, { limits: MOVES });
    await ours.send(numbered(7));
    expect(Buffer.from((await (await accepted.promise)[Symbol.asyncIterator]().next()).value ?? []).readUInt32LE()).toBe(7);
    expect(connectionsTo(near, far.peerId).flatMap(({ streams }) => streams.map(({ protocol }) => protocol))).not.toContain(movable(ECHO_PROTOCOL));
  });

  it('is let in as ever', async () => {
    const [near, far] = [await nodes.start({ listen: [] }), await nodes.start()];
    await near.dial(addressOf(far));
    const [ours, theirs] = await streamBetween({ near, far }, { near: TEST_LIMITS, far: MOVES });
    await theirs.send(numbered(7));
    expect(Buffer.from((await ours[Symbol.asyncIterator]().next()).value ?? []).readUInt32LE()).toBe(7);
  });
});

/** Resolves when the stream has left the relay on both sides. */
async function moved(near: Mesh, far: Mesh): Promise<'moved'> {
  const kinds = (mesh: Mesh, peer: PeerId) => connectionsTo(mesh, peer).flatMap(({ remoteAddr, streams }) => streams.filter(({ protocol }) => protocol === movable(ECHO_PROTOCOL)).map(() => kindOf(remoteAddr)));
  while (!(kinds(near, far.peerId).join() === 'tcp' && kinds(far, near.peerId).join() === 'tcp')) await new Promise(setImmediate);
  return 'moved';
}

const numbered = (index: number): Buffer => { const frame = Buffer.alloc(4); frame.writeUInt32LE(index); return frame; };
