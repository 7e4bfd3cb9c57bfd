import { createSocket } from 'node:dgram';
import { askNet, type KnownMember, type NetNow } from '../../api/index.ts';
import { asPeerId, isCoded, peerOf, systemClock, type PeerId } from '../../base/index.ts';
import { askClock, HOP_PROTOCOL, peekIntoHome, type Mesh } from '../../mesh/index.ts';
import type { HostConfig, Settings } from '../config.ts';
import { ensureConnected } from '../connect.ts';
import { ephemeral } from '../infer-pipeline.ts';
import { zoneOptions } from '../mesh-zone.ts';
import { createNode } from '../node.ts';
import type { AppPaths } from '../paths.ts';
import { zoneView } from '../standing.ts';
import type { ClockFact } from './clocks.ts';
import { troubleOf } from './net-now.ts';
import type { NetFacts } from './report.ts';

const MDNS = { host: '224.0.0.251', port: 5353 } as const;
/** Of the address book, when no node runs. */
const MAX_TRIED = 16;

export interface LookOptions {
  readonly paths: AppPaths;
  readonly signal: AbortSignal;
}

type Looked = Omit<NetFacts, 'zone' | 'mdns' | 'nowMs'>;

/**
 * Asks the node that runs with this home, which tries again whom it does not reach. Where none does a passing node looks, with an identity of its own
 * unless an allow-list has to know it. Throws API_CONTROL_FAILED where a node runs and does not answer: there is no second one then.
 */
export async function lookAtNet(settings: Settings, options: LookOptions): Promise<NetFacts> {
  const { config } = settings;
  const now = await askNet(config.home, options.signal).catch((error: unknown) => {
    if (isCoded(error, 'API_NOT_RUNNING')) return undefined;
    throw error;
  });
  if (now !== undefined) return factsOf(now, config);
  const zone = await zoneFacts(config);
  return { ...await lookFromHere(settings, { ...options, hasZone: !('trouble' in zone) }), zone, ...await surroundings(config) };
}

/** With what a node that runs said of itself. */
export const factsOf = async (now: NetNow, config: HostConfig): Promise<NetFacts> => ({ ...told(now), zone: await zoneFacts(config), ...await surroundings(config) });

const surroundings = async ({ mdns }: HostConfig): Promise<Pick<NetFacts, 'mdns' | 'nowMs'>> => ({ mdns: { isOn: mdns, hasRoute: await hasMulticastRoute() }, nowMs: systemClock.now() });

const told = ({ peerId, pid, trouble, addresses, standing, relays, members, clocks }: NetNow): Looked => ({
  running: { peerId, pid, ...(trouble === undefined ? {} : { trouble }) }, listening: { addresses }, reachability: standing.reachability, relays, members, clocks,
});

async function zoneFacts(config: HostConfig): Promise<NetFacts['zone']> {
  try {
    const { zone } = await zoneOptions(config);
    return { ...zoneView(zone ?? { kind: 'public' }), allowed: config.zone === 'private' ? config.allowPeers.length : 0 };
  } catch (error) {
    return { trouble: troubleOf(error) };
  }
}

/** Without its zone no node can be made, and nothing else be known. */
async function lookFromHere(settings: Settings, { hasZone, paths, signal }: LookOptions & { readonly hasZone: boolean }): Promise<Looked> {
  const { listen } = settings.config;
  if (!hasZone) return { running: undefined, listening: { addresses: listen }, relays: [], members: [], clocks: [] };
  const listening = await tryListening(settings, paths);
  return withNode(ephemeral(settings), paths, async (mesh): Promise<Looked> => {
    const [relays, members] = await Promise.all([tryRelays(mesh, settings.config, signal), tryMembers(mesh, settings.config, signal)]);
    const connected = members.filter(({ isConnected }) => isConnected).map(({ peerId }) => asPeerId(peerId));
    return { running: undefined, listening, relays, members, clocks: await clocksOf(mesh, connected, signal) };
  });
}

/** Relays are tried apart: a listener waits for them. */
async function tryListening(settings: Settings, paths: AppPaths): Promise<NetFacts['listening']> {
  const listen = settings.config.listen.filter((address) => !address.includes('/p2p-circuit') && !address.startsWith('/webrtc'));
  try {
    await withNode({ ...settings, config: { ...settings.config, listen } }, paths, () => Promise.resolve());
    return { addresses: listen };
  } catch (error) {
    return { trouble: troubleOf(error) };
  }
}

function tryRelays(mesh: Mesh, { relays, listen }: HostConfig, signal: AbortSignal): Promise<NetFacts['relays']> {
  const wanted = [...relays, ...listen.flatMap((address) => /^(.+)\/p2p-circuit$/.exec(address)?.[1] ?? [])];
  return Promise.all([...new Set(wanted)].map(async (address) => {
    try {
      const peer = await mesh.dial(address, { signal });
      await mesh.ping(peer, { signal });
      const { protocols = [] } = mesh.peers().find((one) => one.peer === peer) ?? {};
      const isNone = protocols.length > 0 && !protocols.includes(HOP_PROTOCOL);
      return { address, isHeld: !isNone, ...(isNone ? { trouble: { code: 'MESH_RELAY_REFUSED', message: 'it is none', reason: 'the node there is no relay' } } : {}) };
    } catch (error) {
      return { address, isHeld: false, trouble: troubleOf(error) };
    }
  }));
}

async function tryMembers(mesh: Mesh, { home, peers }: HostConfig, signal: AbortSignal): Promise<KnownMember[]> {
  const book = await peekIntoHome(home, systemClock);
  const named = Map.groupBy(peers.filter((address) => peerOf(address) !== undefined), (address) => peerOf(address) as PeerId);
  const ids = [...new Set([...named.keys(), ...book.slice(0, MAX_TRIED).map(({ peer }) => peer)])];
  return Promise.all(ids.map(async (peer): Promise<KnownMember> => {
    const entry = book.find((one) => one.peer === peer);
    const addresses = [...new Set([...named.get(peer) ?? [], ...entry?.addresses.map(({ address }) => address) ?? []])];
    // A ping more: a peer of another version is met, and not understood.
    const trouble = await ensureConnected(mesh, { peer, addresses, signal }).then(() => mesh.ping(peer, { signal })).then(() => undefined, troubleOf);
    return {
      peerId: peer, addresses, isNamed: named.has(peer), isConnected: trouble === undefined, ...(entry === undefined ? {} : { seenAt: entry.seenAt }),
      ...(trouble === undefined ? {} : { missed: { since: systemClock.now(), trouble } }),
    };
  }));
}

async function clocksOf(mesh: Mesh, peers: readonly PeerId[], signal: AbortSignal): Promise<ClockFact[]> {
  const found = await Promise.all(peers.map(async (peerId) => ({ peerId, aheadMs: await askClock(peerId, { mesh, clock: systemClock, signal }).catch(() => undefined) })));
  return found.flatMap(({ peerId, aheadMs }) => (aheadMs === undefined ? [] : [{ peerId, aheadMs }]));
}

async function withNode<T>(settings: Settings, paths: AppPaths, work: (mesh: Mesh) => Promise<T>): Promise<T> {
  const node = await createNode({ settings, paths, shards: [], identity: 'ephemeral' });
  try {
    await node.start();
    return await work(node.mesh);
  } finally {
    await node.stop();
  }
}

/** Whether the system knows a way to mDNS's group: nothing is sent. */
function hasMulticastRoute(): Promise<boolean> {
  const socket = createSocket('udp4');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('error', () => resolve(false));
  socket.connect(MDNS.port, MDNS.host, () => resolve(true));
  return promise.finally(() => socket.close());
}
