import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, Listener } from '@libp2p/interface';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { backoffMs, isCoded, peerOf, toCoded, type CodedError, type Logger, type PeerId } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import type { MeshLibp2p } from '../node/create-libp2p.ts';
import { routeOf } from '../transports/kinds.ts';
import type { Mesh, RelayPlace } from '../types.ts';
import { FIRST_PLACE_MS, IDENTIFY_AGAIN_MS, IDENTIFY_ATTEMPTS, RELAY_RETRY, RESERVATION_TIMEOUT_MS } from './options.ts';
import type { NatParts } from './parts.ts';

/** What a relay speaks. */
export const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop';

export interface RelayKeeperInit {
  readonly mesh: Pick<Mesh, 'peerId' | 'dial' | 'events'>;
  readonly libp2p: MeshLibp2p;
  readonly parts: NatParts;
  readonly logger: Logger;
}

/**
 * Keeps a place at each relay that the owner named, and gets it again when it is lost. Peers then reach us through the relay. That one is down is
 * said once; the node does without it meanwhile.
 */
export class RelayKeeper {
  readonly #init: RelayKeeperInit;
  /** Wanted, and why there is no place now. */
  readonly #places = new Map<string, { isHeld: boolean; error: CodedError | undefined }>();
  readonly #over = new AbortController();
  /** libp2p may never answer the second of two that ask for places at the same time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(init: RelayKeeperInit) {
    this.#init = init;
  }

  places(): readonly RelayPlace[] {
    return [...this.#places].map(([relay, { isHeld, error }]) => ({ relay, isHeld, ...(isHeld || error === undefined ? {} : { error }) }));
  }

  /**
   * Multiaddrs that end in the relay's peer id. For `kept` nobody waits: a relay may be down for now. Resolves when each of `listened` gave a place
   * or did not, or after FIRST_PLACE_MS; never rejects.
   */
  async start({ kept, listened }: { readonly kept: readonly string[]; readonly listened: readonly string[] }): Promise<void> {
    for (const relay of kept) void this.#begin(relay);
    const first = Promise.all(listened.map((relay) => this.#begin(relay)));
    await Promise.race([first, delay(listened.length === 0 ? 0 : FIRST_PLACE_MS, undefined, { signal: this.#over.signal, ref: false }).catch(() => undefined)]);
  }

  stop(): void {
    this.#over.abort();
  }

  /** Resolves after the first attempt. */
  #begin(relay: string): Promise<void> {
    const peer = peerOf(relay);
    if (peer === undefined || peer === this.#init.mesh.peerId || this.#places.has(relay)) return Promise.resolve();
    this.#places.set(relay, { isHeld: false, error: undefined });
    const { promise, resolve } = Promise.withResolvers<void>();
    void this.#keep(relay, { peer, onTried: resolve }).catch(() => undefined);
    return promise;
  }

  /** Rejects with the signal's reason. */
  async #keep(relay: string, { peer, onTried }: { readonly peer: PeerId; readonly onTried: () => void }): Promise<void> {
    const { signal } = this.#over;
    const place = new Place(this.#init, { relay: multiaddr(relay), inTurn: (work) => (this.#turn = this.#turn.then(work, work)) });
    for (let attempt = 0; ; attempt++) {
      try {
        await place.take(signal);
        attempt = 0;
        this.#held(relay, peer);
        onTried();
        await place.lost(signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#missed(relay, peer, isCoded(error) ? error : meshErrors.relayRefused({ relay, reason: toCoded(error).message }, error));
        onTried();
      }
      if (this.#places.get(relay)?.isHeld === true) {
        this.#places.set(relay, { isHeld: false, error: undefined });
        this.#init.mesh.events.emit('relay:lost', { relay: peer });
      }
      await delay(backoffMs(attempt, RELAY_RETRY), undefined, { signal, ref: false });
    }
  }

  #held(relay: string, peer: PeerId): void {
    if (this.#places.get(relay)?.error !== undefined) this.#init.logger.info({ relay }, 'a relay that was missing gave this node a place');
    this.#places.set(relay, { isHeld: true, error: undefined });
    this.#init.mesh.events.emit('relay:reserved', { relay: peer });
  }

  /** Worth a line, once, until there is a place. */
  #missed(relay: string, peer: PeerId, error: CodedError): void {
    const isNews = this.#places.get(relay)?.error === undefined;
    this.#places.set(relay, { isHeld: false, error });
    const { code, message, next } = error;
    this.#init.logger[isNews ? 'warn' : 'debug']({ code, message, next, relay }, 'no place at a relay: others do not reach this node through it; it is tried again');
    if (isNews) this.#init.mesh.events.emit('relay:missed', { relay: peer });
  }
}

/** At one relay: a listener of libp2p's, the same one for every time the place is taken. */
class Place {
  readonly #init: RelayKeeperInit;
  readonly #relay: Multiaddr;
  readonly #address: Multiaddr;
  readonly #inTurn: (work: () => Promise<void>) => Promise<unknown>;
  #listener: Listener | undefined;

  constructor(init: RelayKeeperInit, { relay, inTurn }: { readonly relay: Multiaddr; readonly inTurn: (work: () => Promise<void>) => Promise<unknown> }) {
    this.#init = init;
    this.#relay = relay;
    this.#inTurn = inTurn;
    this.#address = relay.encapsulate('/p2p-circuit');
  }

  /** Resolves when the place is ours. Throws MESH_DIAL_FAILED, MESH_RELAY_REFUSED, ZONE_*. */
  async take(signal: AbortSignal): Promise<void> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(RESERVATION_TIMEOUT_MS)]);
    const connection = this.#connectionTo(await this.#init.mesh.dial(this.#relay.toString(), { signal: within }));
    if (connection === undefined) throw this.#refused('the connection to it was lost');
    // libp2p never asks one again that did not speak the protocol when it was asked, and a relay that has just started may not speak it yet.
    const { protocols } = await this.#introduced(connection, within);
    if (!protocols.includes(HOP_PROTOCOL)) throw this.#refused('it is none');
    await this.#inTurn(() => Promise.race([this.#listen(), this.#timeUp(signal)])).catch((error: unknown) => { throw this.#refused('it gave no place', error); });
    if (!this.#isOurs) throw this.#refused('it gave no place');
  }

  /** Resolves when the place is ours no more. */
  async lost(signal: AbortSignal): Promise<void> {
    // The listener says so whenever its addresses have changed.
    while (this.#isOurs) await once(this.#listener as unknown as EventTarget, 'listening', { signal });
  }

  get #isOurs(): boolean {
    return (this.#listener?.getAddrs().length ?? 0) > 0;
  }

  /** libp2p asks by itself too, and a peer answers one such question at a time. */
  async #introduced(connection: Connection, signal: AbortSignal, attempt = 1): Promise<{ readonly protocols: readonly string[] }> {
    try {
      return await this.#init.libp2p.services.identify.identify(connection, { signal });
    } catch (error) {
      if (attempt >= IDENTIFY_ATTEMPTS || signal.aborted || connection.status !== 'open') throw this.#refused('it did not introduce itself', error);
      await delay(IDENTIFY_AGAIN_MS, undefined, { signal, ref: false });
      return this.#introduced(connection, signal, attempt + 1);
    }
  }

  /** libp2p asks for a place without a signal. */
  async #timeUp(signal: AbortSignal): Promise<never> {
    await delay(RESERVATION_TIMEOUT_MS, undefined, { signal, ref: false });
    throw this.#refused('it did not answer');
  }

  #refused(reason: string, cause?: unknown): CodedError {
    return meshErrors.relayRefused({ relay: this.#relay.toString(), reason }, cause);
  }

  #connectionTo(relay: PeerId): Connection | undefined {
    return this.#init.libp2p.getConnections().find((one) => one.remotePeer.toString() === relay && one.status === 'open' && routeOf(one) === 'direct');
  }

  async #listen(): Promise<void> {
    if (this.#listener !== undefined) return this.#listener.listen(this.#address);
    const { transportManager } = this.#init.parts;
    const before = new Set(transportManager.getListeners());
    const listening = transportManager.listen([this.#address]);
    // There from the call on, so that it is not taken for that of another relay. One that failed stays, and is the one to try again with.
    this.#listener = transportManager.getListeners().find((listener) => !before.has(listener));
    await listening;
  }
}
