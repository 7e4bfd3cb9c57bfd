import { createSocket } from 'node:dgram';
import { peerOf, toCoded } from '../../base/index.ts';
import { askPeers, askRunningHost } from '../../api/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { Settings } from '../config.ts';
import { ephemeral } from '../infer-pipeline.ts';
import { createNode } from '../node.ts';
import type { AppPaths } from '../paths.ts';
import type { NetFacts, Trouble } from './report.ts';

const MDNS = { host: '224.0.0.251', port: 5353 } as const;

/** Looks for itself: asks the node that runs with this home, if one does, and dials the members that it does not hold from a passing node. */
export async function lookAtNet(settings: Settings, { paths, signal }: { readonly paths: AppPaths; readonly signal: AbortSignal }): Promise<NetFacts> {
  const { home, mdns, peers: members } = settings.config;
  const running = await askRunningHost(home, signal).catch(() => undefined);
  const peers = running === undefined ? undefined : await askPeers(home, signal).catch(() => undefined);
  const connected = new Set(peers?.peers.flatMap(({ peerId, link }) => (link === undefined ? [] : [peerId])));
  return {
    isRunning: running !== undefined,
    listening: running === undefined ? await tryListening(settings, paths) : { addresses: running.addresses ?? [] },
    ...(peers?.standing === undefined ? {} : { reachability: peers.standing.reachability }),
    members: await dialMembers(settings, { members, connected, paths, signal }),
    mdns: { isOn: mdns, hasRoute: await hasMulticastRoute() },
  };
}

async function tryListening(settings: Settings, paths: AppPaths): Promise<NetFacts['listening']> {
  try {
    return await withNode(settings, paths, (mesh) => Promise.resolve({ addresses: mesh.addresses().map((address) => address.split('/p2p/')[0] ?? address) }));
  } catch (error) {
    return troubleOf(error);
  }
}

interface Dials {
  readonly members: readonly string[];
  readonly connected: ReadonlySet<string>;
  readonly paths: AppPaths;
  readonly signal: AbortSignal;
}

async function dialMembers(settings: Settings, { members, connected, paths, signal }: Dials): Promise<NetFacts['members']> {
  if (members.every((address) => connected.has(peerOf(address) ?? ''))) return members.map((address) => ({ address }));
  return withNode(ephemeral(settings), paths, (mesh) => Promise.all(members.map(async (address) => {
    if (connected.has(peerOf(address) ?? '')) return { address };
    // A ping more: a peer of another version is met, and not understood.
    const trouble = await mesh.dial(address, { signal }).then((peer) => mesh.ping(peer, { signal })).then(() => undefined, troubleOf);
    return trouble === undefined ? { address } : { address, trouble };
  })));
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

function troubleOf(error: unknown): Trouble {
  const { code, message, next } = toCoded(error);
  return { code, message, ...(next === undefined ? {} : { next }) };
}

/** Whether the system knows a way to mDNS's group: nothing is sent. */
function hasMulticastRoute(): Promise<boolean> {
  const socket = createSocket('udp4');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('error', () => resolve(false));
  socket.connect(MDNS.port, MDNS.host, () => resolve(true));
  return promise.finally(() => socket.close());
}
