import { seeded } from '../../../../test/support/models/index.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf, connectionsTo, ECHO_PROTOCOL, nextFrame, TEST_LIMITS, TestNodes } from '../../testing/nodes.ts';
import type { FrameStream, Mesh, ProtocolLimits } from '../../types.ts';
import { wrapStream } from '../frame-stream.ts';
import { movable } from './constants.ts';
import { ACCEPT, DATA_MARK, joinFrame, newMoveId, openFrame, readMoveFrame, SWITCH } from './frames.ts';
import { pathLimits } from './moves.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

const MOVES: ProtocolLimits = { ...TEST_LIMITS, maxQueuedFrames: 8, moves: true };
const silent = { sent: () => undefined, received: () => undefined, refused: () => undefined };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** An honest node, and one that speaks the protocol by hand. */
async function honestAndRogue() {
  const [honest, rogue] = [await nodes.start(), await nodes.start({ listen: [] })];
  const streams: FrameStream[] = [];
  const arrivals: ((stream: FrameStream) => void)[] = [];
  await honest.handle(ECHO_PROTOCOL, MOVES, (stream) => { streams.push(stream); arrivals.shift()?.(stream); });
  await rogue.dial(addressOf(honest));
  return { honest, rogue, streams, next: () => new Promise<FrameStream>((resolve) => arrivals.push(resolve)) };
}

async function path(from: Mesh, to: Mesh): Promise<FrameStream> {
  const raw = await connectionsTo(from, to.peerId)[0]?.newStream(movable(ECHO_PROTOCOL));
  if (raw === undefined) throw new TypeError('not connected');
  return wrapStream(raw, { peer: to.peerId, protocol: ECHO_PROTOCOL, limits: pathLimits(MOVES), traffic: silent });
}

/** A stream that the rogue opened under an id of its choice, from both ends. */
async function opened() {
  const { honest, rogue, next } = await honestAndRogue();
  const id = newMoveId();
  const [ours, arriving] = [await path(rogue, honest), next()];
  await ours.send(openFrame(id));
  return { honest, rogue, id, ours, theirs: await arriving };
}

/** One that is to move, and the path that the honest end accepted for it. */
async function joined() {
  const { honest, rogue, id, ours, theirs } = await opened();
  const one = await path(rogue, honest);
  await one.send(joinFrame(id));
  expect(readMoveFrame(await nextFrame(one))).toEqual({ kind: 'accept' });
  return { honest, rogue, id, ours, theirs, one };
}

function dice(seed: number): { below(limit: number): number; bytes(count: number): Uint8Array } {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  // Small values often: these are the kinds.
  return { below, bytes: (count) => Uint8Array.from({ length: count }, () => below(below(2) === 0 ? 6 : 256)) };
}

const data = (stream: FrameStream, words: string): Promise<void> => stream.send(Buffer.from(words), DATA_MARK);
const said = async (stream: FrameStream): Promise<string> => text(await nextFrame(stream));

