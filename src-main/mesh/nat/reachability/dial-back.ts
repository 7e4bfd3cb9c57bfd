import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { multiaddr } from '@multiformats/multiaddr';
import { asPeerId, RateLimiter } from '../../../base/index.ts';
import { AUTONAT_LIMITS, DIAL_BACK_PROTOCOL, DIAL_BACK_RATE, DIAL_BACK_TIMEOUT_MS, DIAL_BACK_TOTAL_RATE } from '../../protocols/autonat/constants.ts';
import type { DialOutcome } from '../../protocols/autonat/schema.ts';
import { showNonce, type DialBackServer } from '../../protocols/autonat/server.ts';
import { wrapStream } from '../../streams/frame-stream.ts';
import { hostOf, isPublic, seenHost, withoutPeer } from '../address.ts';
import type { NatInit } from '../nat.ts';
import { retire } from '../retire.ts';

/** Tries addresses for peers that ask, where they themselves are and nowhere else. */
export function dialBackServer(init: NatInit, signal: AbortSignal): DialBackServer {
  const { libp2p, parts, clock } = init;
  const hostsOf = (peer: string): readonly (string | undefined)[] =>
    libp2p.getConnections().filter(({ remotePeer }) => remotePeer.toString() === peer).map(({ remoteAddr }) => seenHost(remoteAddr));
  return {
    perPeer: new RateLimiter(DIAL_BACK_RATE, clock),
    total: new RateLimiter(DIAL_BACK_TOTAL_RATE, clock),
    mayDial: (peer, address) => isPublic(address) && hostsOf(peer).includes(hostOf(address)) && parts.transportManager.dialTransportForMultiaddr(address) !== undefined,
    dialBack: (peer, request) => dialBack(init, { peer, ...request, signal }),
  };
}

interface DialBack {
  readonly peer: string;
  readonly address: Multiaddr;
  readonly nonce: bigint;
  readonly signal: AbortSignal;
}

async function dialBack(init: NatInit, { peer, address, nonce, signal }: DialBack): Promise<DialOutcome> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(DIAL_BACK_TIMEOUT_MS)]);
  let connection: Connection;
  try {
    // Not through the queue of dials, which would join another one to the same peer.
    connection = await init.parts.transportManager.dial(multiaddr(`${withoutPeer(address).toString()}/p2p/${peer}`), { signal: within });
  } catch {
    return 'not reached';
  }
  try {
    const stream = await connection.newStream(DIAL_BACK_PROTOCOL, { signal: within });
    const framed = wrapStream(stream, { peer: asPeerId(peer), protocol: DIAL_BACK_PROTOCOL, limits: AUTONAT_LIMITS, traffic: init.metrics.traffic(DIAL_BACK_PROTOCOL) });
    await showNonce(framed, { nonce, signal: within });
    return 'reached';
  } catch {
    return 'unclear';
  } finally {
    // The peer may have taken it for something else meanwhile.
    void retire(connection, signal);
  }
}
