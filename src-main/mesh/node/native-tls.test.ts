import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf, ECHO_PROTOCOL, nextFrame, streamBetween, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

describe.each([[true, true], [true, false], [false, true]])('TLS on the socket, dialler %s, listener %s', (nearNative, farNative) => {
  const pair = async () => ({ near: await nodes.start({ nativeTls: nearNative }), far: await nodes.start({ nativeTls: farNative }) });

  it('carries frames both ways, large and many', async () => {
    const { near, far } = await pair();
    expect(await near.dial(addressOf(far))).toBe(far.peerId);
    expect(near.peers()[0]?.transport).toBe('tcp + tls + yamux');
    const [ours, theirs] = await streamBetween({ near, far });
    const frames = Array.from({ length: 40 }, (_, index) => randomBytes(index % 4 === 0 ? 900_000 : 1 + index));
    const sending = (async () => { for (const frame of frames) await ours.send(frame); })();
    for (const frame of frames) {
      const got = await nextFrame(theirs);
      expect(frame.equals(got)).toBe(true);
      await theirs.send(got.subarray(0, 8));
      expect((await nextFrame(ours)).byteLength).toBe(Math.min(8, frame.length));
    }
    await sending;
    void theirs.close();
    await ours.close();
    expect(await ours.closed).toBeUndefined();
    expect(await near.ping(far.peerId)).toBeGreaterThan(0);
  });

  it('refuses another identity than the one that was dialled', async () => {
    const { near, far } = await pair();
    const third = await nodes.start();
    const address = addressOf(far).replace(far.peerId, third.peerId);
    await expect(near.dial(address)).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'wrong identity' } });
    expect(far.peers()).toHaveLength(0);
  });

  it('notices a peer that is gone, and lets go of connections that are hung up', async () => {
    const { near, far } = await pair();
    await near.dial(addressOf(far));
    const [ours, theirs] = await streamBetween({ near, far });
    const gone = far.events.once('peer:disconnect');
    await near.hangUp(far.peerId);
    expect(await gone).toEqual({ peer: near.peerId });
    expect(await ours.closed).toBeDefined();
    expect(await theirs.closed).toMatchObject({ code: expect.stringMatching(/^MESH_/) as string });
    await near.dial(addressOf(far));
    const [again] = await streamBetween({ near, far }).catch(async () => [await near.open(far.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS })]);
    await far.stop();
    expect(await again.closed).toBeDefined();
  });
});

it('survives what is no handshake', async () => {
  const far = await nodes.start({ nativeTls: true });
  const [, , , , port] = addressOf(far).split('/');
  for (const bytes of [randomBytes(2000), Buffer.from('\x13/multistream/1.0.0\n\x0b/tls/1.0.0\nnot a hello, not a hello, not a hello')]) {
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => undefined).resume();
    socket.write(bytes);
    await new Promise((resolve) => void socket.once('close', resolve));
  }
  const near = await nodes.start({ nativeTls: true });
  expect(await near.dial(addressOf(far))).toBe(far.peerId);
});
