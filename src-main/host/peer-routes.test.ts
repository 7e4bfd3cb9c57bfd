import { expect, it } from 'vitest';
import { PeerRoutes } from './peer-routes.ts';

it('gathers the addresses of a peer, also those that come later, and begins it once', () => {
  const begun: Array<readonly string[]> = [];
  const routes = new PeerRoutes((addresses) => void begun.push(addresses));
  routes.add(['/ip4/1.1.1.1/tcp/1/p2p/a', '/ip4/1.1.1.1/tcp/2/p2p/b', '/ip4/1.1.1.1/tcp/3/p2p/a']);
  routes.add(['/ip4/1.1.1.1/tcp/4/p2p/b', '/ip4/1.1.1.1/tcp/2/p2p/b', 'no peer']);
  expect(begun).toEqual([['/ip4/1.1.1.1/tcp/1/p2p/a', '/ip4/1.1.1.1/tcp/3/p2p/a'], ['/ip4/1.1.1.1/tcp/2/p2p/b', '/ip4/1.1.1.1/tcp/4/p2p/b'], ['no peer']]);
});

it('bounds peers and addresses', () => {
  const begun: Array<readonly string[]> = [];
  const routes = new PeerRoutes((addresses) => void begun.push(addresses), 64);
  routes.add(Array.from({ length: 100 }, (_, n) => `/ip4/1.1.1.1/tcp/1/p2p/${n}`));
  routes.add(Array.from({ length: 100 }, (_, n) => `/ip4/1.1.1.1/tcp/${n + 1}/p2p/0`));
  expect([begun.length, begun[0]?.length]).toEqual([64, 16]);
});
