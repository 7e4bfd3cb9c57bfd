import { describe, expect, it } from 'vitest';
import type { Known } from '../../src-preload/bridge/index.ts';
import { MEMBERS, PEERS, STAGES } from '../../test/support/scripted-host.ts';
import { carrierOf, columnsOf, filterRows, lineWidth, orderAfter, reputationOf, rowOf, sortRows, type PeerRow } from './peer-table.ts';
import { peerEntries } from './peers.ts';

const row = (peerId: string, more: Partial<PeerRow> = {}): PeerRow => ({ peerId, isStage: false, ...more });
const NONE = { known: new Map(), blocked: new Map() };
const known = (more: Partial<Known>): Known => ({ peerId: 'a', isNamed: false, isConnected: true, faults: 0, topicScore: 0, ...more });

describe('sorting', () => {
  const rows = [row('c', { name: 'zeta', rttMs: 3 }), row('a', { name: 'Alpha 10', ramTotalBytes: 8 }), row('b', { name: 'alpha 9', rttMs: 20, ramTotalBytes: 64 }), row('d')];
  const order = (column: 'name' | 'rtt' | 'ram', isDescending = false) => sortRows(rows, { column, isDescending }).map(({ peerId }) => peerId).join('');

  it('goes by value, numbers within names too, and puts last who has none, either way', () => {
    expect([order('name'), order('name', true), order('rtt'), order('rtt', true), order('ram', true)]).toEqual(['bacd', 'cabd', 'cbad', 'bcad', 'bacd']);
  });

  it('turns a column round, and begins with the larger figures where those are wanted', () => {
    expect(orderAfter({ column: 'name', isDescending: false }, 'speed')).toEqual({ column: 'speed', isDescending: true });
    expect(orderAfter({ column: 'speed', isDescending: true }, 'speed')).toEqual({ column: 'speed', isDescending: false });
    expect(orderAfter({ column: 'speed', isDescending: true }, 'rtt')).toEqual({ column: 'rtt', isDescending: false });
  });

  it('goes by reputation from the worst to the best', () => {
    const judged = [row('good', { reputation: { kind: 'good' } }), row('none'), row('bad', { reputation: { kind: 'faulty', faults: 2 } }), row('out', { reputation: { kind: 'blocked' } })];
    expect(sortRows(judged, { column: 'reputation', isDescending: false }).map(({ peerId }) => peerId)).toEqual(['out', 'bad', 'good', 'none']);
  });
});

it('filters by every word of what a row says, in the page’s words too', () => {
  const rows = [row('12Dabc', { name: 'studio', gpus: 'RTX 4090', carrier: 'TCP' }), row('12Ddef', { name: 'laptop', carrier: 'relay' })];
  const found = (text: string) => filterRows(rows, text, ({ carrier }) => (carrier === 'relay' ? 'through a relay' : '')).map(({ name }) => name);
  expect([found(''), found('rtx STUDIO'), found('through'), found('def'), found('studio relay')]).toEqual([['studio', 'laptop'], ['studio'], ['laptop'], ['laptop'], []]);
});

it('makes a row of what is known and leaves out the rest, and columns that nobody fills', () => {
  const rows = peerEntries({ peers: PEERS, members: MEMBERS, stages: STAGES }).map((entry) => rowOf(entry, NONE));
  const [studio, far] = rows;
  expect(studio).toMatchObject({ name: 'studio', carrier: 'TCP', rttMs: 0.4, ramTotalBytes: 64e9, gpus: 'NVIDIA GeForce RTX 4090', gpuBytes: 24e9, layers: '2–3', layerCount: 2, isStage: true, tokensPerSecond: 1380, zone: 'private', version: '0.1.0' });
  expect([far?.name, far?.carrier, far?.rttMs, far?.layers, far?.reputation, far?.isStage]).toEqual([undefined, undefined, undefined, undefined, undefined, false]);
  expect(columnsOf(rows)).not.toContain('bandwidth');
  expect(columnsOf(rows)).not.toContain('reputation');
  expect(columnsOf([row('x')])).toEqual(['name']);
});

it('says of a node’s conduct what was seen here, the worst first, and nothing where nothing was', () => {
  const ban = { subject: 'a', reason: '', sinceMs: 0, untilMs: null };
  expect(reputationOf(undefined, undefined)).toBeUndefined();
  expect(reputationOf(known({ isConnected: false, failures: 0 }), undefined)).toBeUndefined();
  expect(reputationOf(known({}), undefined)).toEqual({ kind: 'good' });
  expect(reputationOf(known({ faults: 1.2, topicScore: -9 }), undefined)).toEqual({ kind: 'faulty', faults: 2 });
  expect(reputationOf(known({ topicScore: -0.5 }), undefined)).toEqual({ kind: 'unheard' });
  expect(reputationOf(known({ isConnected: false, failures: 3 }), undefined)).toEqual({ kind: 'missed', failures: 3 });
  expect(reputationOf(known({ faults: 3 }), ban)).toEqual({ kind: 'blocked' });
});

it('names what carries a connection, and draws more bandwidth thicker', () => {
  const of = (transport: string, route: 'direct' | 'relayed' = 'direct') => carrierOf({ transport, route });
  expect([of('tcp + tls + yamux'), of('quic'), of('webrtc-direct'), of('ws + noise'), of('tcp + tls', 'relayed'), of('pigeon')]).toEqual(['TCP', 'QUIC', 'WebRTC', 'WebSocket', 'relay', 'other']);
  expect([lineWidth(undefined), lineWidth(1), lineWidth(1e7), lineWidth(1e15)]).toEqual([1.5, 1.5, 2.5, 6]);
});
