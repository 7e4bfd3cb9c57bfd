import type { Stream } from '@libp2p/interface';
import { afterEach, describe, expect, test } from 'vitest';
import { Counted } from '../testing/counted.ts';
import { addressOf, connectionsTo, libp2pOf, TestNodes } from '../testing/nodes.ts';
import type { Mesh } from '../types.ts';
import { newZoneKey } from '../zone/zone-key.ts';
import { namedRelays } from './chosen-relays.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());
const STOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/stop';
/** As the stream tells it, or as it is when it was reset sooner. */
const RESET = /^(StreamResetError|reset)$/;
const A = '12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq';
const B = '12D3KooWQ138LwnVriSzwkdLwZ6uTkdKNxNMtnfgF2EbnBXxaL8R';

test('relays are named by the addresses to listen on and by the list of relays, by nothing else', () => {
  const listen = ['/ip4/127.0.0.1/tcp/1', `/ip4/127.0.0.1/tcp/1/p2p/${A}/p2p-circuit`, '/webrtc'];
  expect(namedRelays({ listen, nat: { relays: [`/dns4/relay.example/tcp/1/p2p/${B}`] } })).toEqual(new Set([A, B]));
  expect(namedRelays({ listen: [`/ip4/127.0.0.1/tcp/1/p2p/${A}`] })).toEqual(new Set());
});

describe.each(['public', 'private'] as const)('in a %s zone', (kind) => {
  const zone = kind === 'private' ? { kind, key: newZoneKey() } : { kind };

  /** What becomes of a stream by which a peer says that it is a relay and brings a connection. */
  async function stopAt(from: Mesh, to: Mesh): Promise<string> {
    await from.dial(addressOf(to));
    const stream = await connectionsTo(from, to.peerId)[0]?.newStream(STOP_PROTOCOL) as Stream;
    const { promise, resolve } = Promise.withResolvers<string>();
    stream.addEventListener('message', () => resolve('answered'));
    stream.addEventListener('close', ({ error }) => resolve(error?.name ?? 'closed'));
    if (stream.status !== 'open') return stream.status;
    // A length, then StopMessage { type: CONNECT, peer: { id } }.
    const id = Buffer.from(libp2pOf(from).peerId.toMultihash().bytes);
    stream.send(Buffer.concat([Buffer.of(id.length + 6, 0x08, 0, 0x12, id.length + 2, 0x0a, id.length), id]));
    return promise;
  }

  test('a peer that nobody named as a relay brings no connection, is asked for no place, and is counted', async () => {
    const counted = new Counted();
    const named = await nodes.start({ zone, relayServer: {} });
    const victim = await nodes.start({ zone, metrics: counted.metrics, listen: ['/ip4/127.0.0.1/tcp/0', `${addressOf(named)}/p2p-circuit`] });
    const before = victim.addresses();
    const rogue = await nodes.start({ zone, relayServer: {} });
    expect(await stopAt(rogue, victim)).toMatch(RESET);
    expect(counted.of('ZONE_RELAY_NOT_NAMED')).toBe(1);
    expect(victim.addresses()).toEqual(before);
    // It is a peer like others all the same.
    expect(await rogue.ping(victim.peerId)).toBeGreaterThan(0);
    const far = await nodes.start({ zone, listen: [] });
    expect(await far.dial(before.find((address) => address.includes('p2p-circuit')) ?? '')).toBe(victim.peerId);
    expect(counted.of('ZONE_RELAY_NOT_NAMED')).toBe(1);
  });

  test('who only dials through a relay is reached through none', async () => {
    const counted = new Counted();
    const relay = await nodes.start({ zone, relayServer: {} });
    const far = await nodes.start({ zone, listen: [`${addressOf(relay)}/p2p-circuit`] });
    const victim = await nodes.start({ zone, metrics: counted.metrics });
    // The transport is loaded by this dial.
    expect(await victim.dial(`${addressOf(relay)}/p2p-circuit/p2p/${far.peerId}`)).toBe(far.peerId);
    expect(await stopAt(await nodes.start({ zone }), victim)).toMatch(RESET);
    expect(counted.of('ZONE_RELAY_NOT_NAMED')).toBe(1);
    expect(await victim.ping(far.peerId)).toBeGreaterThan(0);
  });
});
