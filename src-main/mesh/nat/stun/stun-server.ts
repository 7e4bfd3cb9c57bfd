import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { RateLimiter, type Clock, type Service } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import { STUN_RATE, STUN_TOTAL_RATE } from '../options.ts';
import { answer, readRequest, type Endpoint } from './message.ts';

export interface StunServerInit {
  /** Where it listens; port 0 takes a free one. */
  readonly at: Endpoint;
  readonly clock: Clock;
  /** Whether a host is answered at all. */
  readonly mayAsk: (host: string) => boolean;
  /** Told what was refused, by its code. */
  readonly refused: (code: string) => void;
}

/**
 * Tells whoever asks what its address looks like from here (RFC 8489, binding only), so that peers behind routers need nobody else's server. An
 * answer is little longer than the question and nobody is answered often, so that it is of no use to those who ask in another's name.
 */
export class StunServer implements Service {
  readonly name = 'stun';
  readonly #init: StunServerInit;
  readonly #perHost: RateLimiter;
  readonly #total: RateLimiter;
  #socket: Socket | undefined;

  constructor(init: StunServerInit) {
    this.#init = init;
    this.#perHost = new RateLimiter(STUN_RATE, init.clock);
    this.#total = new RateLimiter(STUN_TOTAL_RATE, init.clock);
  }

  /** Where it listens; undefined while it does not. */
  get address(): Endpoint | undefined {
    return this.#socket?.address();
  }

  /** Throws MESH_PORT_IN_USE, MESH_LISTEN_FAILED. */
  async start(): Promise<void> {
    const { at } = this.#init;
    const socket = createSocket({ type: isIPv6(at.address) ? 'udp6' : 'udp4' });
    socket.on('message', (bytes, from) => this.#answer(socket, { bytes, from }));
    try {
      socket.bind(at.port, at.address);
      await once(socket, 'listening');
    } catch (error) {
      socket.close();
      const addresses = [`${at.address}, UDP port ${at.port}`];
      throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? meshErrors.portInUse({ addresses }, error) : meshErrors.listenFailed({ addresses }, error);
    }
    // An answer that cannot be sent is lost, as any datagram may be.
    socket.on('error', () => undefined);
    this.#socket = socket;
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  }

  #answer(socket: Socket, { bytes, from }: { readonly bytes: Buffer; readonly from: RemoteInfo }): void {
    const request = readRequest(bytes);
    // Nobody is to be made answer to port 0, and what is no request may come from anywhere.
    if (request === undefined || from.port === 0) return this.#init.refused('STUN_BAD_REQUEST');
    if (!this.#init.mayAsk(from.address)) return this.#init.refused('STUN_STRANGER');
    if (!this.#perHost.take(from.address) || !this.#total.take('all')) return this.#init.refused('STUN_FLOODED');
    socket.send(answer(request, from), from.port, from.address);
  }
}
