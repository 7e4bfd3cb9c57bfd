import { expect, it } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import { MAX_TOLD_BYTES_PER_SECOND, type LinkFigures, type PeerSummary } from '../../mesh/index.ts';
import { peerView } from './peer-view.ts';

const NONE: LinkFigures = { rttMs: undefined, minRttMs: undefined, jitterMs: undefined, loss: undefined, bytesPerSecond: undefined, carriedBytesPerSecond: undefined, sentBytes: 0, receivedBytes: 0 };
const summary = (figures?: Partial<LinkFigures>): PeerSummary => ({
  peer: asPeerId('p'), address: '/a', direction: 'inbound', transport: 'quic', route: 'direct', why: 'the only connection', rttMs: undefined, agent: undefined, protocols: [],
  ...(figures === undefined ? {} : { figures: { ...NONE, ...figures } }),
});

it('shows what was measured, and nothing else', () => {
  const bare = { peerId: 'p', address: '/a', direction: 'inbound', transport: 'quic', route: 'direct', why: 'the only connection' };
  expect(peerView(summary())).toEqual(bare);
  expect(peerView(summary({ rttMs: 2, minRttMs: 1, jitterMs: 0.5, loss: 0.02, sentBytes: 3, receivedBytes: 4 }))).toEqual({ ...bare, rttMs: 2, minRttMs: 1, jitterMs: 0.5, loss: 0.02, sentBytes: 3, receivedBytes: 4 });
});

it.each([
  ['nothing seen', {}, undefined],
  ['a probe', { bytesPerSecond: 1e6 }, { bytesPerSecond: 1e6, kind: 'measured' }],
  ['a probe at its bound', { bytesPerSecond: MAX_TOLD_BYTES_PER_SECOND }, { bytesPerSecond: MAX_TOLD_BYTES_PER_SECOND, kind: 'at least' }],
  ['streams alone', { carriedBytesPerSecond: 5e5 }, { bytesPerSecond: 5e5, kind: 'at least' }],
  ['streams that carried less than the probe', { bytesPerSecond: 1e6, carriedBytesPerSecond: 5e5 }, { bytesPerSecond: 1e6, kind: 'measured' }],
  ['streams that carried more', { bytesPerSecond: 1e6, carriedBytesPerSecond: 2e6 }, { bytesPerSecond: 2e6, kind: 'at least' }],
])('throughput of %s', (_, figures, throughput) => {
  expect(peerView(summary(figures)).throughput).toEqual(throughput);
});
