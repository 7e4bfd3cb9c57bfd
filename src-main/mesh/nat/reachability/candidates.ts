import type { Multiaddr } from '@multiformats/multiaddr';
import { MAX_CANDIDATES } from '../options.ts';
import { atHost, isMachine, isPublic, isRelayed, withoutPeer } from '../address.ts';

export interface KnownAddress {
  readonly multiaddr: Multiaddr;
  readonly type: string;
}

/** Under what address others may be able to dial us, and which of our own that would lead to. */
export interface Candidate {
  readonly address: Multiaddr;
  /** Where we listen; undefined where the address itself is one of ours. */
  readonly inner: Multiaddr | undefined;
}

/**
 * Addresses of the internet that this node has, that its router mapped, or that it would have if the router passed the same ports on (which
 * an owner can set up). Ports as others see them are none: they belong to connections of ours, and lead to no listener.
 */
export function candidatesOf(known: readonly KnownAddress[], observedHosts: Iterable<string>): readonly Candidate[] {
  const ours = known.filter(({ type }) => type !== 'observed').map(({ multiaddr }) => withoutPeer(multiaddr)).filter((address) => !isRelayed(address));
  const found = new Map<string, Candidate>();
  for (const address of ours.filter(isPublic)) found.set(address.toString(), { address, inner: undefined });
  for (const host of observedHosts) {
    for (const inner of ours.filter((address) => !isPublic(address) && !isMachine(address))) {
      const address = atHost(inner, host);
      if (address !== undefined && isPublic(address) && !found.has(address.toString())) found.set(address.toString(), { address, inner });
    }
  }
  return [...found.values()].slice(0, MAX_CANDIDATES);
}
