import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf, connectionsTo, ECHO_PROTOCOL, nextFrame, streamBetween, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import type { FrameStream, Mesh, ProtocolLimits } from '../types.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

const RELAYED: ProtocolLimits = { ...TEST_LIMITS, relayed: true };

/** Frames of all sizes there, part of each back, and a clean end. */
async function expectCarries(pair: { near: Mesh; far: Mesh }, limits: ProtocolLimits = TEST_LIMITS): Promise<void> {
  const [ours, theirs] = await streamBetween(pair, { near: limits, far: limits });
  expect([ours.peer, theirs.peer]).toEqual([pair.far.peerId, pair.near.peerId]);
  const frames = Array.from({ length: 24 }, (_, index) => randomBytes(index % 8 === 0 ? 300_000 : 1 + index * 17));
  const sending = (async () => { for (const frame of frames) await ours.send(frame); })();
  for (const frame of frames) {
    expect(frame.equals(await nextFrame(theirs))).toBe(true);
    await theirs.send(frame.subarray(0, 8));
    expect(frame.subarray(0, 8).equals(await nextFrame(ours))).toBe(true);
  }
  await sending;
  void theirs.close();
  await ours.close();
  expect([await ours.closed, await theirs.closed]).toEqual([undefined, undefined]);
}

describe.each([
  ['/ip4/127.0.0.1/tcp/0', /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+$/, 'tcp + tls + yamux'],
  ['/ip4/127.0.0.1/tcp/0/ws', /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/\w+$/, 'ws + tls + yamux'],
  ['/ip4/127.0.0.1/udp/0/quic-v1', /^\/ip4\/127\.0\.0\.1\/udp\/\d+\/quic-v1\/p2p\/\w+$/, 'quic'],
  ['/ip4/127.0.0.1/udp/0/webrtc-direct', /^\/ip4\/127\.0\.0\.1\/udp\/\d+\/webrtc-direct\/certhash\/[\w-]+\/p2p\/\w+$/, 'webrtc-direct'],
])('%s', (listen, printed, transport) => {
  it('lists its address, is loaded when that is dialled, and carries frames both ways', async () => {
    const [near, far] = [await nodes.start({ listen: [] }), await nodes.start({ listen: [listen] })];
    expect(far.addresses()).toEqual([expect.stringMatching(printed)]);
    expect(await near.dial(addressOf(far))).toBe(far.peerId);
    expect(near.peers()).toMatchObject([{ peer: far.peerId, transport, route: 'direct', direction: 'outbound' }]);
    await expectCarries({ near, far });
    expect(far.peers()).toMatchObject([{ peer: near.peerId, transport, route: 'direct', direction: 'inbound' }]);
  });

  const connected = async () => {
    const [near, far] = [await nodes.start({ listen: [] }), await nodes.start({ listen: [listen] })];
    await near.dial(addressOf(far));
    const [ours, theirs] = await streamBetween({ near, far });
    await theirs.send(Buffer.from('last'));
    expect(Buffer.from(await nextFrame(ours)).toString()).toBe('last');
    return { near, far, ours, theirs };
  };

  it('tells a stream that is reset from one that has ended', async () => {
    const { ours, theirs } = await connected();
    theirs.abort(new TypeError('changed its mind'));
    await expect(nextFrame(ours)).rejects.toMatchObject({ code: expect.stringMatching(/^MESH_/) });
    expect(await ours.closed).toBeDefined();
  });

  // Aborting a WebSocket waits for the other side's word, and is no loss.
  it.skipIf(listen.endsWith('/ws'))('tells a stream that is lost with its connection from one that has ended', async () => {
    const { near, far, ours, theirs } = await connected();
    for (const connection of connectionsTo(far, near.peerId)) connection.abort(new TypeError('pulled out'));
    await expect(nextFrame(ours)).rejects.toMatchObject({ code: expect.stringMatching(/^MESH_/) });
    await expect(nextFrame(theirs)).rejects.toMatchObject({ code: 'MESH_CONNECTION_LOST' });
    expect([await ours.closed, await theirs.closed]).not.toContain(undefined);
  });

  it('proves who is there', async () => {
    const [near, far, third] = [await nodes.start({ listen: [] }), await nodes.start({ listen: [listen] }), await nodes.start()];
    const address = addressOf(far).replace(far.peerId, third.peerId);
    await expect(near.dial(address)).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'wrong identity' } });
    expect(near.peers()).toEqual([]);
  });
});

