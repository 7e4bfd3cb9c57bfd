import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Listener } from '@libp2p/interface';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { backoffMs, peerOf, toCoded, type PeerId } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import type { NatInit } from './nat.ts';
import { RELAY_RETRY, RESERVATION_TIMEOUT_MS } from './options.ts';

const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop';

/** Keeps a place at each relay that the owner named, and gets it again when it is lost. Peers then reach us through the relay. */
export class RelayKeeper {
  readonly #init: NatInit;
  readonly #held = new Set<PeerId>();

  constructor(init: NatInit) {
    this.#init = init;
  }

  /** Relays at which we have a place now. */
  get relays(): readonly PeerId[] {
    return [...this.#held];
  }

  /** Nobody waits for it: a relay may be down for now. */
  start(relays: readonly string[], signal: AbortSignal): void {
    for (const relay of relays) void this.#keep(relay, signal).catch(() => undefined);
  }

  /** Rejects with the signal's reason. */
  async #keep(relay: string, signal: AbortSignal): Promise<void> {
    const peer = peerOf(relay);
    if (peer === undefined || peer === this.#init.mesh.peerId) return;
    const place = new Place(this.#init, multiaddr(relay));
    for (let attempt = 0; ; attempt++) {
      try {
        await place.take(signal);
        attempt = 0;
        this.#held.add(peer);
        this.#init.mesh.events.emit('relay:reserved', { relay: peer });
        await place.lost(signal);
      } catch (error) {
        signal.throwIfAborted();
        const { code, message } = toCoded(error, 'MESH_RELAY_REFUSED');
        this.#init.logger.warn({ code, message, relay }, 'no place at a relay');
      }
      if (this.#held.delete(peer)) this.#init.mesh.events.emit('relay:lost', { relay: peer });
      await delay(backoffMs(attempt, RELAY_RETRY), undefined, { signal, ref: false });
    }
  }
}

/** At one relay: a listener of libp2p's, the same one for every time the place is taken. */
class Place {
  readonly #init: NatInit;
  readonly #relay: Multiaddr;
  readonly #address: Multiaddr;
  #listener: Listener | undefined;

  constructor(init: NatInit, relay: Multiaddr) {
    this.#init = init;
    this.#relay = relay;
    this.#address = relay.encapsulate('/p2p-circuit');
  }

  /** Resolves when the place is ours. */
  async take(signal: AbortSignal): Promise<void> {
    const { parts: { connectionManager }, libp2p } = this.#init;
    const within = AbortSignal.any([signal, AbortSignal.timeout(RESERVATION_TIMEOUT_MS)]);
    const connection = await connectionManager.openConnection(this.#relay, { signal: within });
    // libp2p never asks one again that did not speak the protocol when it was asked, and a relay that has just started may not speak it yet.
    const { protocols } = await libp2p.services.identify.identify(connection, { signal: within });
    if (!protocols.includes(HOP_PROTOCOL)) throw meshErrors.relayRefused({ relay: this.#relay.toString(), reason: 'it is none' });
    await this.#listen();
    if (!this.#isOurs) throw meshErrors.relayRefused({ relay: this.#relay.toString(), reason: 'it gave no place' });
  }

  /** Resolves when the place is ours no more. */
  async lost(signal: AbortSignal): Promise<void> {
    // The listener says so whenever its addresses have changed.
    while (this.#isOurs) await once(this.#listener as unknown as EventTarget, 'listening', { signal });
  }

  get #isOurs(): boolean {
    return (this.#listener?.getAddrs().length ?? 0) > 0;
  }

  async #listen(): Promise<void> {
    if (this.#listener !== undefined) return this.#listener.listen(this.#address);
    const { transportManager } = this.#init.parts;
    const before = new Set(transportManager.getListeners());
    try {
      await transportManager.listen([this.#address]);
    } finally {
      // A listener that failed stays, and is the one to try again with.
      this.#listener = transportManager.getListeners().find((listener) => !before.has(listener));
    }
  }
}
