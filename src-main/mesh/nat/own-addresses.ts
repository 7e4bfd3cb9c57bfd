import type { Libp2p } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Reachability } from '../types.ts';
import type { NatServices } from './compose.ts';

/**
 * Where this node may be dialled, each with its peer id. libp2p names an address of the internet only when somebody came through there: the
 * first node of a mesh, whom nobody has tried yet, would have none to give to others. So what this machine has itself counts until peers found
 * that it is not reached.
 */
export function ownAddresses(libp2p: Pick<Libp2p<NatServices>, 'getMultiaddrs' | 'peerId' | 'services'>, { kind }: Reachability): readonly Multiaddr[] {
  const sure = libp2p.getMultiaddrs();
  if (kind === 'private') return sure;
  const untried = libp2p.services.natParts.addressManager.getAddressesWithMetadata().filter(({ type, verified }) => type === 'transport' && !verified);
  return [...sure, ...untried.map(({ multiaddr }) => withPeer(multiaddr, libp2p.peerId.toString()))];
}

const withPeer = (address: Multiaddr, peer: string): Multiaddr => (address.getComponents().at(-1)?.value === peer ? address : address.encapsulate(`/p2p/${peer}`));
