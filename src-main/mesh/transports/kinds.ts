import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { Route } from '../types.ts';

/**
 * Ways to carry a connection. `webrtc` is negotiated over a relay and then direct, `webrtc-direct` needs a listening UDP port
 * and nothing else, `relay` is a connection through a third peer.
 */
export const TRANSPORT_KINDS = ['tcp', 'ws', 'quic', 'webrtc-direct', 'webrtc', 'relay'] as const;
export type TransportKind = (typeof TRANSPORT_KINDS)[number];

/** The outermost transport of an address, as it stands in the whole address: `relay` for `<relay>/p2p-circuit/p2p/<id>`. */
export function kindOf(address: Multiaddr): TransportKind | undefined {
  const names = address.getComponents().map(({ name }) => name);
  if (names.includes('webrtc')) return 'webrtc';
  if (names.includes('p2p-circuit')) return 'relay';
  return carrierOf(names);
}

/** Negotiated over a relay is direct all the same. */
export const routeOf = ({ remoteAddr }: { readonly remoteAddr: Multiaddr }): Route => (kindOf(remoteAddr) === 'relay' ? 'relayed' : 'direct');

/** The IP address that the connection itself leads to, proved by its handshake; undefined where a third peer arranged it, or carries it. */
export function hostOfDirect({ remoteAddr }: { readonly remoteAddr: Multiaddr }): string | undefined {
  const kind = kindOf(remoteAddr);
  if (kind === 'relay' || kind === 'webrtc') return undefined;
  const [host] = remoteAddr.getComponents();
  return host?.name === 'ip4' || host?.name === 'ip6' ? host.value : undefined;
}

/** Where a stream's end has to be said in so many words, see `FrameStreamInit.marksEnd`. */
export const marksEnd = ({ multiplexer }: { readonly multiplexer?: string | undefined }): boolean => multiplexer === 'quic' || multiplexer === '/webrtc';

/** Everything that listening on, or dialling, an address takes: of `<relay>/p2p-circuit/webrtc` the way to the relay too. Nothing for what is no address. */
export function kindsFor(address: string): readonly TransportKind[] {
  const names = namesOf(address);
  const hop = carrierOf(names.includes('p2p-circuit') ? names.slice(0, names.indexOf('p2p-circuit')) : names);
  const webrtc = names.includes('webrtc');
  // WebRTC is negotiated over a relay, and libp2p's has it as a dependency.
  const relay = webrtc || names.includes('p2p-circuit');
  return [...(hop === undefined ? [] : [hop]), ...(relay ? ['relay' as const] : []), ...(webrtc ? ['webrtc' as const] : [])];
}

function carrierOf(names: readonly string[]): TransportKind | undefined {
  if (names.includes('webrtc-direct')) return 'webrtc-direct';
  if (names.includes('quic-v1')) return 'quic';
  if (names.includes('ws') || names.includes('wss')) return 'ws';
  return names.includes('tcp') ? 'tcp' : undefined;
}

function namesOf(address: string): readonly string[] {
  try {
    return multiaddr(address).getComponents().map(({ name }) => name);
  } catch {
    return [];
  }
}