it('listens on several transports at once, with the direct streams on the TCP port as before', async () => {
  const far = await nodes.start({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/udp/0/quic-v1'] });
  expect(far.addresses()).toHaveLength(3);
  const direct: ProtocolLimits = { ...TEST_LIMITS, direct: true };
  const accepted = Promise.withResolvers<FrameStream>();
  await far.handle(ECHO_PROTOCOL, direct, accepted.resolve);
  const near = await nodes.start({ listen: [] });
  const tcp = far.addresses().find((address) => /\/tcp\/\d+\/p2p\//.test(address)) ?? '';
  const ours = await near.openDirect(tcp, ECHO_PROTOCOL, { limits: direct });
  await ours.send(Buffer.from('direct'));
  expect(Buffer.from(await nextFrame(await accepted.promise)).toString()).toBe('direct');
});

it('WebRTC over a relay needs it for the negotiation only', async () => {
  const { relay, far, address } = await nodes.behindRelay({ listen: ['/webrtc'] });
  const webrtc = address.replace('/p2p-circuit/', '/p2p-circuit/webrtc/');
  expect(far.addresses()).toContain(webrtc);
  const near = await nodes.start({ listen: [] });
  expect(await near.dial(webrtc)).toBe(far.peerId);
  expect(near.peers()).toContainEqual(expect.objectContaining({ peer: far.peerId, transport: 'webrtc', route: 'direct' }));
  await relay.stop();
  await expectCarries({ near, far });
  expect(far.peers()).toMatchObject([{ peer: near.peerId, transport: 'webrtc', route: 'direct' }]);
}, 30_000);

describe('WebRTC', () => {
  /** The exit code of a process of mesh/testing, and the last that it said. */
  /** With which code, and whether it said before that it stopped. The native part may write beside it, amid a line too. */
  async function endOf(script: string): Promise<readonly [unknown, boolean]> {
    const child = spawn(process.execPath, [fileURLToPath(new URL(`../testing/${script}.ts`, import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [[code], said] = await Promise.all([once(child, 'exit'), child.stdout.toArray()]);
      return [code, Buffer.concat(said).toString().includes('stopped\n')];
    } finally {
      child.kill('SIGKILL');
    }
  }

  it('keeps no process alive, whenever an attempt was called off', async () => {
    expect(await endOf('webrtc-process')).toEqual([0, true]);
  });

  it('ends in order where it listened for browsers, though somebody goes on asking to be let in', async () => {
    expect(await endOf('webrtc-listener-process')).toEqual([0, true]);
  });

  it('goes on for the other meshes of a process when one stops, and begins anew after the last', async () => {
    for (let round = 0; round < 2; round++) {
      const { far, address } = await nodes.behindRelay({ listen: ['/webrtc'] });
      const [near, third] = [await nodes.start({ listen: [] }), await nodes.start({ listen: [] })];
      const webrtc = address.replace('/p2p-circuit/', '/p2p-circuit/webrtc/');
      for (const one of [near, third]) await one.dial(webrtc);
      await third.stop();
      await expectCarries({ near, far });
      await nodes.stop();
    }
  });
});

describe('a relay', () => {
  it('carries the frames of protocols that allow it, and shows that it does', async () => {
    const { far, address } = await nodes.behindRelay();
    expect(far.addresses()).toContain(address);
    const near = await nodes.start({ listen: [] });
    expect(await near.dial(address)).toBe(far.peerId);
    expect(near.peers()).toContainEqual(expect.objectContaining({ peer: far.peerId, transport: 'relay + tls + yamux', route: 'relayed' }));
    await expectCarries({ near, far }, RELAYED);
    expect(far.peers()).toContainEqual(expect.objectContaining({ peer: near.peerId, route: 'relayed' }));
  });

  it('does not carry others, as long as it limits bytes', async () => {
    const { far, address } = await nodes.behindRelay();
    const near = await nodes.start({ listen: [] });
    await near.dial(address);
    await far.handle(ECHO_PROTOCOL, TEST_LIMITS, () => undefined);
    await expect(near.open(far.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS })).rejects.toMatchObject({ code: 'MESH_ONLY_RELAYED', fault: 'local' });
  });

  it('has no limits for members', async () => {
    const { far, address } = await nodes.behindRelay({ isMember: true });
    const near = await nodes.start({ listen: [] });
    await near.dial(address);
    await expectCarries({ near, far });
  });

  it('connects nobody with a peer that has no place at it', async () => {
    const { far, address } = await nodes.behindRelay();
    const [near, third] = [await nodes.start({ listen: [] }), await nodes.start()];
    await expect(near.dial(address.replace(far.peerId, third.peerId))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
  });
});
