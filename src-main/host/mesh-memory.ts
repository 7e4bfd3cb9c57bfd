import { existsSync } from 'node:fs';
import { asPeerId, peerOf, toCoded, type PeerId } from '../base/index.ts';
import type { NodeReport } from '../pipeline/index.ts';
import { Catalog, type FitAbsent, type FitPeer } from '../store/index.ts';
import type { HostConfig, Settings } from './config.ts';
import { ensureConnected } from './connect.ts';
import { catalogPath } from './local-store.ts';
import type { Node } from './node.ts';
import { PeerRoutes } from './peer-routes.ts';
import { withNode } from './plan-pipeline.ts';

/** Of known peers altogether: they are asked for the user's convenience. */
const KNOWN_MS = 3000;
/** Members that announced something, of late first, besides those of the configuration. */
const MAX_MEMBERS = 8;

export interface AskOptions {
  readonly signal: AbortSignal;
  /** Time for all known peers together; 3 s when absent. */
  readonly knownMs?: number | undefined;
}

export interface PeerToAsk {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
}

/** What a peer said of its memory. */
export interface AskedPeer {
  readonly peerId: PeerId;
  readonly isNamed: boolean;
  /** Null: it is known, and did not answer in time. */
  readonly freeBytes: number | null;
  /** Named ones are taken at the user's word; others must fetch layers for this node. */
  readonly takesLayers: boolean;
}

/** Every peer once, under the name that the user gave it where there is one. */
export function whomToAsk(named: readonly string[], known: readonly string[]): { readonly named: readonly PeerToAsk[]; readonly known: readonly PeerToAsk[] } {
  const namedPeers = byPeer(named);
  return { named: namedPeers, known: byPeer(known).filter(({ peer }) => !namedPeers.some((other) => other.peer === peer)) };
}

function byPeer(addresses: readonly string[]): PeerToAsk[] {
  const peers: PeerToAsk[] = [];
  new PeerRoutes((route, peer) => void peers.push({ peer: asPeerId(peer), addresses: route })).add(addresses);
  return peers;
}

/** Addresses of peers that this home knows without being told: of its configuration, and those that announced something. */
export function knownPeers({ home, peers }: Pick<HostConfig, 'home' | 'peers'>): readonly string[] {
  const path = catalogPath(home);
  return existsSync(path) ? [...peers, ...announcers(path)] : peers;
}

function announcers(path: string): readonly string[] {
  const catalog = new Catalog(path);
  try {
    const members = catalog.providers.members(MAX_MEMBERS).flat();
    return members.filter((address) => !catalog.liars.has(peerOf(address) ?? asPeerId(address)));
  } finally {
    catalog.close();
  }
}

/**
 * Asks the named peers and, for a short time, the known ones what memory they have for layers. Of the known ones it is no error
 * when they do not answer. Throws MESH_DIAL_FAILED, PIPELINE_STAGE_* for named ones, CATALOG_*.
 */
export async function askMemory(settings: Settings, { named, known }: { readonly named: readonly string[]; readonly known: readonly string[] }, { signal, knownMs = KNOWN_MS }: AskOptions): Promise<readonly AskedPeer[]> {
  const whom = whomToAsk(named, known);
  if (whom.named.length + whom.known.length === 0) return [];
  return withNode(settings, async (node) => {
    const others = askKnownPeers(node, whom.known, { signal, knownMs });
    const answers = await Promise.all(whom.named.map(async (peer): Promise<AskedPeer> => ({ peerId: peer.peer, isNamed: true, freeBytes: (await ask(node, peer, signal)).freeBytes, takesLayers: true })));
    return [...answers, ...await others];
  });
}

/** Asks over a node that is there. None of them need answer. */
export function askKnownPeers(node: Node, peers: readonly PeerToAsk[], { signal, knownMs = KNOWN_MS }: AskOptions): Promise<readonly AskedPeer[]> {
  const timeUp = AbortSignal.any([signal, AbortSignal.timeout(knownMs)]);
  return Promise.all(peers.map((peer) => askKnown(node, peer, timeUp)));
}

async function askKnown(node: Node, peer: PeerToAsk, signal: AbortSignal): Promise<AskedPeer> {
  const about = { peerId: peer.peer, isNamed: false };
  try {
    const { freeBytes, fetch } = await ask(node, peer, signal);
    // Layers come from elsewhere: they need room on the disk too.
    return { ...about, freeBytes: Math.min(freeBytes, fetch?.freeBytes ?? freeBytes), takesLayers: fetch !== undefined };
  } catch (error) {
    const { code, message } = toCoded(error);
    node.logger.debug({ code, message, peer: peer.peer }, 'asking what memory a peer has');
    return { ...about, freeBytes: null, takesLayers: false };
  }
}

async function ask({ mesh, coordinator }: Node, { peer, addresses }: PeerToAsk, signal: AbortSignal): Promise<NodeReport> {
  await ensureConnected(mesh, { peer, addresses, signal });
  return (await coordinator.queryNode({ peer, addresses, signal })).node;
}

/** As a verdict counts them. */
export function countPeers(asked: readonly AskedPeer[]): { readonly peers: readonly FitPeer[]; readonly absent: FitAbsent } {
  const peers = asked.flatMap(({ freeBytes, isNamed, takesLayers }) => (freeBytes === null || !takesLayers ? [] : [{ freeBytes, isNamed }]));
  const silent = asked.filter(({ freeBytes }) => freeBytes === null).length;
  return { peers, absent: { silent, unwilling: asked.length - peers.length - silent } };
}
