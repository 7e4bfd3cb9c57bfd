import { afterEach, expect, test } from 'vitest';
import type { PeerSummary, Reachability } from '../../src-main/mesh/index.ts';
import type { PeerProcess, ProcessSetup, Said } from '../support/peer-processes.ts';
import { flowsOf, sentOut, whyNoLans, type Internet, type LansOptions } from '../support/lans.ts';
import { LansRig } from '../support/lans-rig.ts';
import { loopbackNetwork, type NetworkHost } from '../support/network.ts';
import { passPortsOn, whyNoUpnp } from '../support/upnp-router.ts';

const lacks = whyNoLans();
if (lacks !== undefined) console.warn(`tests of peers behind routers skipped, what is left of them runs on the loopback: ${lacks}`);

const PORT = 4001;
const STUN_PORT = 3478;
/** What a direct link may take to come about, after which it did not. */
const UPGRADE = { timeout: 30_000, interval: 100 };

const rig = new LansRig();
afterEach(() => rig.stop());

interface Peer {
  readonly process: PeerProcess;
  readonly id: string;
}

async function start(host: NetworkHost, setup: ProcessSetup = {}): Promise<Peer> {
  const child = rig.start(host, { listen: [`/ip4/${host.address}/tcp/${PORT}`], ...setup });
  return { process: child, id: String((await child.said('ready'))['peer']) };
}

/** A relay that anybody reaches, and LANs around it. */
async function world(options: LansOptions): Promise<{ net: Internet; relay: Peer; relayAddress: string }> {
  const net = rig.internet(options);
  const [host] = net.publicHosts;
  const relay = await start(host!, { isRelay: true, dht: true, nat: { stunServer: { address: host!.address, port: STUN_PORT } } });
  return { net, relay, relayAddress: `/ip4/${host!.address}/tcp/${PORT}/p2p/${relay.id}` };
}

const linksTo = async ({ process }: Peer, peer: Peer): Promise<readonly PeerSummary[]> => ((await process.state())['peers'] as PeerSummary[]).filter((summary) => summary.peer === peer.id);
const linkTo = async (from: Peer, to: Peer): Promise<Partial<PeerSummary>> => (await linksTo(from, to))[0] ?? {};

const through = (relayAddress: string, { id }: Peer): string => `${relayAddress}/p2p-circuit/p2p/${id}`;
const reachabilityOf = async ({ process }: Peer): Promise<Reachability> => (await process.state())['reachability'] as Reachability;
const becomes = (peer: Peer, kind: Reachability['kind']): Promise<Said> => peer.process.said('reachability', (said) => said['kind'] === kind);

/** Each of two hears what the other publishes. */
async function expectToHear(a: Peer, b: Peer, word: string): Promise<void> {
  for (const [from, to] of [[a, b], [b, a]] as const) {
    from.process.tell({ publish: `${word} of ${from.id}` });
    await to.process.said('message', ({ text }) => text === `${word} of ${from.id}`);
  }
}

test.skipIf(lacks !== undefined)('three LANs behind routers join through a relay; two get a direct link by WebRTC, which outlives the relay; one stays relayed and is shown so', async () => {
  const { net, relay, relayAddress } = await world({ publicHosts: 1, lans: [{ hosts: 1, nat: 'cone' }, { hosts: 1, nat: 'cone' }, { hosts: 1, nat: 'symmetric' }] });
  const peers = await Promise.all(net.lans.map(({ hosts }) => start(hosts[0]!, { dht: true, nat: { relays: [relayAddress] } })));
  const [a, b, c] = peers as [Peer, Peer, Peer];
  for (const peer of peers) expect(await peer.process.said('relay')).toMatchObject({ relay: relay.id, addresses: expect.arrayContaining([through(relayAddress, peer)]) });

  // Whoever knows the relay knows the others: that is how they joined, and what they tell of themselves.
  for (const peer of peers) {
    expect(await becomes(peer, 'private')).toMatchObject({ reason: expect.stringContaining(`${relay.id} could not reach /ip4/${net.lans[peers.indexOf(peer)]!.router.address}/tcp/${PORT}`) });
  }
  expect(await becomes(relay, 'public')).toMatchObject({ reason: expect.stringContaining(relayAddress.replace(/\/p2p.*/, '')) });
  await expect.poll(async () => Promise.all([relay, a, b, c].map(async ({ process }) => (await process.state())['dht']))).toEqual(['server', 'client', 'client', 'client']);

  for (const [from, to] of [[a, b], [a, c]] as const) from.process.tell({ dial: through(relayAddress, to) });
  for (const other of [b, c]) await a.process.said('dialled', ({ peer }) => peer === other.id);
  await expect.poll(() => linkTo(a, b), UPGRADE).toMatchObject({ route: 'direct', transport: 'webrtc' });
  await expect.poll(() => linkTo(b, a), UPGRADE).toMatchObject({ route: 'direct', transport: 'webrtc' });
  expect(await linkTo(a, c)).toMatchObject({ route: 'relayed', transport: 'relay + tls + yamux' });
  expect(await linkTo(c, a)).toMatchObject({ route: 'relayed' });
  await expectToHear(a, c, 'over the relay');

  relay.process.kill();
  for (const peer of peers) await expect.poll(() => linksTo(peer, relay)).toEqual([]);
  await expect.poll(() => linksTo(a, c)).toEqual([]);
  await expectToHear(a, b, 'without a relay');
  expect(await linkTo(a, b)).toMatchObject({ route: 'direct' });
});

