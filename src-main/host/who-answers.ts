import { asPeerId, peerOf, type PeerId } from '../base/index.ts';
import { PIPELINE_LIMITS } from '../../src-preload/bridge/index.ts';
import type { Node } from './node.ts';

/** A node that says nothing for so long is not planned with. */
const ANSWER_MS = 3_000;

export interface Answering {
  readonly peer: PeerId;
  /** At which it answered. */
  readonly address: string;
}

/** Which of the nodes at these addresses, each with the peer id at its end, would run stages for this one. Of several addresses of a peer the first that it answers at. */
export async function whoAnswers(node: Node, { addresses, signal }: { readonly addresses: readonly string[]; readonly signal: AbortSignal }): Promise<{ readonly answering: readonly Answering[]; readonly silent: readonly PeerId[] }> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const asked = await Promise.all([...byPeer(node.mesh.peerId, addresses)].map(async ([peer, own]) => {
    for (const address of own) if (await answers(node, { peer, address }, within)) return { peer, address };
    return { peer, address: undefined };
  }));
  signal.throwIfAborted();
  return { answering: asked.flatMap(({ peer, address }) => (address === undefined ? [] : [{ peer, address }])), silent: asked.flatMap(({ peer, address }) => (address === undefined ? [peer] : [])) };
}

const answers = (node: Node, { peer, address }: Answering, signal: AbortSignal): Promise<boolean> =>
  node.mesh.dial(address, { signal }).then(() => node.coordinator.queryNode({ peer, addresses: [address], signal })).then(() => true, () => false);

function byPeer(self: PeerId, addresses: readonly string[]): ReadonlyMap<PeerId, readonly string[]> {
  const known = new Map<PeerId, readonly string[]>();
  for (const address of addresses) {
    const id = peerOf(address);
    const peer = id === undefined ? undefined : asPeerId(id);
    if (peer === undefined || peer === self || (!known.has(peer) && known.size >= PIPELINE_LIMITS.peers)) continue;
    known.set(peer, [...known.get(peer) ?? [], address]);
  }
  return known;
}
