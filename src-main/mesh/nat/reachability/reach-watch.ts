import { randomBytes } from 'node:crypto';
import type { IdentifyResult } from '@libp2p/interface';
import { asPeerId, toCoded, type PeerId, type Unsubscribe } from '../../../base/index.ts';
import { hear } from '../../node/hear.ts';
import { withDeadline } from '../../node/deadline.ts';
import { reachOfHost } from '../../node/reach.ts';
import { askDial } from '../../protocols/autonat/client.ts';
import { AUTONAT_LIMITS, AUTONAT_TIMEOUT_MS, DIAL_REQUEST_PROTOCOL } from '../../protocols/autonat/constants.ts';
import { autonatErrors } from '../../protocols/autonat/errors.ts';
import { routeOf } from '../../transports/kinds.ts';
import type { Reachability } from '../../types.ts';
import { endpointOf, seenHost } from '../address.ts';
import type { NatInit } from '../nat.ts';
import { ANSWER_TTL_MS, MAX_OBSERVED_HOSTS, RECHECK_MS } from '../options.ts';
import { DialAnswers } from './answers.ts';
import { candidatesOf, type Candidate } from './candidates.ts';

/** Finds out whether others can dial this node, by asking those who introduce themselves to try (AutoNAT v2). */
export class ReachWatch {
  readonly #init: NatInit;
  readonly #answers = new DialAnswers();
  /** Questions under way: what a dial back has to bring. */
  readonly #nonces = new Set<bigint>();
  /** Hosts of the internet as which peers see us, the latest last. */
  readonly #observed = new Set<string>();
  /** What libp2p tells others because somebody reached us there. */
  readonly #confirmed = new Set<string>();
  readonly #servers = new Map<PeerId, Promise<void>>();
  readonly #offs: Unsubscribe[] = [];
  #state: Reachability = { kind: 'unknown', reason: 'no peer has tried yet' };
  #timer: NodeJS.Timeout | undefined;

  constructor(init: NatInit) {
    this.#init = init;
  }

  get state(): Reachability {
    return this.#state;
  }

  start(): void {
    const { libp2p, parts } = this.#init;
    parts.mapped.addEventListener('mapped', this.#onMapped);
    this.#offs.push(hear(libp2p, 'peer:identify', this.#onIdentify), hear(libp2p, 'peer:disconnect', this.#onDisconnect), hear(libp2p, 'self:peer:update', this.#onUpdate));
    this.#timer = setInterval(this.#onUpdate, RECHECK_MS).unref();
    this.#tell();
  }

  stop(): void {
    this.#init.parts.mapped.removeEventListener('mapped', this.#onMapped);
    for (const off of this.#offs.splice(0)) off();
    clearInterval(this.#timer);
  }

  /** Whether a dial back brings what we asked for; true once. */
  readonly takeNonce = (nonce: bigint): boolean => this.#nonces.delete(nonce);

  readonly #onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    const { peerId, connection, observedAddr, protocols } = detail;
    if (routeOf(connection) === 'relayed') return;
    if (observedAddr !== undefined) this.#observe(seenHost(observedAddr));
    if (!protocols.includes(DIAL_REQUEST_PROTOCOL)) return;
    const peer = asPeerId(peerId.toString());
    if (!this.#servers.has(peer)) this.#servers.set(peer, Promise.resolve());
    this.#ask(peer);
  };

  readonly #onDisconnect = ({ detail }: CustomEvent<{ toString(): string }>): void => void this.#servers.delete(asPeerId(detail.toString()));

  readonly #onUpdate = (): void => {
    for (const peer of this.#servers.keys()) this.#ask(peer);
    this.#tell();
  };

  // What could not be reached before may be now.
  readonly #onMapped = (): void => {
    for (const { address, inner } of this.#candidates()) if (inner === undefined) this.#answers.forget(address.toString());
    this.#onUpdate();
  };

  #observe(host: string | undefined): void {
    if (host === undefined || reachOfHost(host) !== 'public') return;
    this.#observed.delete(host);
    this.#observed.add(host);
    const [oldest] = this.#observed;
    if (this.#observed.size > MAX_OBSERVED_HOSTS && oldest !== undefined) this.#observed.delete(oldest);
  }

  // One question at a time of one peer.
  #ask(peer: PeerId): void {
    const before = this.#servers.get(peer);
    if (before === undefined) return;
    this.#servers.set(peer, before.then(() => this.#askAll(peer)).catch((error: unknown) => {
      const { code, message } = toCoded(error, 'MESH_PEER_LEFT');
      this.#init.logger.debug({ code, message }, 'a peer did not try our addresses');
    }));
  }

  async #askAll(peer: PeerId): Promise<void> {
    for (const candidate of this.#candidates()) {
      const address = candidate.address.toString();
      const { clock } = this.#init;
      if (!this.#answers.isOpen(address, peer, clock.monotonicMs()) || !this.#servers.has(peer)) continue;
      const outcome = await this.#askOne(peer, candidate);
      if (outcome !== 'reached' && outcome !== 'not reached') continue;
      this.#answers.add(address, peer, { isReached: outcome === 'reached', atMs: clock.monotonicMs() });
      if (outcome === 'reached') this.#confirm(candidate);
      else if (this.#answers.isClosed(address)) this.#withdraw(candidate);
      this.#tell();
    }
  }

  async #askOne(peer: PeerId, { address }: Candidate): Promise<string> {
    const nonce = randomBytes(8).readBigUInt64BE();
    this.#nonces.add(nonce);
    try {
      const deadline = { timeoutMs: AUTONAT_TIMEOUT_MS, error: () => autonatErrors.timedOut(peer) };
      const outcome = await withDeadline(deadline, async (signal) =>
        askDial(await this.#init.mesh.open(peer, DIAL_REQUEST_PROTOCOL, { limits: AUTONAT_LIMITS, signal }), { address, nonce, signal }));
      // What counts is that somebody came with the number.
      return outcome === 'reached' && this.#nonces.has(nonce) ? 'unclear' : outcome;
    } finally {
      this.#nonces.delete(nonce);
    }
  }

  /** From now on libp2p tells others of the address. */
  #confirm({ address, inner }: Candidate): void {
    const { addressManager } = this.#init.parts;
    const [own, there] = [inner === undefined ? undefined : endpointOf(inner), endpointOf(address)];
    if (own !== undefined && there !== undefined && !this.#confirmed.has(address.toString())) {
      addressManager.addPublicAddressMapping(own.host, own.port, there.host, there.port, there.carrier);
    }
    this.#confirmed.add(address.toString());
    addressManager.confirmObservedAddr(address, { ttl: ANSWER_TTL_MS });
  }

  #withdraw({ address }: Candidate): void {
    if (this.#confirmed.delete(address.toString())) this.#init.parts.addressManager.removeObservedAddr(address);
  }

  #candidates(): readonly Candidate[] {
    return candidatesOf(this.#init.parts.addressManager.getAddressesWithMetadata(), [...this.#observed].toReversed());
  }

  #tell(): void {
    const candidates = this.#candidates().map(({ address }) => address.toString());
    this.#answers.keep(candidates, this.#init.clock.monotonicMs());
    const state = this.#init.isListening ? this.#answers.verdict(candidates) : { kind: 'private' as const, reason: 'this node listens on nothing' };
    if (state.kind === this.#state.kind && state.reason === this.#state.reason) return;
    this.#state = state;
    this.#init.mesh.events.emit('reachability', state);
  }
}
