import type { Libp2pOptions } from 'libp2p';
import { meshErrors } from '../errors.ts';
import { HANDSHAKE_TIMEOUT_MS, MAX_EARLY_STREAMS, MAX_STREAMS_PER_CONNECTION, type IceServers } from '../options.ts';
import { onlyNamed, type ChosenRelays } from './chosen-relays.ts';
import type { TransportKind } from './kinds.ts';
import { onlyConnected } from './webrtc-guard.ts';
import { keepListeners } from './webrtc-listener.ts';

/** What libp2p calls with its own components; which of them a transport uses is its affair. */
export type TransportFactory = NonNullable<Libp2pOptions['transports']>[number];
export type Components = Parameters<TransportFactory>[0];
/** Of everything but TCP, which is always there. */
export type LoadedKind = Exclude<TransportKind, 'tcp'>;

export interface TransportSettings extends ChosenRelays {
  readonly iceServers: IceServers;
}

/**
 * Loads a transport's package and makes its factory; a node that does not use it pays neither time nor memory. Throws MESH_TRANSPORT_UNAVAILABLE
 * where it cannot be loaded: QUIC and WebRTC are native and do not exist for every platform.
 */
export async function loadTransport(kind: LoadedKind, settings: TransportSettings): Promise<TransportFactory> {
  try {
    return await LOADERS[kind](settings);
  } catch (cause) {
    throw meshErrors.transportUnavailable({ transport: kind }, cause);
  }
}

const LOADERS: Readonly<Record<LoadedKind, (settings: TransportSettings) => Promise<TransportFactory>>> = {
  ws: async () => {
    const { webSockets } = await import('@libp2p/websockets');
    return webSockets();
  },
  quic: async () => {
    const { quic } = await import('@chainsafe/libp2p-quic');
    return quic({ handshakeTimeout: HANDSHAKE_TIMEOUT_MS, maxConcurrentStreamLimit: MAX_STREAMS_PER_CONNECTION });
  },
  'webrtc-direct': async (settings) => {
    const { webRTCDirect } = await import('@libp2p/webrtc');
    return keepListeners(webRTCDirect({ rtcConfiguration: rtcConfiguration(settings), maxEarlyStreams: MAX_EARLY_STREAMS }));
  },
  webrtc: async (settings) => {
    const [{ webRTC }, { closeChannelsFirst }] = await Promise.all([import('@libp2p/webrtc'), import('./webrtc-close.ts')]);
    closeChannelsFirst();
    return onlyConnected(webRTC({ rtcConfiguration: rtcConfiguration(settings), maxEarlyStreams: MAX_EARLY_STREAMS }));
  },
  relay: async (settings) => {
    const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2');
    return onlyNamed(circuitRelayTransport({ reservationCompletionTimeout: HANDSHAKE_TIMEOUT_MS }), settings);
  },
};

// Always given: without a list libp2p asks public STUN servers of others. A function, because ours may become known later.
const rtcConfiguration = ({ iceServers }: TransportSettings) => () => {
  const urls = typeof iceServers === 'function' ? iceServers() : iceServers;
  return { iceServers: urls.map((url) => ({ urls: [url] })) };
};
