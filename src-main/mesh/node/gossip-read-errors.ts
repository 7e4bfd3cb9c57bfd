import type { GossipSub } from '@libp2p/gossipsub';
import type { PeerId as Libp2pPeerId } from '@libp2p/interface';
import { asPeerId, type PeerId } from '../../base/index.ts';

/** What gossipsub's reader of length-prefixed RPCs says of one that is too long, or whose length is none. */
const OVERSIZED: ReadonlySet<string> = new Set(['InvalidDataLengthError', 'InvalidDataLengthLengthError', 'InvalidMessageLengthError']);

/** Of gossipsub's class, not of its interface: called with what ended the stream of a peer. */
type Reader = { handlePeerReadStreamError(error: Error, peer: Libp2pPeerId): void };

/** Gossipsub ends the stream of a peer whose RPC is over GOSSIP_RPC_MAX_BYTES and tells nobody: this does. */
export function onOversizedRpc(pubsub: GossipSub, told: (peer: PeerId) => void): void {
  const reader = pubsub as unknown as Reader;
  const handle = reader.handlePeerReadStreamError.bind(pubsub);
  reader.handlePeerReadStreamError = (error, peer) => {
    if (OVERSIZED.has(error.name)) told(asPeerId(peer.toString()));
    handle(error, peer);
  };
}
