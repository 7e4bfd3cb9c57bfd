import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerId } from '../../base/index.ts';
import { connectionsTo, ECHO_PROTOCOL, libp2pOf, LOOPBACK, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import { kindOf } from '../transports/kinds.ts';
import type { Mesh } from '../types.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

/** Two nodes with a connection over TCP and then one over QUIC. */
async function twice() {
  const far = await nodes.start({ listen: [LOOPBACK, '/ip4/127.0.0.1/udp/0/quic-v1'] });
  const near = await nodes.start({ listen: [], transports: ['quic'] });
  const [tcp = '', quic = ''] = far.addresses().toSorted((a, b) => Number(a.includes('quic')) - Number(b.includes('quic')));
  await near.dial(tcp);
  await libp2pOf(near).dial(multiaddr(quic), { force: true });
  return { near, far };
}

const summary = (mesh: Mesh, peer: PeerId) => mesh.peers().find((known) => known.peer === peer);

/** Both connections are measured, and the summary says so. */
async function measured(mesh: Mesh, peer: PeerId): Promise<string> {
  for (;;) {
    const why = summary(mesh, peer)?.why ?? '';
    if (/^\w+ [\d.]+ ms, \w+ [\d.]+ ms$/.test(why)) return why;
    await new Promise(setImmediate);
  }
}

describe('several connections to one peer', () => {
  it('are measured; new streams take the quicker, which is what is shown', async () => {
    const { near, far } = await twice();
    expect(connectionsTo(near, far.peerId).map(({ remoteAddr }) => kindOf(remoteAddr))).toEqual(['tcp', 'quic']);
    const why = await measured(near, far.peerId);
    const [taken, takenMs = '0', , otherMs = '0'] = why.split(/[ ,]+ms,? ?|[ ,]+/).filter((word) => word !== '');
    // What is taken is not much slower than the other: it may have been there first.
    expect(Number(takenMs)).toBeLessThanOrEqual(Number(otherMs) * 1.25 + 0.11);
    expect(near.peers()).toHaveLength(1);
    expect(summary(near, far.peerId)).toMatchObject({ route: 'direct', transport: expect.stringMatching(new RegExp(`^${taken}`)) });

    await far.handle(ECHO_PROTOCOL, TEST_LIMITS, () => undefined);
    await near.open(far.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS });
    const over = connectionsTo(near, far.peerId).filter(({ streams }) => streams.some(({ protocol }) => protocol === ECHO_PROTOCOL));
    expect(over.map(({ remoteAddr }) => kindOf(remoteAddr))).toEqual([taken]);
  });

  it('stand in for each other: what is left is taken when one goes', async () => {
    const { near, far } = await twice();
    await measured(near, far.peerId);
    const { transport = '' } = summary(near, far.peerId) ?? {};
    const taken = connectionsTo(near, far.peerId).find(({ remoteAddr }) => transport.startsWith(kindOf(remoteAddr) ?? 'none'));
    await taken?.close();
    expect(summary(near, far.peerId)).toMatchObject({ peer: far.peerId, why: 'the only connection' });
    expect(summary(near, far.peerId)?.transport).not.toBe(transport);
    expect(await near.ping(far.peerId)).toBeGreaterThan(0);
  });
});
