import { serviceCapabilities } from '@libp2p/interface';
import type { Libp2pOptions } from 'libp2p';

/** What libp2p gives its services. */
export type Libp2pParts = Parameters<NonNullable<Libp2pOptions['transports']>[number]>[0];

/** Parts of libp2p that getting by routers needs and its own surface does not show. */
export interface NatParts extends Pick<Libp2pParts, 'addressManager' | 'connectionManager' | 'transportManager' | 'registrar'> {
  /** Has an event `mapped` whenever a router passes on one more port. */
  readonly mapped: EventTarget;
  readonly [serviceCapabilities]: readonly string[];
}

/** A service of libp2p's composition that only hands out parts of it, and says that somebody here finds out which addresses are reached. */
export const natParts = (mapped: EventTarget) => ({ addressManager, connectionManager, transportManager, registrar }: Libp2pParts): NatParts => ({
  mapped, addressManager, connectionManager, transportManager, registrar, [serviceCapabilities]: ['@libp2p/autonat'],
});
