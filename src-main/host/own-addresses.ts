import { networkInterfaces } from 'node:os';
import { isCoded } from '../base/index.ts';
import { askRunningHost } from '../api/index.ts';
import { reachOf, type Reach } from '../mesh/index.ts';
import type { HostConfig } from './config.ts';

/** Where this home's node is: what the one that runs listens on, else what the configuration says for sure, which is a port that is not 0. */
export async function ownAddresses(config: HostConfig, signal: AbortSignal): Promise<readonly string[]> {
  const running = await askRunningHost(config.home, signal).catch((error: unknown) => {
    if (isCoded(error, 'API_NOT_RUNNING')) return undefined;
    throw error;
  });
  const { addresses = [] } = running ?? {};
  return addresses.length > 0 ? addresses : config.listen.flatMap(spelledOut);
}

/** The widest reach first; this machine's own are worth naming only where there are no others. */
export function worthNaming(addresses: readonly string[]): readonly string[] {
  const order: readonly (Reach | undefined)[] = [undefined, 'public', 'private', 'machine'];
  const sorted = addresses.toSorted((a, b) => order.indexOf(reachOf(a)) - order.indexOf(reachOf(b)));
  const wide = sorted.filter((address) => reachOf(address) !== 'machine');
  return wide.length > 0 ? wide : sorted;
}

/** Each interface in place of "all of them". */
function spelledOut(address: string): string[] {
  const [, family, host, rest = ''] = /^\/(ip4|ip6)\/([^/]+)(\/.*)$/.exec(address) ?? [];
  if (/\/(?:tcp|udp)\/0(?:\/|$)/.test(address)) return [];
  if (host !== '0.0.0.0' && host !== '::') return [address];
  const own = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  // Addresses with a scope mean another machine on each interface.
  const usable = own.filter((one) => one.family === (family === 'ip4' ? 'IPv4' : 'IPv6') && (one.scopeid ?? 0) === 0);
  return usable.map((one) => `/${family}/${one.address}${rest}`);
}
