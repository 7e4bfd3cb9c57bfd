import { MAX_TOLD_BYTES_PER_SECOND, type LinkFigures, type PeerSummary } from '../../mesh/index.ts';
import type { Peer } from '../../../src-preload/bridge/index.ts';

/** Of a connection, what its owner is shown. */
export const peerView = ({ peer, address, direction, transport, route, why, figures, agent }: PeerSummary): Peer => ({
  peerId: peer, address, direction, transport, route, why, ...(figures === undefined ? {} : figuresView(figures)), ...(agent === undefined ? {} : { agent }),
});

function figuresView(figures: LinkFigures): Partial<Peer> {
  const { rttMs, minRttMs, jitterMs, loss, sentBytes, receivedBytes } = figures;
  const throughput = throughputOf(figures);
  return {
    ...(rttMs === undefined ? {} : { rttMs }), ...(minRttMs === undefined ? {} : { minRttMs }), ...(jitterMs === undefined ? {} : { jitterMs }), ...(loss === undefined ? {} : { loss }),
    ...(throughput === undefined ? {} : { throughput }), sentBytes, receivedBytes,
  };
}

/** A probe says what the link carries, up to a bound; where more was seen to come, that is what it carries at least. */
function throughputOf({ bytesPerSecond, carriedBytesPerSecond }: LinkFigures): Peer['throughput'] {
  if (bytesPerSecond !== undefined && bytesPerSecond >= (carriedBytesPerSecond ?? 0)) return { bytesPerSecond, kind: bytesPerSecond < MAX_TOLD_BYTES_PER_SECOND ? 'measured' : 'at least' };
  return carriedBytesPerSecond === undefined ? undefined : { bytesPerSecond: carriedBytesPerSecond, kind: 'at least' };
}
