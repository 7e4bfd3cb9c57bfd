import { peerOf } from '../../base/index.ts';

/** How `net doctor` says things; pure. */

/** The end of a peer id tells peers apart, as in `omninode peers`. */
export const shortPeer = (peerId: string): string => (peerId.length > 12 ? `...${peerId.slice(-8)}` : peerId);

/** Without the peer that it ends in. */
export const bare = (address: string): string => (peerOf(address) === undefined ? address : address.slice(0, address.lastIndexOf('/p2p/')));

/** With peer ids as short as elsewhere. */
export const shortened = (text: string): string => text.replaceAll(/\b12D3KooW\w+/g, shortPeer);

export function duration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 600) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

export const isLoopback = (address: string): boolean => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address);

/** `tcp port 4001`; none for what has no port of its own, or one that the system chooses. */
export const portOf = (address: string): string[] => [/^\/ip[46]\/[^/]+\/(tcp|udp)\/([1-9]\d*)/.exec(address)].flatMap((found) => (found === null ? [] : [`${found[1] ?? ''} port ${found[2] ?? ''}`]));
