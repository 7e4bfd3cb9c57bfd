import type { CircuitRelayServerComponents, CircuitRelayService } from '@libp2p/circuit-relay-v2';
import { asPeerId } from '../../base/index.ts';
import * as limits from '../options.ts';

/**
 * The relay that others reserve a place at (circuit relay v2), loaded where it is wanted. A relayed connection ends after RELAY_MAX_BYTES or
 * RELAY_MAX_MS, but for one to a member, which has no such limit: it then is a connection like any other, and only slower.
 */
export async function relayServer({ isMember = () => false }: limits.RelayServerOptions): Promise<(components: CircuitRelayServerComponents) => CircuitRelayService> {
  const { circuitRelayServer } = await import('@libp2p/circuit-relay-v2');
  const create = circuitRelayServer({
    hopTimeout: limits.DIAL_TIMEOUT_MS,
    maxInboundHopStreams: limits.RELAY_MAX_STREAMS, maxOutboundHopStreams: limits.RELAY_MAX_STREAMS, maxOutboundStopStreams: limits.RELAY_MAX_STREAMS,
    reservations: {
      maxReservations: limits.RELAY_MAX_RESERVATIONS, reservationTtl: limits.RELAY_RESERVATION_MS,
      defaultDurationLimit: limits.RELAY_MAX_MS, defaultDataLimit: BigInt(limits.RELAY_MAX_BYTES),
    },
  });
  return (components) => {
    const service = create(components);
    const { reservations } = service;
    const set = reservations.set.bind(reservations);
    // Every new or renewed reservation comes by here before anybody is told of its limits.
    reservations.set = (peer, { limit, ...reservation }) => set(peer, limit === undefined || isMember(asPeerId(peer.toString())) ? reservation : { ...reservation, limit });
    return service;
  };
}
