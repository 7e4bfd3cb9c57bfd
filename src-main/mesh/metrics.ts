import type { Counter, Metrics } from '../base/index.ts';
import type { StreamTraffic } from './streams/frame-stream.ts';

export interface MeshMetrics {
  traffic(protocol: string): StreamTraffic;
  opened(protocol: string, direction: 'in' | 'out'): void;
  connections(count: number): void;
  refused(reason: string): void;
  roundTrip(rttMs: number): void;
}

export function meshMetrics(metrics: Metrics): MeshMetrics {
  const bytes = metrics.counter({ name: 'omninode_mesh_bytes_total', help: 'Payload bytes on framed streams.', labels: ['protocol', 'direction'] });
  const frames = metrics.counter({ name: 'omninode_mesh_frames_total', help: 'Frames on framed streams.', labels: ['protocol', 'direction'] });
  const streams = metrics.counter({ name: 'omninode_mesh_streams_total', help: 'Framed streams begun.', labels: ['protocol', 'direction'] });
  const refusals = metrics.counter({ name: 'omninode_mesh_refusals_total', help: 'What was refused, by reason.', labels: ['reason'] });
  const connections = metrics.gauge({ name: 'omninode_mesh_connections', help: 'Open connections.' });
  const roundTrips = metrics.histogram({ name: 'omninode_mesh_ping_seconds', help: 'Round trips of our ping.', buckets: [0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2] });
  const refused = (reason: string): void => refusals.inc({ reason });
  return {
    traffic: (protocol) => traffic(protocol, { bytes, frames, refused }),
    opened: (protocol, direction) => streams.inc({ protocol, direction }),
    connections: (count) => connections.set(count),
    roundTrip: (rttMs) => roundTrips.observe(rttMs / 1000),
    refused,
  };
}

type Counters = { readonly bytes: Counter; readonly frames: Counter; readonly refused: (reason: string) => void };

// The label objects are made once a protocol: this runs for every frame.
function traffic(protocol: string, { bytes, frames, refused }: Counters): StreamTraffic {
  const count = (direction: string) => {
    const labels = { protocol, direction };
    return (sizeBytes: number): void => {
      frames.inc(labels);
      bytes.inc(labels, sizeBytes);
    };
  };
  return { sent: count('out'), received: count('in'), refused };
}
