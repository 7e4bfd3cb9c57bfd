import type { TlsFiles } from './http/tls.ts';

export interface BridgeOptions {
  /** Calls of one client. */
  readonly callsPerSecond: number;
  readonly callBurst: number;
}

export const BRIDGE_DEFAULTS: BridgeOptions = { callsPerSecond: 50, callBurst: 200 };

export interface HttpOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** The key in the printed link; at least 16 characters. */
  readonly key: string;
  /** Left out, what is sent can be read on its way: on this machine alone. */
  readonly tls?: TlsFiles;
  /** The owner wants it on a network all the same. */
  readonly withoutTls?: boolean;
  readonly maxClients: number;
  /** A client that has this much unread is cut off; it reconnects and resyncs. */
  readonly maxUnreadBytes: number;
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
}

export const HTTP_DEFAULTS = { host: '127.0.0.1', port: 0, maxClients: 32, maxUnreadBytes: 8_388_608, requestsPerSecond: 50, requestBurst: 200 } as const;

/** Of the control server, which only the owner's commands ask. */
export const CONTROL_PATH = '/v1/host';
export const CONTROL_PEERS_PATH = '/v1/peers';
export const CONTROL_NET_PATH = '/v1/net';
export const CONTROL_CONTRIBUTE_PATH = '/v1/contribute';
export const CONTROL_METRICS_PATH = '/v1/metrics';
/** Followed by the name of a call. */
export const CONTROL_SUM_PATH = '/v1/sum/';
/** A wallet's password is made slow on purpose, and a transaction is waited for a while. */
export const CONTROL_SUM_TIMEOUT_MS = 60_000;
/** The node tries its members again before it answers. */
export const CONTROL_NET_TIMEOUT_MS = 25_000;
export const CONTROL_LIMITS = { perSecond: 20, burst: 50, timeoutMs: 5_000, maxReplyBytes: 4_194_304, maxWatchers: 8, maxSumBodyBytes: 262_144 } as const;
