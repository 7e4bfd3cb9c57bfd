import type { PeerId as Libp2pPeerId } from '@libp2p/interface';
import { asPeerId, peerOf, type PeerId } from '../../base/index.ts';
import { replaced } from '../node/replaced.ts';
import { zoneErrors } from '../zone/errors.ts';
import type { TransportFactory } from './load-transport.ts';

const STOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/stop';

export interface ChosenRelays {
  /** Those that the owner named. */
  readonly relays: ReadonlySet<PeerId>;
  /** Told what was refused, by its code. */
  readonly refused: (code: string) => void;
}

/** The relays that a node has a place at, or tries to get one at: of its listen addresses and its own list. */
export const namedRelays = ({ listen, nat: { relays = [] } = {} }: { readonly listen: readonly string[]; readonly nat?: { readonly relays?: readonly string[] } | undefined }): ReadonlySet<PeerId> =>
  new Set([...listen.filter((address) => address.includes('/p2p-circuit')).map((address) => address.split('/p2p-circuit')[0] ?? ''), ...relays].flatMap((relay) => peerOf(relay) ?? []));

/**
 * libp2p's relay client takes a connection from any peer that says it is a relay, and then asks that peer for a place by itself, so that
 * others would be led to us over it. Here only relays that were named may bring one. An old relay of ours that does not know yet is no rogue.
 */
export const onlyNamed = (factory: TransportFactory, { relays, refused }: ChosenRelays): TransportFactory => (components) => {
  const { registrar } = components;
  const isNamed = (peer: Libp2pPeerId): boolean => relays.has(asPeerId(peer.toString()));
  const handle: typeof registrar.handle = (protocol, handler, options) => registrar.handle(protocol, protocol !== STOP_PROTOCOL ? handler : (stream, connection) => {
    if (isNamed(connection.remotePeer)) return handler(stream, connection);
    const error = zoneErrors.relayNotNamed({ relay: connection.remotePeer.toString() });
    refused(error.code);
    stream.abort(error);
    return undefined;
  }, options);
  return factory(replaced(components, 'registrar', replaced(registrar, 'handle', handle)));
};
