import { BlockList } from 'node:net';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { endsIn, type PeerId } from '../../base/index.ts';
import { REACHES, reachOfHost, type Reach } from '../node/reach.ts';
import { MAX_ADDRESS_CHARS } from './options.ts';

export interface PlainAddress {
  readonly host: string;
  /** From where it can be dialled. */
  readonly reach: Reach;
}

// Nobody listens there: RFC 1122, RFC 5771, RFC 4291; mapped addresses are a second spelling (RFC 4291, 2.5.5.2).
const nowhere = new BlockList();
for (const [net, bits] of [['0.0.0.0', 8], ['224.0.0.0', 4], ['240.0.0.0', 4]] as const) nowhere.addSubnet(net, bits);
for (const [net, bits] of [['::', 128], ['ff00::', 8]] as const) nowhere.addSubnet(net, bits, 'ipv6');

/**
 * What may be dialled on somebody else's word: an IP address with a port, that ends in the peer it is said to be of. Names are not
 * looked up for a stranger. Undefined for anything else.
 */
export function plainAddress(address: string, peer: PeerId): PlainAddress | undefined {
  if (address.length > MAX_ADDRESS_CHARS || !endsIn(address, peer)) return undefined;
  const [{ value: host = '' } = {}, port] = parsed(address)?.getComponents() ?? [];
  const reach = reachOfHost(host);
  return reach === undefined || !isPort(port) || isNowhere(host) ? undefined : { host, reach };
}

const isPort = (part: { readonly name: string; readonly value?: string } | undefined): boolean => (part?.name === 'tcp' || part?.name === 'udp') && Number(part.value) > 0;
const isNowhere = (host: string): boolean => (host.includes(':') ? host.toLowerCase().startsWith('::ffff:') || nowhere.check(host, 'ipv6') : nowhere.check(host));

export type { Reach };
/** From where an address can be dialled; undefined for a name, which only a look-up would tell. */
export const reachOf = (address: string): Reach | undefined => reachOfHost(parsed(address)?.getComponents()[0]?.value ?? '');

/** Of a connection's other end; one without an IP address counts as far away. */
export function endOf(remoteAddress: string): PlainAddress {
  const host = parsed(remoteAddress)?.getComponents()[0]?.value ?? '';
  return { host, reach: reachOfHost(host) ?? 'public' };
}

/** Whether who is at `reach` can use an address of another: no `127.0.0.1` for a machine of the LAN, no `192.168.0.1` for one on the internet. */
export const isUsableAt = (reach: Reach, address: PlainAddress): boolean => REACHES.indexOf(address.reach) >= REACHES.indexOf(reach);

function parsed(address: string): Multiaddr | undefined {
  try {
    return multiaddr(address);
  } catch {
    return undefined;
  }
}
