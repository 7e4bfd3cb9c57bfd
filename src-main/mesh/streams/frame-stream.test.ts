import { randomBytes, randomInt } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { isCoded } from '../../base/index.ts';
import { streamBetween, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import type { FrameStream } from '../types.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

async function readAll(stream: FrameStream): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  for await (const frame of stream) frames.push(Buffer.from(frame));
  return frames;
}

async function sendAll(stream: FrameStream, frames: readonly Uint8Array[]): Promise<void> {
  for (const frame of frames) await stream.send(frame.subarray(0, 3), frame.subarray(3));
  await stream.close();
}

const code = (error: unknown): string => (isCoded(error) ? error.code : String(error));

test('frames of random sizes pass both ways at once, in order', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  const make = () => Array.from({ length: 60 }, (_, i) => randomBytes(i % 7 === 0 ? 0 : randomInt(1, i % 5 === 0 ? 700_000 : 20_000)));
  const [out, back] = [make(), make()];
  const [heardFar, heardNear] = await Promise.all([readAll(far), readAll(near), sendAll(near, out), sendAll(far, back)]);
  expect(Buffer.concat(heardFar).equals(Buffer.concat(out))).toBe(true);
  expect(heardFar.map((f) => f.length)).toEqual(out.map((f) => f.length));
  expect(Buffer.concat(heardNear).equals(Buffer.concat(back))).toBe(true);
  expect(await near.closed).toBeUndefined();
  expect(await far.closed).toBeUndefined();
});

test('after our end the peer still answers, and both ends close cleanly', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  await near.send(Buffer.from('question'));
  const closing = near.close();
  expect((await readAll(far)).map(String)).toEqual(['question']);
  await far.send(Buffer.from('answer'));
  await Promise.all([far.close(), closing]);
  expect((await readAll(near)).map(String)).toEqual(['answer']);
  expect(await far.closed).toBeUndefined();
  await expect(near.send(Buffer.from('more'))).rejects.toMatchObject({ code: 'MESH_STREAM_ENDED', fault: 'local' });
});

test('a question and its end that arrive with the negotiation are read', async () => {
  const { near, far, peer } = await nodes.pair();
  await far.handle('/omni-node/early/1.0.0', TEST_LIMITS, (stream) => void stream.send(Buffer.from('hello')).then(() => stream.close()));
  for (let i = 0; i < 20; i++) {
    const stream = await near.open(peer, '/omni-node/early/1.0.0', { limits: TEST_LIMITS });
    expect((await readAll(stream)).map(String)).toEqual(['hello']);
    await stream.close();
  }
});

test('an abort ends our loop with its error at once and the peer’s as closed by peer', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  await far.send(Buffer.from('unread'));
  const reason = new RangeError('changed my mind');
  near.abort(reason);
  await expect(readAll(near)).rejects.toBe(reason);
  expect(await near.closed).toBe(reason);
  await expect(readAll(far)).rejects.toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
  await expect(far.send(Buffer.from('x'))).rejects.toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
});

test('a frame over the receiver’s limit is the peer’s fault and ends the stream', async () => {
  const [near, far] = await streamBetween(await nodes.pair(), { far: { ...TEST_LIMITS, maxFrameBytes: 1024 } });
  await near.send(randomBytes(1025));
  expect(await far.closed).toMatchObject({ code: 'MESH_FRAME_TOO_LONG', fault: 'peer', meta: { sizeBytes: 1025, limitBytes: 1024 } });
  expect(code(await near.closed)).toBe('MESH_STREAM_CLOSED_BY_PEER');
});

test('a frame over our own limit is refused before it is sent', async () => {
  const [near, far] = await streamBetween(await nodes.pair(), { near: { ...TEST_LIMITS, maxFrameBytes: 10 } });
  await expect(near.send(randomBytes(6), randomBytes(5))).rejects.toMatchObject({ code: 'MESH_SEND_TOO_LONG', fault: 'local' });
  await near.send(Buffer.from('fits'));
  void near.close();
  expect((await readAll(far)).map(String)).toEqual(['fits']);
});

test('frames that nobody reads overflow the queue, which is the peer’s fault', async () => {
  const [near, far] = await streamBetween(await nodes.pair(), { far: { ...TEST_LIMITS, maxQueuedFrames: 4 } });
  const sending = (async () => { for (;;) await near.send(randomBytes(2000)); })();
  await expect(sending).rejects.toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
  expect(await far.closed).toMatchObject({ code: 'MESH_QUEUE_OVERFLOW', fault: 'peer' });
});

test('sending without waiting for room ends the stream instead of filling the memory', async () => {
  const limits = { ...TEST_LIMITS, maxQueuedFrames: 2 };
  const [near] = await streamBetween(await nodes.pair(), { near: limits });
  const frame = randomBytes(limits.maxFrameBytes);
  const results = await Promise.allSettled(Array.from({ length: 200 }, () => near.send(frame)));
  expect(results.some((result) => result.status === 'rejected')).toBe(true);
  expect(await near.closed).toMatchObject({ code: 'MESH_SEND_OVERFLOW', fault: 'local' });
});

test('a sender that awaits moves far more than a window while the reader keeps up', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  const frame = randomBytes(512 * 1024);
  const counted = (async () => { let bytes = 0; for await (const got of far) bytes += got.byteLength; return bytes; })();
  for (let i = 0; i < 80; i++) await near.send(frame);
  void near.close();
  expect(await counted).toBe(80 * frame.byteLength);
});

test('a lost connection is not taken for a clean end', async () => {
  const pair = await nodes.pair();
  const [near] = await streamBetween(pair);
  const reading = readAll(near);
  const outcome = expect(reading).rejects.toMatchObject({ fault: expect.stringMatching(/local|peer/), retryable: true });
  await pair.far.stop();
  await outcome;
  expect(['MESH_CONNECTION_LOST', 'MESH_STREAM_CLOSED_BY_PEER']).toContain(code(await near.closed));
});
