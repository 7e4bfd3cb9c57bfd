import type { Counter, Metrics } from '../base/index.ts';
import type { DialReason } from './errors.ts';
import type { ConnectionCount } from './links/connection-counts.ts';
import type { HandshakeFailure } from './node/handshake-failure.ts';
import type { StreamTraffic } from './streams/frame-stream.ts';

export type HandshakeResult = 'made' | HandshakeFailure;

export interface MeshMetrics {
  traffic(protocol: string): StreamTraffic;
  /** It is open until `closed` settles. */
  opened(protocol: string, direction: 'in' | 'out', closed: Promise<unknown>): void;
  connections(count: ConnectionCount): void;
  peers(count: number): void;
  handshake(direction: 'inbound' | 'outbound', result: HandshakeResult): void;
  dialled(result: 'connected' | 'not allowed' | DialReason): void;
  refused(reason: string): void;
  /** Of whichever peer: no peer has a label. Jitter is undefined at the first round trip. */
  roundTrip(rttMs: number, jitterMs?: number): void;
  /** Share of a probe's datagrams, of whichever peer. */
  lost(share: number): void;
}

export function meshMetrics(metrics: Metrics): MeshMetrics {
  const bytes = metrics.counter({ name: 'omninode_mesh_bytes_total', help: 'Payload bytes on framed streams.', labels: ['protocol', 'direction'] });
  const frames = metrics.counter({ name: 'omninode_mesh_frames_total', help: 'Frames on framed streams.', labels: ['protocol', 'direction'] });
  const streams = metrics.counter({ name: 'omninode_mesh_streams_total', help: 'Framed streams begun.', labels: ['protocol', 'direction'] });
  const openStreams = metrics.gauge({ name: 'omninode_mesh_open_streams', help: 'Framed streams that are open.', labels: ['protocol', 'direction'] });
  const open = new Map<string, number>();
  const refusals = metrics.counter({ name: 'omninode_mesh_refusals_total', help: 'What was refused, by reason.', labels: ['reason'] });
  const connections = metrics.gauge({ name: 'omninode_mesh_connections', help: 'Open connections.', labels: ['transport', 'route'] });
  const peers = metrics.gauge({ name: 'omninode_mesh_peers', help: 'Connected peers.' });
  const handshakes = metrics.counter({ name: 'omninode_mesh_handshakes_total', help: 'Encrypted connections, direct streams of others among them: made, or why not; what the zone refused is among the refusals by its code.', labels: ['direction', 'result'] });
  const dials = metrics.counter({ name: 'omninode_mesh_dials_total', help: 'Addresses dialled: connected, or why not; not allowed: our own zone does not.', labels: ['result'] });
  const roundTrips = metrics.histogram({ name: 'omninode_mesh_ping_seconds', help: 'Round trips of our ping, over all peers.', buckets: [0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2] });
  const jitters = metrics.histogram({ name: 'omninode_mesh_jitter_seconds', help: 'Jitter of a link at each ping, over all peers.', buckets: [0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5] });
  const losses = metrics.histogram({ name: 'omninode_mesh_loss_ratio', help: 'Share of the datagrams of a probe that did not come, over all peers.', buckets: [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5] });
  const refused = (reason: string): void => refusals.inc({ reason });
  return {
    traffic: (protocol) => traffic(protocol, { bytes, frames, refused }),
    opened: (protocol, direction, closed) => {
      streams.inc({ protocol, direction });
      const count = (by: 1 | -1): void => {
        const key = `${direction} ${protocol}`;
        const now = (open.get(key) ?? 0) + by;
        open.set(key, now);
        openStreams.set(now, { protocol, direction });
      };
      count(1);
      void closed.then(() => count(-1));
    },
    connections: ({ transport, route, count }) => connections.set(count, { transport, route }),
    peers: (count) => peers.set(count),
    handshake: (direction, result) => handshakes.inc({ direction, result }),
    dialled: (result) => dials.inc({ result }),
    roundTrip: (rttMs, jitterMs) => {
      roundTrips.observe(rttMs / 1000);
      if (jitterMs !== undefined) jitters.observe(jitterMs / 1000);
    },
    lost: (share) => losses.observe(share),
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
