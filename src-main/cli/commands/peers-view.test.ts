import { expect, it } from 'vitest';
import type { PeersNow } from '../../host/index.ts';
import { peersView } from './peers-view.ts';

const NOW = 1_800_000_000_000;
const member = (peerId: string): NonNullable<PeersNow['self']> => ({
  peerId, app: 'omninode/0.1.0', name: 'studio', startedAt: NOW, since: NOW - 200_000, backend: 'cuda',
  machine: { os: 'linux', arch: 'x64', cores: 8, ramTotalBytes: 16e9, ramFreeBytes: 12.34e9, isOnBattery: true },
  gpus: [{ name: 'RTX 4090', memoryTotalBytes: 24e9 }], speed: { model: 'omni-guide', decodeTokensPerSecond: 812.4, prefillTokensPerSecond: 9000 },
  models: [{ name: 'Guide', hash: 'abc', totalLayers: 6, held: [[0, 5]], loaded: [[0, 2], [4, 4]] }, { hash: '0123456789abcdef', totalLayers: 6, held: [[1, 3]], loaded: [] }],
});
const link = { peerId: 'b', address: '/ip4/127.0.0.1/tcp/1', direction: 'inbound' as const, transport: 'tcp + tls + yamux', route: 'direct' as const, why: 'the only connection', rttMs: 0.42, minRttMs: 0.31, jitterMs: 0.12, loss: 0.0123, throughput: { bytesPerSecond: 12_500_000, kind: 'at least' as const } };

const standing: PeersNow['standing'] = {
  zone: { kind: 'private', name: '0123456789abcdef' }, reachability: { kind: 'private', reason: 'peer x could not reach /a' },
  relays: [{ peerId: '12D3KooWRelayNumberOne', isHeld: true }, { peerId: '12D3KooWRelayNumberTwo', isHeld: false }],
};

it('shows what a machine has, runs and is away', () => {
  expect(peersView({ self: member('self'), standing, peers: [{ peerId: 'b', link, member: { ...member('b'), zone: 'private', reachability: 'unknown' } }] }, NOW)).toMatchInlineSnapshot(`
    "zone private 0123456789abcdef: members only
    reached from the internet: private (peer x could not reach /a)
    relay ...umberOne: reached through it
    relay ...umberTwo: no place there

    peer  name    machine                         RAM free         GPU               speed      layers                                   link               away               jitter   lost  carries       zone     reached  here for
    self  studio  linux x64, 8 cores, on battery  12.3 of 16.0 GB  RTX 4090 24.0 GB  812 tok/s  Guide 0-2,4-4; 0123456789ab 1-3 on disk  this node          -                       -      -  -             private  private  3 min
    b     studio  linux x64, 8 cores, on battery  12.3 of 16.0 GB  RTX 4090 24.0 GB  812 tok/s  Guide 0-2,4-4; 0123456789ab 1-3 on disk  tcp + tls + yamux  0.4 ms, least 0.3  0.1 ms  1.2 %  >= 12.5 MB/s  private  unknown  3 min
    "
  `);
});

it('fits a terminal of 80 columns', () => {
  const text = peersView({ self: member('self'), peers: [{ peerId: 'b', link, member: { ...member('b'), zone: 'private' } }, { peerId: 'c', link: { ...link, route: 'relayed' } }] }, NOW, 80);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(text).toMatchInlineSnapshot(`
    "self  studio
      machine: linux x64, 8 cores, on battery | RAM free: 12.3 of 16.0 GB
      GPU: RTX 4090 24.0 GB | speed: 812 tok/s
      layers: Guide 0-2,4-4; 0123456789ab 1-3 on disk | link: this node
      here for: 3 min
    b  studio
      machine: linux x64, 8 cores, on battery | RAM free: 12.3 of 16.0 GB
      GPU: RTX 4090 24.0 GB | speed: 812 tok/s
      layers: Guide 0-2,4-4; 0123456789ab 1-3 on disk | link: tcp + tls + yamux
      away: 0.4 ms, least 0.3 | jitter: 0.1 ms | lost: 1.2 % | carries: >= 12.5 MB/s
      zone: private | here for: 3 min
    c
      link: tcp + tls + yamux, relayed | away: 0.4 ms, least 0.3 | jitter: 0.1 ms
      lost: 1.2 % | carries: >= 12.5 MB/s
    "
  `);
});

it('invents nothing', () => {
  const bare = { peerId: 'c', app: 'x/1', machine: { os: 'win32', arch: 'arm64' }, models: [], startedAt: NOW, since: NOW };
  const [, ...rows] = peersView({ peers: [{ peerId: 'c', member: bare }, { peerId: 'd', link }, { peerId: 'e', member: { ...bare, gpus: [] } }] }, NOW).trimEnd().split('\n');
  expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
    ['c', '-', 'win32 arm64', '-', '-', '-', '-', 'through others', '-', '-', '-', '-', '-', '-', '0 s'],
    ['d', '-', '-', '-', '-', '-', '-', 'tcp + tls + yamux', '0.4 ms, least 0.3', '0.1 ms', '1.2 %', '>= 12.5 MB/s', '-', '-', '-'],
    ['e', '-', 'win32 arm64', '-', 'none', '-', '-', 'through others', '-', '-', '-', '-', '-', '-', '0 s'],
  ]);
});

it('says what goes through a relay', () => {
  expect(peersView({ peers: [{ peerId: 'd', link: { ...link, route: 'relayed' } }] }, NOW)).toContain('tcp + tls + yamux, relayed');
});

it('says so when nobody is there', () => {
  expect(peersView({ peers: [] }, NOW)).toBe('No other node is known.\n');
  expect(peersView({ self: member('self'), peers: [] }, NOW)).toContain('No other node is here.');
});

it('shows the layers of node processes of this machine', () => {
  const row = { peerId: 'd', link, stages: [{ layers: [0, 2] as const, ownership: 'this-machine' as const, state: 'ready' as const }] };
  expect(peersView({ peers: [row] }, NOW)).toContain('0-2 (here)');
});