/** What is left of it where no routers can be made: WebRTC between those that have it, over the relay for those that have not. */
test('three nodes of one machine join through a relay; two get a direct link by WebRTC, which outlives the relay; one stays relayed and is shown so', async () => {
  const [host] = loopbackNetwork(1).hosts;
  const listen = ['/ip4/127.0.0.1/tcp/0'];
  const relay = await start(host!, { isRelay: true, listen });
  const relayAddress = String(((await relay.process.said('ready'))['addresses'] as string[])[0]);
  const [a, b] = await Promise.all([1, 2].map(() => start(host!, { listen, nat: { relays: [relayAddress] } }))) as [Peer, Peer];
  const c = await start(host!, { listen: [`${relayAddress}/p2p-circuit`], nat: {} });
  for (const peer of [a, b]) await peer.process.said('relay');
  for (const to of [b, c]) {
    a.process.tell({ dial: through(relayAddress, to) });
    await a.process.said('dialled', ({ peer }) => peer === to.id);
  }
  await expect.poll(() => linkTo(a, b), UPGRADE).toMatchObject({ route: 'direct', transport: 'webrtc' });
  await expect.poll(() => linkTo(b, a), UPGRADE).toMatchObject({ route: 'direct', transport: 'webrtc' });
  expect(await linkTo(a, c)).toMatchObject({ route: 'relayed', transport: 'relay + tls + yamux' });
  await expectToHear(a, c, 'over the relay');
  relay.process.kill();
  for (const peer of [a, b]) await expect.poll(() => linksTo(peer, relay)).toEqual([]);
  await expectToHear(a, b, 'without a relay');
  for (const { process } of [a, b, c]) expect(await process.stop()).toEqual({ code: 0, errors: '' });
});

test.skipIf(lacks !== undefined)('an attempt by WebRTC that leads nowhere keeps no node alive', async () => {
  const { net, relayAddress } = await world({ publicHosts: 1, lans: [{ hosts: 1, nat: 'cone' }, { hosts: 1, nat: 'symmetric' }] });
  const [a, b] = await Promise.all(net.lans.map(({ hosts }) => start(hosts[0]!, { nat: { relays: [relayAddress] } }))) as [Peer, Peer];
  for (const { process } of [a, b]) await process.said('relay');
  a.process.tell({ dial: through(relayAddress, b) });
  // Both ask what their address looks like once they negotiate.
  for (const lan of net.lans) await expect.poll(() => flowsOf(lan), UPGRADE).toContain(`dport=${STUN_PORT}`);
  expect(await linkTo(a, b)).toMatchObject({ route: 'relayed' });
  for (const { process } of [a, b]) expect(await process.stop()).toEqual({ code: 0, errors: '' });
});

test.skipIf(lacks !== undefined)('a public peer that reached a private one through the relay is dialled by it (DCUtR)', async () => {
  const { net, relayAddress } = await world({ publicHosts: 2, lans: [{ hosts: 1, nat: 'symmetric' }] });
  const [open, hidden] = [await start(net.publicHosts[1]!, { nat: {} }), await start(net.lans[0]!.hosts[0]!, { nat: { relays: [relayAddress] } })];
  await hidden.process.said('relay');
  open.process.tell({ dial: relayAddress });
  await becomes(open, 'public');
  open.process.tell({ dial: through(relayAddress, hidden) });
  await expect.poll(() => linkTo(open, hidden), UPGRADE).toMatchObject({ route: 'direct', direction: 'inbound', transport: 'tcp + tls + yamux' });
  await expect.poll(() => linkTo(hidden, open), UPGRADE).toMatchObject({ route: 'direct', direction: 'outbound' });
  await expectToHear(open, hidden, 'after the relay');
});

test.skipIf(lacks !== undefined)('a node that nobody configured sends nothing out of its LAN; WebRTC asks the STUN server of its relay alone', async () => {
  const internet = rig.internet({ publicHosts: 0, lans: [{ hosts: 3, nat: 'cone' }] });
  const [lan] = internet.lans;
  const [host, ...others] = lan!.hosts;
  const relay = await start(host!, { isRelay: true, nat: { stunServer: { address: host!.address, port: STUN_PORT } } });
  const relayAddress = `/ip4/${host!.address}/tcp/${PORT}/p2p/${relay.id}`;
  // The relay is the only address that these two have.
  const [a, b] = await Promise.all(others.map((each) => start(each, { listen: [], nat: { relays: [relayAddress] } }))) as [Peer, Peer];
  for (const peer of [a, b]) await peer.process.said('relay');
  a.process.tell({ dial: through(relayAddress, b) });
  await expect.poll(() => linkTo(a, b), UPGRADE).toMatchObject({ route: 'direct', transport: 'webrtc' });
  await expectToHear(a, b, 'at home');
  expect((await reachabilityOf(relay)).kind).toBe('unknown');
  expect(sentOut(lan!)).toBe(0);
});

const noUpnp = lacks ?? whyNoUpnp();
if (lacks === undefined && noUpnp !== undefined) console.warn(`tests of routers that pass ports on skipped: ${noUpnp}`);
test.skipIf(noUpnp !== undefined).each(['upnp', 'nat-pmp'] as const)('a router that is asked by %s lets others in, which is believed when one came', async (portMapping) => {
  const { net, relay, relayAddress } = await world({ publicHosts: 1, lans: [{ hosts: 1, nat: 'cone' }] });
  const [lan] = net.lans;
  const stop = await passPortsOn(lan!);
  try {
    const peer = await start(lan!.hosts[0]!, { nat: { portMapping } });
    peer.process.tell({ dial: relayAddress });
    await peer.process.said('dialled');
    const address = `/ip4/${lan!.router.address}/tcp/${PORT}`;
    expect(await becomes(peer, 'public')).toMatchObject({ reason: `peer ${relay.id} reached ${address}` });
    expect((await peer.process.state())['addresses']).toContain(`${address}/p2p/${peer.id}`);
  } finally {
    stop();
  }
});
