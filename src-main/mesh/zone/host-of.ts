import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { MessageStream, MultiaddrConnection } from '@libp2p/interface';
import { socketOf } from '../node/native-tls.ts';

const MAPPED = '::ffff:';
/** One subscriber's network (RFC 6177): whoever has one address of it has them all. */
const PREFIX_GROUPS = 4;

/** An IP address in one spelling: IPv4 without the IPv6 around it, IPv6 short and in lower case. */
export function hostOf(ip: string): string {
  const [address = ip] = ip.split('%');
  if (address.toLowerCase().startsWith(MAPPED) && isIPv4(address.slice(MAPPED.length))) return address.slice(MAPPED.length);
  return isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address;
}

/** What sessions are counted by: an IPv4 address, or the /64 of an IPv6 one. */
export function countedAs(host: string): string {
  if (!isIPv6(host)) return host;
  const [head = '', tail] = host.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const filled = tail === undefined ? groups : [...groups, ...Array<string>(8 - groups.length - rest.length).fill('0'), ...rest];
  return `${filled.slice(0, PREFIX_GROUPS).join(':')}::/64`;
}

/** The IP address at the other end, the relay's for a relayed connection; undefined where there is none. */
export function hostOfConnection(connection: Pick<MultiaddrConnection, 'remoteAddr'>): string | undefined {
  const { remoteAddress } = socketOf(connection as MessageStream & MultiaddrConnection) ?? {};
  if (remoteAddress !== undefined) return hostOf(remoteAddress);
  const [host] = connection.remoteAddr.getComponents();
  return (host?.name === 'ip4' || host?.name === 'ip6') && host.value !== undefined ? hostOf(host.value) : undefined;
}
