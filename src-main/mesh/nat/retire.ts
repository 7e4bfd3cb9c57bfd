import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '@libp2p/interface';
import { RETIRE_CHECK_MS } from './options.ts';

/** What libp2p itself keeps open on any connection, and goes on with on another. */
const OWN_PROTOCOLS = /^\/(meshsub|floodsub|omni\/id|ipfs\/id|omni\/ping|omni\/autonat|libp2p|webrtc-signaling)\//;

/** Closes a connection that a better one has taken the place of, as soon as nobody's streams are on it. Never rejects. */
export async function retire(connection: Connection, signal: AbortSignal): Promise<void> {
  try {
    while (isUsed(connection)) await delay(RETIRE_CHECK_MS, undefined, { signal, ref: false });
    await connection.close({ signal });
  } catch (error) {
    // It is over anyway when the node stops.
    connection.abort(error instanceof Error ? error : new Error('closing failed', { cause: error }));
  }
}

const isUsed = ({ status, streams }: Connection): boolean => status === 'open' && streams.some(({ protocol }) => !OWN_PROTOCOLS.test(protocol));
