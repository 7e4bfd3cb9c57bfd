import type { Connection } from '@libp2p/interface';
import { asPeerId, type Clock } from '../../base/index.ts';
import { withDeadline } from '../node/deadline.ts';
import { ping } from '../protocols/ping/client.ts';
import { PING_LIMITS, PING_PROTOCOL, PING_TIMEOUT_MS } from '../protocols/ping/constants.ts';
import { pingErrors } from '../protocols/ping/errors.ts';
import { marksEnd } from '../transports/kinds.ts';
import { wrapStream, type StreamTraffic } from '../streams/frame-stream.ts';

const PINGS = 3;

/** The least of a few round trips on one connection, ms: what a ping takes more than that, it waited somewhere. Throws MESH_*, or libp2p's own errors. */
export async function probeLink(connection: Connection, { clock, traffic }: { readonly clock: Clock; readonly traffic: StreamTraffic }): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < PINGS; i++) all.push(await pingOver(connection, { clock, traffic }));
  return Math.min(...all);
}

function pingOver(connection: Connection, { clock, traffic }: { readonly clock: Clock; readonly traffic: StreamTraffic }): Promise<number> {
  const peer = asPeerId(connection.remotePeer.toString());
  return withDeadline({ timeoutMs: PING_TIMEOUT_MS, error: () => pingErrors.timedOut(peer) }, async (signal) => {
    const raw = await connection.newStream(PING_PROTOCOL, { maxOutboundStreams: PING_LIMITS.maxOutboundStreams, runOnLimitedConnection: true, signal });
    return ping(wrapStream(raw, { peer, protocol: PING_PROTOCOL, limits: PING_LIMITS, traffic, marksEnd: marksEnd(connection) }), { clock, signal });
  });
}
