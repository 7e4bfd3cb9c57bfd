import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import { loadIdentity } from '../../identity/identity.ts';
import { createMeshLibp2p, type MeshLibp2p } from '../../node/create-libp2p.ts';
import { addressOf, streamBetween, TestNodes } from '../../testing/nodes.ts';
import type { FrameStream } from '../../types.ts';
import { probeBandwidth } from './client.ts';
import { BANDWIDTH_PROTOCOL, BANDWIDTH_RATE, BUDGET_MS, FRAME_BYTES, MAX_BYTES_PER_SECOND, TRAIN_FRAMES } from './constants.ts';

const nodes = new TestNodes();
let rogue: MeshLibp2p;
beforeEach(async () => {
  rogue = await createMeshLibp2p(await loadIdentity({ kind: 'ephemeral' }), { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'rogue/1' });
  await rogue.start();
});
afterEach(async () => {
  await rogue.stop();
  await nodes.stop();
});

const never = new AbortController().signal;

test('two nodes measure what their link carries, more than once', async () => {
  const { near, peer } = await nodes.pair();
  for (let i = 0; i < 3; i++) {
    const bytesPerSecond = await near.bandwidth(peer);
    expect(bytesPerSecond).toBeGreaterThan(0);
    expect(bytesPerSecond).toBeLessThanOrEqual(MAX_BYTES_PER_SECOND);
  }
});

test('the spacing of later trains is what counts, not the first one’s nor the wait before them', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  const clock = new ManualClock();
  // One of the three was held up, one read at once: the middle one counts.
  const spacingMs = (frame: number): number => [0, 2, 20, 0.01][Math.floor(frame / TRAIN_FRAMES)] ?? 0;
  const gate = oneByOne(far, (frame) => clock.advance(frame < TRAIN_FRAMES ? 5 : frame % TRAIN_FRAMES === 0 ? 4 : spacingMs(frame)));
  const measured = await probeBandwidth(gate.reader(near), { clock, signal: never });
  expect(measured).toBeCloseTo((FRAME_BYTES * 1000) / 2, 0);
});

test('a slow link is measured by the frames that came in time', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  const clock = new ManualClock();
  const gate = oneByOne(far, () => clock.advance(BUDGET_MS));
  expect(await probeBandwidth(gate.reader(near), { clock, signal: never })).toBeCloseTo((FRAME_BYTES * 1000) / BUDGET_MS, 0);
});

/** Lets the far side echo a frame only when the near side asks for the next one. */
function oneByOne(far: FrameStream, tick: (frame: number) => void): { reader(near: FrameStream): FrameStream } {
  let [asked, due] = [Promise.withResolvers<void>(), 0];
  void (async () => {
    for await (const frame of far) {
      await asked.promise;
      asked = Promise.withResolvers();
      tick(due++);
      await far.send(frame);
    }
  })().catch(() => undefined);
  return {
    reader: (near) => ({
      peer: near.peer, protocol: near.protocol, closed: near.closed, send: (...parts) => near.send(...parts), close: () => near.close(), abort: (error) => near.abort(error),
      [Symbol.asyncIterator]: () => {
        const inner = near[Symbol.asyncIterator]();
        return { next: () => { asked.resolve(); return inner.next(); } };
      },
    }),
  };
}

test.each([
  ['other bytes', (frame: Uint8Array) => Buffer.from(frame).fill(7)], ['a shorter frame', (frame: Uint8Array) => frame.subarray(1)],
])('an echo of %s is an invalid answer', async (_what, change) => {
  const [near, far] = await streamBetween(await nodes.pair());
  const echoing = (async () => { for await (const frame of far) await far.send(change(frame)); })().catch(() => undefined);
  await expect(probeBandwidth(near, { clock: new ManualClock(), signal: never })).rejects.toMatchObject({ code: 'MESH_RESPONSE_INVALID', fault: 'peer' });
  far.abort(new Error('over'));
  await echoing;
});

test('a peer that ends amid the measurement, and one that never answers, are told apart', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  void far.close();
  await expect(probeBandwidth(near, { clock: new ManualClock(), signal: never })).rejects.toMatchObject({ code: 'MESH_RESPONSE_INVALID' });
  const [other] = await streamBetween(await nodes.pair());
  const reason = new RangeError('enough');
  await expect(probeBandwidth(other, { clock: new ManualClock(), signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('a node echoes only so much, and only whole frames; its peer stays connected', async () => {
  const victim = await nodes.start();
  const connection = await rogue.dial(multiaddr(addressOf(victim)));
  const frame = (sizeBytes: number): Buffer => Buffer.concat([Buffer.of(sizeBytes & 0xff, sizeBytes >> 8, 0, 0), Buffer.alloc(sizeBytes)]);
  const flood = async (sizeBytes: number): Promise<{ echoed: number; end: string }> => {
    const stream = await connection.newStream(BANDWIDTH_PROTOCOL);
    const closed = Promise.withResolvers<string>();
    let [echoed, answered] = [0, 0];
    const sendOne = (): void => void (stream.status === 'open' && stream.send(frame(sizeBytes)));
    stream.addEventListener('close', (event) => closed.resolve(event.error?.name ?? 'cleanly'));
    stream.addEventListener('message', ({ data }) => {
      echoed += data.byteLength;
      if (Math.floor(echoed / (FRAME_BYTES + 4)) > answered) { answered++; sendOne(); }
    });
    sendOne();
    return { end: await closed.promise, echoed };
  };
  const { end, echoed } = await flood(FRAME_BYTES);
  expect(end).toBe('StreamResetError');
  expect(echoed).toBeGreaterThanOrEqual(BANDWIDTH_RATE.burst * (FRAME_BYTES + 4));
  expect(await flood(100)).toEqual({ end: 'StreamResetError', echoed: 0 });
  expect(victim.peers()).toHaveLength(1);
});
