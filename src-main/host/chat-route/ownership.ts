import type { PeerId } from '../../base/index.ts';
import type { Ownership } from '../../../src-preload/bridge/index.ts';
import type { HostConfig } from '../config.ts';

/**
 * Whose machine a peer is, as far as this node can know. Its owner's are those that the owner admitted: peer ids on the allow-list of a private zone, or,
 * where it has none, everybody in the zone, because its key is a secret that is handed only to machines that are to see what is said. A network
 * address proves nothing: others' machines are on the same network, so that everybody in another zone is a stranger.
 */
export const ownershipIn = (self: PeerId, { zone, allowPeers }: Pick<HostConfig, 'zone' | 'allowPeers'>) => (peer: PeerId): Ownership => {
  if (peer === self) return 'this-machine';
  return zone === 'private' && (allowPeers.length === 0 || allowPeers.includes(peer)) ? 'own' : 'stranger';
};
