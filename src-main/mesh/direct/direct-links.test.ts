import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { generateCertificate } from '@libp2p/tls/utils';
import { afterEach, expect, it } from 'vitest';
import { addressOf, ECHO_PROTOCOL, nextFrame, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import type { FrameStream, Mesh, ProtocolLimits } from '../types.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

const DIRECT: ProtocolLimits = { ...TEST_LIMITS, direct: true };

/** Both ends of one direct stream. */
async function direct(limits: { near?: ProtocolLimits; far?: ProtocolLimits } = {}) {
  const [near, far] = [await nodes.start({ listen: [] }), await nodes.start()];
  const accepted = Promise.withResolvers<FrameStream>();
  await far.handle(ECHO_PROTOCOL, limits.far ?? DIRECT, accepted.resolve);
  const ours = await near.openDirect(addressOf(far), ECHO_PROTOCOL, { limits: limits.near ?? DIRECT });
  return { near, far, ours, theirs: await accepted.promise };
}

const portOf = (mesh: Mesh): number => Number(addressOf(mesh).split('/')[4]);

it('carries frames both ways, in order, whatever is done with the memory of frames before', async () => {
  const { near, far, ours, theirs } = await direct();
  expect([ours.peer, theirs.peer]).toEqual([far.peerId, near.peerId]);
  const frames = Array.from({ length: 60 }, (_, index) => randomBytes(index % 3 === 0 ? 900_000 : index * 300));
  const sending = (async () => {
    for (const frame of frames) {
      const mine = Buffer.from(frame);
      const sent = ours.send(mine.subarray(0, 3), mine.subarray(3));
      // The caller's again as soon as `send` returned.
      mine.fill(0);
      await sent;
    }
  })();
  for (const frame of frames) {
    const got = await nextFrame(theirs);
    expect(frame.equals(got)).toBe(true);
    await theirs.send(got.subarray(0, 8));
    theirs.recycle?.(got);
    expect((await nextFrame(ours)).byteLength).toBe(Math.min(8, frame.length));
  }
  await sending;
  await ours.close();
  expect(await ours.closed).toBeUndefined();
  expect(await theirs.closed).toBeUndefined();
  // It is no connection of the mesh.
  expect(near.peers()).toEqual([]);
});

it('is let in by a node that handles another minor version, and by no other', async () => {
  const [near, far] = [await nodes.start({ listen: [] }), await nodes.start()];
  const accepted = Promise.withResolvers<FrameStream>();
  await far.handle('/omni-node/test/1.2.0', DIRECT, accepted.resolve);
  const ours = await near.openDirect(addressOf(far), '/omni-node/test/1.0.0', { limits: DIRECT });
  await ours.send(Buffer.from('hello'));
  expect(Buffer.from(await nextFrame(await accepted.promise)).toString()).toBe('hello');
  await expect(near.openDirect(addressOf(far), '/omni-node/test/2.0.0', { limits: DIRECT })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
});

it('shares its port with the mesh', async () => {
  const { near, far, ours, theirs } = await direct();
  expect(await near.dial(addressOf(far))).toBe(far.peerId);
  expect(await near.ping(far.peerId)).toBeGreaterThan(0);
  await near.hangUp(far.peerId);
  await ours.send(Buffer.from('still'));
  expect(String(Buffer.from(await nextFrame(theirs)))).toBe('still');
});

it('refuses another identity than the one that was dialled', async () => {
  const { near, far } = await direct();
  const third = await nodes.start();
  const address = addressOf(far).replace(far.peerId, third.peerId);
  await expect(near.openDirect(address, ECHO_PROTOCOL, { limits: DIRECT })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'wrong identity' } });
});

it('is not to be had for a protocol that does not allow it, which the mesh still carries', async () => {
  const [near, far] = [await nodes.start({ listen: [] }), await nodes.start()];
  const accepted = Promise.withResolvers<FrameStream>();
  await far.handle(ECHO_PROTOCOL, TEST_LIMITS, accepted.resolve);
  await far.handle('/omni-node/other/1.0.0', DIRECT, () => undefined);
  await expect(near.openDirect(addressOf(far), ECHO_PROTOCOL, { limits: DIRECT })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'unreachable' } });
  await near.open(await near.dial(addressOf(far)), ECHO_PROTOCOL, { limits: TEST_LIMITS });
  expect((await accepted.promise).peer).toBe(near.peerId);
});

