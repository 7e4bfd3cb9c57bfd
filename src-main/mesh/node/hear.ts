import type { Libp2p, Libp2pEvents } from '@libp2p/interface';
import type { Unsubscribe } from '../../base/index.ts';

/** Hears an event of libp2p until the returned function is called. */
export function hear<K extends keyof Libp2pEvents>(libp2p: Pick<Libp2p, 'addEventListener' | 'removeEventListener'>, event: K, heard: (said: Libp2pEvents[K]) => void): Unsubscribe {
  libp2p.addEventListener(event, heard);
  return () => libp2p.removeEventListener(event, heard);
}