describe('a peer that lies about moves', () => {
  it.each([
    ['switches without a move', SWITCH],
    ['accepts what nobody asked', ACCEPT],
    ['opens twice', openFrame(newMoveId())],
    ['joins in the middle of a path', joinFrame(newMoveId())],
    ['sends an empty frame', new Uint8Array(0)],
    ['sends a frame of no known kind', Uint8Array.of(1, 2, 99)],
  ])('%s: its stream ends with its fault, and what came before is there', async (_, lie) => {
    const { honest, rogue, ours, theirs } = await opened();
    await data(ours, 'before');
    await ours.send(lie);
    expect(await said(theirs)).toBe('before');
    await expect(nextFrame(theirs)).rejects.toMatchObject({ code: 'MESH_MOVE_INVALID', fault: 'peer' });
    expect(await theirs.closed).toMatchObject({ code: 'MESH_MOVE_INVALID' });
    expect(await ours.closed).toBeDefined();
    expect(await rogue.ping(honest.peerId)).toBeGreaterThan(0);
  });

  it.each([
    ['a stream that is not there', () => joinFrame(newMoveId())],
    ['nothing', () => Uint8Array.of(7)],
    ['data before its name', () => DATA_MARK],
  ])('names %s: that path ends, and nobody hears of it', async (_, first) => {
    const { honest, rogue, streams } = await honestAndRogue();
    const ours = await path(rogue, honest);
    await ours.send(first());
    expect(await ours.closed).toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
    expect(streams).toEqual([]);
  });

  it('cannot take over the stream of another peer, whose id it knows', async () => {
    const { honest, id, ours, theirs } = await opened();
    const thief = await nodes.start({ listen: [] });
    await thief.dial(addressOf(honest));
    const stolen = await path(thief, honest);
    await stolen.send(joinFrame(id));
    expect(await stolen.closed).toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
    await data(ours, 'still mine');
    expect(await said(theirs)).toBe('still mine');
  });

  it('moves twice at once: the second is refused, the first goes on', async () => {
    const { honest, rogue, id, ours, theirs, one } = await joined();
    const two = await path(rogue, honest);
    await two.send(joinFrame(id));
    expect(await two.closed).toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
    // What overtakes on the new path waits for what is under way on the old one.
    await data(one, 'second');
    await data(ours, 'first');
    await ours.send(SWITCH);
    expect(await said(theirs)).toBe('first');
    expect(await said(theirs)).toBe('second');
  });

  it('goes on on a path that it has left: its stream ends', async () => {
    const { ours, theirs } = await joined();
    await ours.send(SWITCH);
    await data(ours, 'too late');
    expect(await theirs.closed).toMatchObject({ code: 'MESH_MOVE_INVALID' });
  });

  it('leaves without a switch in the middle of a move: an error, no gap', async () => {
    const { ours, theirs, one } = await joined();
    await data(one, 'after the gap');
    ours.abort(new TypeError('lost'));
    await expect(nextFrame(theirs)).rejects.toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
    expect(await one.closed).toBeDefined();
  });

  it('sends more than anybody reads: its stream ends, on either path', async () => {
    const { ours, theirs } = await opened();
    for (let index = 0; index < 2 * MOVES.maxQueuedFrames; index++) data(ours, String(index)).catch(() => undefined);
    expect(await theirs.closed).toMatchObject({ code: 'MESH_QUEUE_OVERFLOW', fault: 'peer' });
  });

  it('sends anything at all, on many paths: the node goes on, and no stream of it outlives its connection', async () => {
    const { honest, rogue: first, streams } = await honestAndRogue();
    const { below, bytes } = dice(5);
    let rogue = first;
    // Whoever lies so often is banned after a while; the next one comes.
    const successor = async (): Promise<FrameStream> => {
      rogue = await nodes.start({ listen: [] });
      await rogue.dial(addressOf(honest));
      return path(rogue, honest);
    };
    const ids = Array.from({ length: 4 }, newMoveId);
    for (let round = 0; round < 300; round++) {
      const ours = await path(rogue, honest).catch(successor);
      for (let count = 1 + below(5); count > 0; count--) {
        const id = ids[below(ids.length)] ?? '';
        const frames = [openFrame(id), joinFrame(id), ACCEPT, SWITCH, DATA_MARK, Buffer.from([1, 2, 3, 0]), bytes(below(40))];
        ours.send(frames[below(frames.length)] ?? ACCEPT).catch(() => undefined);
      }
      // The other paths are left open; too many of them are refused, like those of any protocol.
      for (let turn = below(6); turn > 0; turn--) await new Promise(setImmediate);
      if (below(4) > 0) ours.abort(new TypeError('enough'));
      else void ours.close();
    }
    expect(streams.length).toBeGreaterThan(20);
    await rogue.hangUp(honest.peerId);
    await Promise.all(streams.map((stream) => stream.closed));
    expect(await (await nodes.start({ listen: [] })).dial(addressOf(honest))).toBe(honest.peerId);
  });
});

describe('frames of a move', () => {
  it('are read as they were written, and nothing else is', () => {
    const id = newMoveId();
    expect(readMoveFrame(openFrame(id))).toEqual({ kind: 'open', id });
    expect(readMoveFrame(joinFrame(id))).toEqual({ kind: 'join', id });
    expect(readMoveFrame(Uint8Array.of(5, 6, 0))).toEqual({ kind: 'data', payload: Uint8Array.of(5, 6) });
    const { below, bytes: randomBytes } = dice(11);
    for (let round = 0; round < 20_000; round++) {
      const bytes = randomBytes(below(40));
      const frame = readMoveFrame(bytes);
      const [kind, size] = [bytes.at(-1) ?? -1, bytes.length];
      const expected = kind === 0 ? 'data' : size === 17 && kind === 1 ? 'open' : size === 17 && kind === 2 ? 'join' : size === 1 && kind === 3 ? 'accept' : size === 1 && kind === 4 ? 'switch' : undefined;
      expect(frame?.kind).toBe(expected);
    }
  });
});
