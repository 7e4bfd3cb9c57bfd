import { multiaddr } from '@multiformats/multiaddr';
import type { Mesh } from '../mesh/index.ts';
import type { LaneNetwork } from '../pipeline/index.ts';

const LOOPBACK = /^(127\.|::1$)/;

/** Lanes go where the mesh goes: they listen on loopback only when it does, and dial peers where it reached them. */
export function laneNetwork(mesh: Pick<Mesh, 'addresses' | 'peers' | 'events'>): LaneNetwork {
  let epoch = 0;
  for (const event of ['peer:connect', 'peer:link'] as const) mesh.events.on(event, () => { epoch++; });
  return {
    epoch: () => epoch,
    bindHost: () => {
      const hosts = mesh.addresses().flatMap((address) => tcpHost(address) ?? []);
      if (hosts.length === 0) return undefined;
      const open = hosts.filter((host) => !LOOPBACK.test(host));
      if (open.length === 0) return hosts[0];
      return open.every((host) => host.includes(':')) ? '::' : '0.0.0.0';
    },
    hostOf: (peer) => {
      const address = mesh.peers().find((known) => known.peer === peer)?.address;
      return address === undefined ? undefined : tcpHost(address);
    },
  };
}

/** The numeric host of a direct TCP address; undefined for relays, names and other transports. */
function tcpHost(address: string): string | undefined {
  if (address.includes('/p2p-circuit')) return undefined;
  const [host, transport] = multiaddr(address).getComponents();
  return (host?.name === 'ip4' || host?.name === 'ip6') && transport?.name === 'tcp' ? host.value : undefined;
}
