import { expect, it } from 'vitest';
import { onAnyPort } from './share-store.ts';

it('listens where the node does, on ports of its own, and takes no place at a relay', () => {
  expect(onAnyPort(['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/udp/4001/quic-v1', '/ip6/::/tcp/0', '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWRelay/p2p-circuit', '/webrtc'])).toEqual([
    '/ip4/0.0.0.0/tcp/0', '/ip4/0.0.0.0/udp/0/quic-v1', '/ip6/::/tcp/0',
  ]);
});
