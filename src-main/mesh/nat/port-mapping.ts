import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { UPnPNAT } from '@achingbrain/nat-port-mapper';
import type { Startable } from '@libp2p/interface';
import type { UPnPNATComponents } from '@libp2p/upnp-nat';
import { replaced } from '../node/replaced.ts';
import { reachOfHost } from '../node/reach.ts';
import type { PortMapping } from './options.ts';

/** For how long a router keeps a mapping unless it is asked again, as it is while the node runs. */
const TTL_MS = 20 * 60_000;
const LINUX_ROUTES = '/proc/net/route';
const DEFAULT_ROUTE = '00000000';

/** Asks the router of this network to pass our ports on. What it says is believed only when a peer came through (AutoNAT). */
export async function portMapper(kind: Exclude<PortMapping, 'off'>, mapped: EventTarget): Promise<(components: UPnPNATComponents) => Startable> {
  const [{ uPnPNAT }, client] = await Promise.all([import('@libp2p/upnp-nat'), kind === 'nat-pmp' ? natPmpClient() : undefined]);
  const init = { portMappingDescription: 'omninode', portMappingTTL: TTL_MS, ...(client === undefined ? {} : { portMappingClient: client }) };
  return (components) => {
    const { addressManager } = components;
    const add: typeof addressManager.addPublicAddressMapping = (...mapping) => {
      addressManager.addPublicAddressMapping(...mapping);
      mapped.dispatchEvent(new Event('mapped'));
    };
    return uPnPNAT(init)(replaced(components, 'addressManager', replaced(addressManager, 'addPublicAddressMapping', add))) as unknown as Startable;
  };
}

/** UPnP's way of asking, over NAT-PMP (RFC 6886): there the gateway is known, and not searched. */
async function natPmpClient(): Promise<UPnPNAT> {
  const { pmpNat } = await import('@achingbrain/nat-port-mapper');
  return {
    async *findGateways() {
      for (const address of await gateways()) yield pmpNat(address, { ttl: TTL_MS });
    },
    getGateway: ({ hostname }) => Promise.resolve(pmpNat(hostname, { ttl: TTL_MS })),
  };
}

/** Private IPv4 addresses to which this machine sends what is for the internet. */
async function gateways(): Promise<readonly string[]> {
  const routes = await readFile(LINUX_ROUTES, 'utf8').catch(() => undefined);
  return [...new Set(routes === undefined ? usualGateways() : routedGateways(routes))].filter((address) => reachOfHost(address) === 'private');
}

/** Of Linux's table: the second column is where to, the third through whom, each 4 bytes in hexadecimal, lowest first. */
export const routedGateways = (routes: string): readonly string[] =>
  routes.split('\n').map((line) => line.trim().split(/\s+/)).filter(([, to, through]) => to === DEFAULT_ROUTE && /^[0-9A-F]{8}$/.test(through ?? ''))
    .map(([, , through]) => [...Buffer.from(through ?? '', 'hex')].toReversed().join('.'));

// Other systems tell it only through programs: the first address of each network, as home routers have it.
const usualGateways = (): readonly string[] =>
  Object.values(networkInterfaces()).flat().flatMap((own) => (own === undefined || own.internal || own.family !== 'IPv4' ? [] : [own.address.replace(/\.\d+$/, '.1')]));
