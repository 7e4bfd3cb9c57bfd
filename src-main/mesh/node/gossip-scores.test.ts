import { PeerScore, type PeerScoreParams } from '@libp2p/gossipsub/score';
import type { Stream } from '@libp2p/interface';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asPeerId, Events, ManualClock, systemClock, type PeerId } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { GOSSIP_RPC_MAX_BYTES } from '../options.ts';
import { publishRpc } from '../testing/pubsub-message.ts';
import { TOPICS, type MeshEvents } from '../types.ts';
import { Conduct } from '../zone/conduct.ts';
import { AUTHOR_MESSAGES, MAX_FAULTS, MESSAGE_WINDOW_MS } from '../zone/constants.ts';
import { IdleSessions } from '../zone/idle-sessions.ts';
import { createMeshLibp2p, type MeshLibp2p } from './create-libp2p.ts';
import { GRAYLIST, scoreParams, THRESHOLDS } from './gossip-scores.ts';
import { Gossip } from './gossip.ts';

const TOPIC = 'omni/test/v1';

describe('a score by the figures', () => {
  const params = scoreParams(() => 0);
  const still = { connected: true, expire: 0, knownIPs: new Set<string>(), behaviourPenalty: 0 };
  const inMesh = { inMesh: true, graftTime: 0, meshTime: 600_000, firstMessageDeliveries: 0, meshMessageDeliveries: 0, meshMessageDeliveriesActive: true, meshFailurePenalty: 0, invalidMessageDeliveries: 0 };
  const scoreOf = (changes: Partial<typeof inMesh>, { from = params, ips = new Map() }: { from?: PeerScoreParams; ips?: Map<string, Set<string>> } = {}): number => {
    const score = new PeerScore(from, null, { forComponent: () => () => undefined } as never, { scoreCacheValidityMs: 0 });
    score.peerStats.set('p', { ...still, knownIPs: new Set(ips.keys()), topics: { [TOPIC]: { ...inMesh, ...changes } } });
    for (const [ip, peers] of ips) score.peerIPs.set(ip, peers);
    return score.score('p');
  };

  test('who delivers nothing, late or only what others had, is not punished', () => {
    expect(scoreOf({})).toBeGreaterThanOrEqual(0);
    expect(scoreOf({ meshFailurePenalty: 100 })).toBeGreaterThanOrEqual(0);
  });

  test('one invalid message costs the place in the mesh, the fifth the ear; being useful before buys none of it', () => {
    expect(scoreOf({ invalidMessageDeliveries: 1 })).toBeLessThan(0);
    expect(scoreOf({ invalidMessageDeliveries: 4, firstMessageDeliveries: 1000 })).toBeGreaterThan(GRAYLIST);
    expect(scoreOf({ invalidMessageDeliveries: 5, firstMessageDeliveries: 1e6, meshTime: 1e9 })).toBeLessThan(GRAYLIST);
  });

  test('faults lead to the graylist before they lead to a ban', () => {
    const withFaults = (faults: number): number => scoreOf({ firstMessageDeliveries: 1e6 }, { from: scoreParams(() => faults) });
    expect(withFaults(1)).toBeLessThan(0);
    expect(withFaults(MAX_FAULTS)).toBeLessThan(GRAYLIST);
    expect(withFaults(6)).toBeGreaterThan(GRAYLIST);
  });

  test('thirty nodes of a house are welcome, a hundred ids behind one address are not; this machine has as many as it likes', () => {
    const ids = (count: number, ip: string) => new Map([[ip, new Set(Array.from({ length: count }, (_, id) => String(id)))]]);
    const at = (count: number, ip: string): number => scoreOf({}, { ips: ids(count, ip) });
    expect(at(30, '203.0.113.7')).toBeGreaterThanOrEqual(0);
    expect(at(100, '203.0.113.7')).toBeLessThan(GRAYLIST);
    expect(at(100, '127.0.0.1')).toBeGreaterThanOrEqual(0);
  });

  test('thresholds are in the order that gossipsub wants, and every topic counts', () => {
    const { gossipThreshold, publishThreshold, graylistThreshold } = THRESHOLDS;
    expect([0, gossipThreshold, publishThreshold, graylistThreshold].every((value, i, all) => i === 0 || value < all[i - 1]!)).toBe(true);
    expect(Object.keys(params.topics)).toEqual([...TOPICS]);
  });
});

