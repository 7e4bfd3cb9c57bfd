import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { asPeerId, isCoded, type PeerId } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import type { MeshMetrics } from '../metrics.ts';
import { DIAL_TIMEOUT_MS, WEBRTC_ATTEMPT_MS, WEBRTC_ATTEMPTS } from '../options.ts';
import { kindOf } from '../transports/kinds.ts';
import type { Transports } from '../transports/transports.ts';
import type { ZoneWatch } from '../zone/zone-watch.ts';
import type { MeshLibp2p } from './create-libp2p.ts';
import { withDeadline } from './deadline.ts';
import { dialError, dialReasonOf, isHandshakeFailure } from './dial-error.ts';
import { failureOf } from './handshake-failure.ts';

export interface DiallerInit {
  readonly libp2p: Pick<MeshLibp2p, 'dial'>;
  readonly transports: Pick<Transports, 'ready'>;
  readonly zone: Pick<ZoneWatch, 'deniesDial'>;
  readonly metrics: Pick<MeshMetrics, 'dialled' | 'handshake'>;
}

/** Connects to the peer that an address names, and counts how that went. */
export class Dialler {
  readonly #init: DiallerInit;

  constructor(init: DiallerInit) {
    this.#init = init;
  }

  /** Throws MESH_DIAL_FAILED, MESH_TRANSPORT_UNAVAILABLE, ZONE_*. */
  async dial(address: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<PeerId> {
    const { zone, metrics } = this.#init;
    const target = parseAddress(address);
    const refusal = zone.deniesDial(target);
    if (refusal !== undefined) {
      metrics.dialled('not allowed');
      throw refusal;
    }
    try {
      const connection = await this.#attempt(target, signal);
      metrics.dialled('connected');
      return asPeerId(connection.remotePeer.toString());
    } catch (error) {
      const failure = signal?.aborted === true ? meshErrors.dialFailed({ address, reason: 'aborted' }, error) : isCoded(error) && error.code !== 'ZONE_SILENT_PEER' ? error : dialError(address, error);
      metrics.dialled(dialReasonOf(failure));
      if (isHandshakeFailure(error)) metrics.handshake('outbound', failureOf(error));
      throw failure;
    }
  }

  async #attempt(target: Multiaddr, signal: AbortSignal | undefined, attempt = 1): Promise<Connection> {
    const address = target.toString();
    const isWebrtc = kindOf(target) === 'webrtc';
    const deadline = { timeoutMs: isWebrtc ? WEBRTC_ATTEMPT_MS : DIAL_TIMEOUT_MS, error: () => meshErrors.dialFailed({ address, reason: 'timeout' }), signal };
    try {
      return await withDeadline(deadline, async (within) => {
        await this.#init.transports.ready(address);
        return this.#init.libp2p.dial(target, { signal: within });
      });
    } catch (error) {
      if (!isWebrtc || attempt >= WEBRTC_ATTEMPTS || signal?.aborted === true || !isCoded(error, 'MESH_DIAL_FAILED')) throw error;
      return this.#attempt(target, signal, attempt + 1);
    }
  }
}

/** Throws MESH_DIAL_FAILED for what is no address with a peer id at its end. */
export function parseAddress(address: string): Multiaddr {
  try {
    const parsed = multiaddr(address);
    const last = parsed.getComponents().at(-1);
    if (last?.name === 'p2p' && last.value !== undefined) {
      peerIdFromString(last.value);
      return parsed;
    }
  } catch (cause) {
    throw meshErrors.dialFailed({ address, reason: 'bad address' }, cause);
  }
  throw meshErrors.dialFailed({ address, reason: 'bad address' });
}
