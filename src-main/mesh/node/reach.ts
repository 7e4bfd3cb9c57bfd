import { BlockList, isIP } from 'node:net';
import type { Multiaddr } from '@multiformats/multiaddr';

/** From where an address can be dialled: this machine, a private network, anywhere. */
export const REACHES = ['machine', 'private', 'public'] as const;
export type Reach = (typeof REACHES)[number];

const machine = new BlockList();
machine.addSubnet('127.0.0.0', 8);
machine.addAddress('::1', 'ipv6');

// RFC 1918, RFC 3927, RFC 6598, RFC 4193, RFC 4291.
const local = new BlockList();
for (const [net, bits] of [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['169.254.0.0', 16], ['100.64.0.0', 10]] as const) local.addSubnet(net, bits);
for (const [net, bits] of [['fc00::', 7], ['fe80::', 10]] as const) local.addSubnet(net, bits, 'ipv6');

/** Undefined for what is no plain `/ip4/.../tcp/...` or `/ip6/.../tcp/...`: names and relays are not followed on a stranger's word. */
export function tcpReachOf(address: Multiaddr): Reach | undefined {
  const [host, port] = address.getComponents();
  return host?.value === undefined || port?.name !== 'tcp' ? undefined : reachOfHost(host.value);
}

/** Undefined for what is no IP address. */
export function reachOfHost(host: string): Reach | undefined {
  const kind = isIP(host);
  if (kind === 0) return undefined;
  const family = kind === 6 ? 'ipv6' : 'ipv4';
  if (machine.check(host, family)) return 'machine';
  return local.check(host, family) ? 'private' : 'public';
}

/**
 * The addresses that a node which is reached at `own` can use: those of its own reach or a wider one. A node on a network
 * does not take `127.0.0.1` from others, a public one no `192.168.0.1`. One that listens on nothing takes them all.
 */
export function reachableFrom(own: readonly Multiaddr[], told: readonly Multiaddr[], limit: number): Multiaddr[] {
  const least = Math.max(0, ...own.map(rank));
  return told.filter((address) => rank(address) >= least).slice(0, limit);
}

const rank = (address: Multiaddr): number => {
  const reach = tcpReachOf(address);
  return reach === undefined ? -1 : REACHES.indexOf(reach);
};
