import type { Metrics } from '../base/index.ts';
import type { StreamTraffic } from './streams/frame-stream.ts';

export interface MeshMetrics {
  traffic(protocol: string): StreamTraffic;
  connections(count: number): void;
  refused(reason: string): void;
  roundTrip(rttMs: number): void;
}

export function meshMetrics(metrics: Metrics): MeshMetrics {
  const bytes = metrics.counter({ name: 'omninode_mesh_bytes_total', help: 'Payload bytes on framed streams.', labels: ['protocol', 'direction'] });
  const refusals = metrics.counter({ name: 'omninode_mesh_refusals_total', help: 'What was refused, by reason.', labels: ['reason'] });
  const connections = metrics.gauge({ name: 'omninode_mesh_connections', help: 'Open connections.' });
  const roundTrips = metrics.histogram({ name: 'omninode_mesh_ping_seconds', help: 'Round trips of our ping.', buckets: [0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2] });
  const refused = (reason: string): void => refusals.inc({ reason });
  return {
    traffic: (protocol) => traffic(protocol, { bytes, refused }),
    connections: (count) => connections.set(count),
    roundTrip: (rttMs) => roundTrips.observe(rttMs / 1000),
    refused,
  };
}

// The label objects are made once a protocol: this runs for every frame.
function traffic(protocol: string, { bytes, refused }: { bytes: ReturnType<Metrics['counter']>; refused: (reason: string) => void }): StreamTraffic {
  const [sent, received] = [{ protocol, direction: 'out' }, { protocol, direction: 'in' }];
  return { sent: (count) => bytes.inc(sent, count), received: (count) => bytes.inc(received, count), refused };
}