it('lets in as many streams of a peer as the protocol allows', async () => {
  const { near, far } = await direct({ far: { ...DIRECT, maxInboundStreams: 2 } });
  const open = (from: Mesh): Promise<FrameStream> => from.openDirect(addressOf(far), ECHO_PROTOCOL, { limits: DIRECT });
  await open(near);
  expect(await (await open(near)).closed).toMatchObject({ code: 'MESH_CONNECTION_LOST' });
  const other = await nodes.start({ listen: [] });
  const stream = await open(other);
  await other.stop();
  expect(await stream.closed).toMatchObject({ code: 'MESH_CONNECTION_LOST' });
});

it('ends the stream of a peer that sends too much, and only that', async () => {
  const long = await direct({ far: { ...DIRECT, maxFrameBytes: 1000 } });
  await long.ours.send(randomBytes(1001)).catch(() => undefined);
  expect(await long.theirs.closed).toMatchObject({ code: 'MESH_FRAME_TOO_LONG', fault: 'peer' });
  expect(await long.ours.closed).toMatchObject({ code: 'MESH_CONNECTION_LOST' });
  const many = await direct({ far: { ...DIRECT, maxQueuedFrames: 3 } });
  for (let at = 0; at < 5; at++) await many.ours.send(Buffer.of(at)).catch(() => undefined);
  expect(await many.theirs.closed).toMatchObject({ code: 'MESH_QUEUE_OVERFLOW', fault: 'peer' });
  await expect(direct().then(({ ours }) => ours.send(Buffer.alloc(DIRECT.maxFrameBytes + 1)))).rejects.toMatchObject({ code: 'MESH_SEND_TOO_LONG' });
});

it('survives what is no peer: garbage, no certificate, one of another kind, half a frame', async () => {
  const { near, far } = await direct();
  const gone = async (socket: ReturnType<typeof connectTcp>, bytes?: Uint8Array): Promise<void> => {
    socket.on('error', () => undefined).resume();
    if (bytes !== undefined) socket.write(bytes);
    if (!socket.closed) await new Promise((resolve) => void socket.once('close', resolve));
  };
  await gone(connectTcp(portOf(far), '127.0.0.1'), Buffer.concat([Buffer.of(0x16, 3, 1), randomBytes(600)]));
  const tls = { port: portOf(far), host: '127.0.0.1', rejectUnauthorized: false, minVersion: 'TLSv1.3', ALPNProtocols: [ECHO_PROTOCOL] } as const;
  await gone(connect(tls));
  await gone(connect({ ...tls, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }));
  const keys = await generateCertificate(await generateKeyPair('Ed25519'));
  await gone(connect({ ...tls, ...keys, ALPNProtocols: ['h2'] }));
  const accepted = Promise.withResolvers<FrameStream>();
  await far.handle('/omni-node/half/1.0.0', DIRECT, accepted.resolve);
  const half = connect({ ...tls, ...keys, ALPNProtocols: ['/omni-node/half/1.0.0'] });
  half.on('error', () => undefined).end(Buffer.of(9, 0, 0, 0, 1));
  expect(await (await accepted.promise).closed).toMatchObject({ code: 'MESH_FRAME_TRUNCATED', fault: 'peer' });
  const again = await near.openDirect(addressOf(far), ECHO_PROTOCOL, { limits: DIRECT });
  await again.send(Buffer.from('still here'));
});

it('ends with the node, and is dropped at once when it is aborted', async () => {
  const { far, ours, theirs } = await direct();
  const reason = new RangeError('enough');
  theirs.abort(reason);
  expect(await theirs.closed).toBe(reason);
  await expect(nextFrame(theirs)).rejects.toBe(reason);
  expect(await ours.closed).toMatchObject({ code: 'MESH_CONNECTION_LOST', retryable: true });
  await expect(ours.send(Buffer.of(1))).rejects.toMatchObject({ code: 'MESH_CONNECTION_LOST' });
  const later = await direct();
  await later.far.stop();
  expect(await later.ours.closed).toMatchObject({ code: 'MESH_CONNECTION_LOST' });
  await far.stop();
});
