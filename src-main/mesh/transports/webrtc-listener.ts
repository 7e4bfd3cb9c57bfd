import type { Listener } from '@libp2p/interface';
import type { TransportFactory } from './load-transport.ts';

/** What libp2p's listener has of the native one. */
interface NativeListener {
  close: () => Promise<void>;
}

/** Of this process, until it ends. */
const kept = new Set<NativeListener>();

/**
 * libdatachannel 0.24 (`IceUdpMuxListener::mStopped` has no first value) asks memory that nobody wrote whether a listener was stopped. Where it reads yes,
 * stopping one only frees it: the thread of its socket still calls it, and the next STUN request of anybody aborts the process. So no native listener is
 * ever stopped or collected here; libp2p's own lets nobody in once it was closed.
 */
export const keepListeners = (factory: TransportFactory): TransportFactory => (components) => {
  const transport = factory(components);
  const createListener = transport.createListener.bind(transport);
  transport.createListener = (options) => keepNative(createListener(options));
  return transport;
};

/** libp2p sets it as soon as there is one, before anybody can close it. */
function keepNative(listener: Listener): Listener {
  let native: NativeListener | undefined;
  return Object.defineProperty(listener, 'stunServer', {
    get: () => native,
    set: (made: NativeListener) => {
      made.close = () => Promise.resolve();
      kept.add(made);
      native = made;
    },
  });
}

/**
 * Whether this process has listened for browsers (WebRTC-direct): what is kept of that holds it. Its owner then ends it by `process.exit` when all is
 * stopped and written, which frees nothing either.
 */
export const isProcessHeld = (): boolean => kept.size > 0;