describe('nodes', () => {
  const clock = new ManualClock(systemClock.now());
  let victim: MeshLibp2p;
  let rogue: MeshLibp2p;
  let honest: MeshLibp2p;
  let refusals: string[];
  let heard: { from: PeerId; text: string }[];
  let banned: PeerId[];
  let gossip: Gossip;
  let conduct: Conduct;

  async function node(faultsOf: (peer: PeerId) => number = () => 0): Promise<MeshLibp2p> {
    const made = await createMeshLibp2p(await loadIdentity({ kind: 'ephemeral' }), { listen: ['/ip4/127.0.0.1/tcp/0'], identity: { kind: 'ephemeral' }, mdns: false, agent: 'x/1' }, { faultsOf, refused: (code) => void refusals.push(code) });
    await made.start();
    return made;
  }
  const idOf = (libp2p: MeshLibp2p): PeerId => asPeerId(libp2p.peerId.toString());
  const say = (by: MeshLibp2p, data: string | Uint8Array): Promise<unknown> => by.services.pubsub.publish(TOPIC, Buffer.from(data));

  /** Looks again at each of the victim's heartbeats and messages. */
  function until(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { pubsub } = victim.services;
    const check = (): void => { if (isSo()) resolve(); };
    pubsub.addEventListener('gossipsub:heartbeat', check);
    check();
    return promise.finally(() => pubsub.removeEventListener('gossipsub:heartbeat', check));
  }
  // Of gossipsub's class, not of its interface.
  const inner = () => victim.services.pubsub as unknown as { getMeshPeers(topic: string): string[]; getScore(peer: string): number };
  const inMesh = (of: MeshLibp2p): boolean => inner().getMeshPeers(TOPIC).includes(idOf(of));
  const scoreOf = (of: MeshLibp2p): number => inner().getScore(idOf(of));

  beforeEach(async () => {
    [refusals, heard, banned] = [[], [], []];
    conduct = new Conduct(clock, (peer) => void banned.push(peer));
    victim = await node((peer) => conduct.faultsOf(peer));
    const events = new Events<MeshEvents>();
    events.on('topic:message', ({ from, data }) => void heard.push({ from, text: Buffer.from(data).toString() }));
    gossip = new Gossip({ libp2p: victim, events, clock, metrics: { refused: (code) => void refusals.push(code) }, watch: { conduct, sessions: new IdleSessions(clock) } });
    gossip.start();
    [rogue, honest] = [await node(), await node()];
    for (const peer of [rogue, honest]) {
      peer.services.pubsub.subscribe(TOPIC);
      await peer.dial(victim.getMultiaddrs()[0]!);
    }
    await until(() => inMesh(rogue) && inMesh(honest));
  });
  afterEach(() => Promise.all([victim.stop(), rogue.stop(), honest.stop()]));

  test('a peer that sends invalid messages is pruned, then graylisted; the honest one beside it is heard, and stays', async () => {
    await say(rogue, Buffer.of(0xff, 1));
    await until(() => scoreOf(rogue) < 0 && !inMesh(rogue));
    expect(scoreOf(rogue)).toBeGreaterThan(GRAYLIST);
    for (let i = 2; i < 7; i++) await say(rogue, Buffer.of(0xff, i));
    await until(() => scoreOf(rogue) < GRAYLIST);
    const drops = refusals.filter((code) => code === 'ZONE_GRAYLISTED').length;
    await say(rogue, 'now a good one');
    await until(() => refusals.filter((code) => code === 'ZONE_GRAYLISTED').length > drops);
    await say(honest, 'me');
    await until(() => heard.length > 0);
    expect(heard).toEqual([{ from: idOf(honest), text: 'me' }]);
    expect(inMesh(honest)).toBe(true);
    expect(scoreOf(honest)).toBeGreaterThanOrEqual(0);
  });

  test('a peer that floods with valid messages is heard so far, graylisted and given up; one that repeats others’ words pays nothing', async () => {
    for (let i = 0; i < AUTHOR_MESSAGES.burst + 8; i++) await say(rogue, `flood ${i}`);
    await until(() => refusals.filter((code) => code === 'ZONE_MESSAGE_FLOOD').length >= 8);
    expect(heard).toHaveLength(AUTHOR_MESSAGES.burst);
    await until(() => scoreOf(rogue) < 0 && !inMesh(rogue));
    for (let i = 0; i < MAX_FAULTS; i++) await say(rogue, `more ${i}`);
    await until(() => scoreOf(rogue) < GRAYLIST || banned.length > 0);
    await say(honest, 'me');
    await until(() => heard.at(-1)?.text === 'me');
    expect(scoreOf(honest)).toBeGreaterThanOrEqual(0);
    expect(banned).not.toContain(idOf(honest));
  });

  test('a message that is sent again within the window is not heard again, though gossipsub forgot it', async () => {
    const validator = victim.services.pubsub.topicValidators.get(TOPIC)!;
    const key = await loadIdentity({ kind: 'ephemeral' });
    const message = { type: 'signed' as const, from: rogue.peerId, topic: TOPIC, data: Buffer.from('x'), sequenceNumber: 7n, signature: new Uint8Array(), key: key.publicKey };
    expect(await validator(rogue.peerId, message)).toBe('accept');
    clock.advance(MESSAGE_WINDOW_MS - 1);
    expect(await validator(honest.peerId, message)).toBe('ignore');
    expect(refusals).toContain('ZONE_MESSAGE_REPLAYED');
  });

  test('a message that nobody signed, what is no message, and what is longer than all limits, are counted and end with who sent them', async () => {
    const raw = async (bytes: Uint8Array): Promise<Stream> => {
      const stream = await rogue.getConnections()[0]!.newStream('/meshsub/1.2.0');
      stream.send(bytes);
      return stream;
    };
    await raw(await publishRpc({ author: (await loadIdentity({ kind: 'ephemeral' })).publicKey, topic: TOPIC, data: Buffer.from('x') }));
    await until(() => refusals.includes('ZONE_MESSAGE_INVALID'));
    await raw(Buffer.of(4, 0xff, 0xff, 0xff, 0xff));
    await until(() => refusals.includes('ZONE_RPC_INVALID'));
    const length = GOSSIP_RPC_MAX_BYTES * 4;
    await raw(Buffer.concat([Buffer.of((length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, ((length >> 14) & 0x7f) | 0x80, length >> 21), Buffer.alloc(64 * 1024)]));
    await until(() => !victim.services.pubsub.getPeers().some((peer) => peer.equals(rogue.peerId)));
    expect(refusals).toContain('ZONE_RPC_TOO_LONG');
    expect(conduct.faultsOf(idOf(rogue))).toBeGreaterThan(0);
    await say(honest, 'still');
    await until(() => heard.length > 0);
    expect(heard).toEqual([{ from: idOf(honest), text: 'still' }]);
  });
});
