import { toCoded, type Clock, type Logger } from '../../base/index.ts';
import type { MeshMetrics } from '../metrics.ts';
import type { MeshLibp2p } from '../node/create-libp2p.ts';
import { acceptDialBack } from '../protocols/autonat/client.ts';
import { AUTONAT_LIMITS, AUTONAT_TIMEOUT_MS, DIAL_BACK_PROTOCOL, DIAL_REQUEST_PROTOCOL } from '../protocols/autonat/constants.ts';
import { autonatErrors } from '../protocols/autonat/errors.ts';
import { serveDialRequest } from '../protocols/autonat/server.ts';
import type { Transports } from '../transports/transports.ts';
import type { FrameStream, Mesh, Reachability } from '../types.ts';
import { DirectUpgrade } from './direct-upgrade.ts';
import { GossipPaths } from './gossip-paths.ts';
import type { NatOptions } from './options.ts';
import type { NatParts } from './parts.ts';
import { dialBackServer } from './reachability/dial-back.ts';
import { ReachWatch } from './reachability/reach-watch.ts';
import { StunServer } from './stun/stun-server.ts';

export interface NatInit {
  readonly mesh: Pick<Mesh, 'peerId' | 'open' | 'handle' | 'events'>;
  readonly libp2p: MeshLibp2p;
  readonly parts: NatParts;
  readonly transports: Transports;
  readonly metrics: MeshMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Whether a host that sends a datagram is answered. */
  readonly answers: (host: string) => boolean;
  /** Whether anybody can dial this node at all. */
  readonly isListening: boolean;
}

/** Everything between this node and those that a router keeps from it. */
export class Nat {
  readonly #init: NatInit;
  readonly #options: NatOptions;
  readonly #reach: ReachWatch;
  readonly #over = new AbortController();
  #stun: StunServer | undefined;

  constructor(init: NatInit, options: NatOptions) {
    this.#init = init;
    this.#options = options;
    this.#reach = new ReachWatch(init);
  }

  get reachability(): Reachability {
    return this.#reach.state;
  }

  /** Before libp2p starts, so that peers find the protocols in the first introduction. Throws MESH_PORT_IN_USE, MESH_LISTEN_FAILED. */
  async prepare(): Promise<void> {
    const { mesh, clock, metrics } = this.#init;
    const { stunServer } = this.#options;
    const server = dialBackServer(this.#init, this.#over.signal);
    await mesh.handle(DIAL_REQUEST_PROTOCOL, AUTONAT_LIMITS, (stream) => this.#attend(stream, serveDialRequest(stream, server)));
    await mesh.handle(DIAL_BACK_PROTOCOL, AUTONAT_LIMITS, (stream) => this.#attend(stream, acceptDialBack(stream, this.#reach.takeNonce)));
    this.#reach.start();
    this.#followReach();
    new DirectUpgrade(this.#init, () => this.#reach.state).start(this.#over.signal);
    new GossipPaths(this.#init).start(this.#over.signal);
    if (stunServer === undefined) return;
    this.#stun = new StunServer({ at: stunServer, clock, mayAsk: this.#init.answers, refused: metrics.refused });
    await this.#stun.start();
  }

  async stop(): Promise<void> {
    this.#over.abort();
    this.#reach.stop();
    await this.#stun?.stop();
  }

  /** A node that nobody reaches only asks on the DHT: to others it would be a name that never answers. */
  #followReach(): void {
    const { dht } = this.#init.libp2p.services;
    if (dht === undefined) return;
    const first = dht.getMode();
    this.#init.mesh.events.on('reachability', ({ kind }) => {
      void dht.setMode(kind === 'private' ? 'client' : first).catch((error: unknown) => this.#init.logger.debug({ code: toCoded(error).code }, 'the mode on the DHT was not changed'));
    });
  }

  // One that opens a stream and says nothing does not keep it.
  #attend(stream: FrameStream, work: Promise<unknown>): void {
    const timer = setTimeout(() => stream.abort(autonatErrors.timedOut(stream.peer)), AUTONAT_TIMEOUT_MS).unref();
    work.catch((error: unknown) => {
      const { code, message } = toCoded(error, 'MESH_PEER_LEFT');
      this.#init.logger.debug({ code, message }, 'autonat ended');
    }).finally(() => clearTimeout(timer));
  }
}

