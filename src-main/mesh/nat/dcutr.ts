import type { DCUtRServiceComponents } from '@libp2p/dcutr';
import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { replaced } from '../node/replaced.ts';
import { isRelayed } from './address.ts';

/**
 * libp2p's DCUtR, but for two things: it dials no address that leads over a relay again (WebRTC's begin so, and are not its to try), and it leaves
 * the relayed connection to us, which is only let go of when nobody's streams are on it.
 */
export async function directUpgradeByPeer(): Promise<(components: DCUtRServiceComponents) => unknown> {
  const { dcutr } = await import('@libp2p/dcutr');
  const create = dcutr();
  return (components) => {
    const { registrar, transportManager } = components;
    const register: typeof registrar.register = (protocol, topology) => registrar.register(protocol, {
      ...topology, onConnect: (peer, connection) => topology.onConnect?.(peer, kept(connection)),
    });
    const handle: typeof registrar.handle = (protocol, handler, options) => registrar.handle(protocol, (stream, connection) => handler(stream, kept(connection)), options);
    const dialTransportForMultiaddr = (address: Multiaddr): ReturnType<typeof transportManager.dialTransportForMultiaddr> =>
      isRelayed(address) ? undefined : transportManager.dialTransportForMultiaddr(address);
    const parts = replaced(components, 'registrar', replaced(replaced(registrar, 'register', register), 'handle', handle));
    return create(replaced(parts, 'transportManager', replaced(transportManager, 'dialTransportForMultiaddr', dialTransportForMultiaddr)));
  };
}

const kept = (connection: Connection): Connection => replaced(connection, 'close', () => Promise.resolve());
