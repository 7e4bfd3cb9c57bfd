import { isIP, isIPv6 } from 'node:net';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { reachOfHost } from '../node/reach.ts';

/** Ways over which a peer can be asked to dial an address that only our listening on it and a host make up. */
const PLAIN_CARRIERS: ReadonlySet<string> = new Set(['/tcp', '/tcp/ws', '/udp/quic-v1']);

export const isRelayed = (address: Multiaddr): boolean => address.getComponents().some(({ name }) => name === 'p2p-circuit');

/** The relay of an address to listen on (`<relay>/p2p-circuit`); undefined for any other. */
export const relayOf = (address: string): string | undefined => /^(.+\/p2p\/[^/]+)\/p2p-circuit$/.exec(address)?.[1];

/** The IP address that a multiaddr begins with. */
export function hostOf(address: Multiaddr): string | undefined {
  const [host] = address.getComponents();
  return host?.value !== undefined && isIP(host.value) !== 0 ? host.value : undefined;
}

/** Where the other end of a connection is; undefined where the address begins with a relay, which is somebody else. */
export const seenHost = (address: Multiaddr): string | undefined => (isRelayed(address) ? undefined : hostOf(address));

/** Whether it leads to this very node from anywhere, as far as the address can tell. */
export function isPublic(address: Multiaddr): boolean {
  const host = hostOf(address);
  return host !== undefined && !isRelayed(address) && reachOfHost(host) === 'public';
}

export const isMachine = (address: Multiaddr): boolean => reachOfHost(hostOf(address) ?? '') === 'machine';

/** The same port and carrier at another host of the same family; undefined where that would be no address. */
export function atHost(address: Multiaddr, host: string): Multiaddr | undefined {
  const own = hostOf(address);
  const [, ...rest] = withoutPeer(address).getComponents();
  if (own === undefined || isIPv6(own) !== isIPv6(host) || !PLAIN_CARRIERS.has(rest.map(({ name }) => `/${name}`).join(''))) return undefined;
  return multiaddr([`/${isIPv6(host) ? 'ip6' : 'ip4'}/${host}`, ...rest.map(({ name, value }) => (value === undefined ? `/${name}` : `/${name}/${value}`))].join(''));
}

/** Its host, port and `tcp` or `udp`; undefined for what does not begin with these. */
export function endpointOf(address: Multiaddr): { readonly host: string; readonly port: number; readonly carrier: 'tcp' | 'udp' } | undefined {
  const [, carrier] = address.getComponents();
  const host = hostOf(address);
  if (host === undefined || carrier?.value === undefined || (carrier.name !== 'tcp' && carrier.name !== 'udp')) return undefined;
  return { host, port: Number(carrier.value), carrier: carrier.name };
}

/** Without the peer id at its end. */
export const withoutPeer = (address: Multiaddr): Multiaddr => multiaddr(address.toString().replace(/\/p2p\/[^/]+$/, ''));

/** Host and port of a multiaddr, as STUN servers are named: `stun:<host>:<port>`; undefined for what has no host. */
export function stunUrl(address: string, port: number): string | undefined {
  const [, kind, host] = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\//.exec(address) ?? [];
  return host === undefined ? undefined : `stun:${kind === 'ip6' ? `[${host}]` : host}:${port}`;
}
