import { asPeerId, type PeerId } from './ids.ts';

/** The peer that a multiaddr ends in (`/p2p/<peer id>`); undefined when it names none. */
export function peerOf(address: string): PeerId | undefined {
  const [, id] = /\/p2p\/([^/]+)$/.exec(address) ?? [];
  return id === undefined ? undefined : asPeerId(id);
}

/** Whether it ends in this peer: others would be a third node's, and nobody has us dial whom it likes. */
export const endsIn = (address: string, peer: string): boolean => address.endsWith(`/p2p/${peer}`);

/** With the peer at the end where the address names none, not even a relay. */
export const withPeer = (address: string, peer: PeerId): string => (address.includes('/p2p/') ? address : `${address}/p2p/${peer}`);
