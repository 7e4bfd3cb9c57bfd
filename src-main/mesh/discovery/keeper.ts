import { backoffMs, isCoded, peerOf, toCoded, type Clock, type CodedError, type Logger, type PeerId, type Unsubscribe } from '../../base/index.ts';
import type { Mesh, PeerSummary } from '../types.ts';
import type { AddressBook } from './address-book.ts';
import type { Candidate, Candidates } from './candidates.ts';
import { ADDRESS_TRY_MS, CANDIDATE_WAIT_MS, HEAD_START_MS, MAX_ADDRESS_TRIES, MAX_PARALLEL_TRIES, RETRY, RETRY_UNNAMED, SHORT_LIFE_MS } from './options.ts';

export interface KeeperInit {
  readonly mesh: Pick<Mesh, 'peerId' | 'dial' | 'peers' | 'events'>;
  readonly book: AddressBook;
  readonly candidates: Candidates;
  /** Multiaddrs that end in a peer id: whom the owner named. */
  readonly members: readonly string[];
  readonly targetPeers: number;
  /** Whether a connected peer is a member, not a passing process. */
  readonly isMember: (peer: PeerSummary) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A peer that this node knows by name or by its address book and does not reach. */
export interface Missed {
  /** Of the address that seemed best. */
  readonly error: CodedError;
  /** The first try in vain since it was connected or this node began, and the last one; unix ms. */
  readonly since: number;
  readonly at: number;
}

/** What this node itself refuses says nothing of the address: a ban would forget where a peer is. */
const OWN_REFUSALS: ReadonlySet<string> = new Set(['ZONE_BANNED', 'ZONE_NOT_ALLOWED', 'ZONE_OUTSIDE']);
const isOwnRefusal = (error: unknown): boolean => isCoded(error) && OWN_REFUSALS.has(error.code);

interface Patience {
  readonly attempts: number;
  readonly dueMs: number;
}

/**
 * Whom a node connects to by itself. First those that its owner named, always; then, as long as fewer members than wanted are connected, the
 * best of the address book; then those that others told of or that mDNS found. Who is not there is tried again after a while that
 * doubles, part of it random, so that nodes that lost the same member do not come back in step.
 */
export class Keeper {
  readonly #init: KeeperInit;
  readonly #over = new AbortController();
  /** Who is being dialled, and since when. */
  readonly #tries = new Map<PeerId, number>();
  readonly #patience = new Map<PeerId, Patience>();
  readonly #connectedAtMs = new Map<PeerId, number>();
  /** Named members whose absence was logged. */
  readonly #mourned = new Set<PeerId>();
  readonly #named = new Map<PeerId, Set<string>>();
  readonly #missing = new Map<PeerId, Missed>();
  /** Who waits for tries to end. */
  readonly #waiters = new Set<() => void>();
  readonly #offs: Unsubscribe[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(init: KeeperInit) {
    this.#init = init;
    for (const address of init.members) this.#name(address);
  }

  /** Nobody waits for the dials: a node works alone too. */
  start(): void {
    const { events } = this.#init.mesh;
    this.#isRunning = true;
    this.#offs.push(
      events.on('peer:connect', ({ peer }) => this.#met(peer)),
      events.on('peer:disconnect', ({ peer }) => this.#lost(peer)),
      events.on('peer:identify', () => this.look()),
    );
    this.look();
  }

  stop(): void {
    this.#isRunning = false;
    this.#over.abort();
    clearTimeout(this.#timer);
    for (const off of this.#offs.splice(0)) off();
  }

  /** One more that the owner named; it is dialled now. */
  name(address: string): void {
    const peer = this.#name(address);
    if (peer !== undefined) this.#patience.delete(peer);
    this.look();
  }

  get named(): ReadonlyMap<PeerId, ReadonlySet<string>> {
    return this.#named;
  }

  missed(peer: PeerId): Missed | undefined {
    return this.#missing.get(peer);
  }

  /** Tries at once whom it would try later, as many as it wants; resolves when all tries have ended, or with the signal. */
  async retry(signal: AbortSignal): Promise<void> {
    this.#patience.clear();
    this.look();
    if (this.#tries.size === 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise.finally(() => this.#waiters.delete(resolve));
  }

  /** Dials whom it is time to dial. */
  look(): void {
    if (!this.#isRunning) return;
    const peers = this.#init.mesh.peers();
    const connected = new Set(peers.map(({ peer }) => peer));
    const isFree = (peer: PeerId): boolean => peer !== this.#init.mesh.peerId && !connected.has(peer) && !this.#tries.has(peer);
    for (const [peer, addresses] of this.#named) if (isFree(peer) && this.#isDue(peer)) this.#try(peer, [...addresses, ...this.#init.book.addressesOf(peer)]);
    let places = this.#places(peers);
    while (places > 0 && this.#tries.size < MAX_PARALLEL_TRIES && this.#tryNext(isFree)) places -= 1;
    this.#sleep(places > 0);
  }

  #name(address: string): PeerId | undefined {
    const peer = peerOf(address);
    if (peer !== undefined) this.#named.set(peer, (this.#named.get(peer) ?? new Set()).add(address));
    return peer;
  }

  /** How many more are wanted. Who has not answered within its head start is not counted on. */
  #places(connected: readonly PeerSummary[]): number {
    const members = connected.filter((peer) => this.#init.isMember(peer)).length;
    const hopeful = [...this.#tries.values()].filter((sinceMs) => this.#nowMs() - sinceMs < HEAD_START_MS).length;
    return this.#init.targetPeers - members - hopeful;
  }

  #tryNext(isFree: (peer: PeerId) => boolean): boolean {
    const { book, candidates } = this.#init;
    const known = book.best().find(({ peer }) => isFree(peer) && !this.#named.has(peer) && this.#isDue(peer));
    if (known !== undefined) {
      this.#try(known.peer, book.addressesOf(known.peer));
      return true;
    }
    const told = candidates.take(isFree);
    if (told !== undefined) this.#try(told.peer, told.addresses, told);
    return told !== undefined;
  }

  #try(peer: PeerId, addresses: readonly string[], candidate?: Candidate): void {
    const isNamed = this.#named.has(peer);
    this.#tries.set(peer, this.#nowMs());
    void this.#dial(peer, [...new Set(addresses)].slice(0, MAX_ADDRESS_TRIES)).then((failure) => {
      const isThere = failure === undefined;
      this.#tries.delete(peer);
      if (this.#over.signal.aborted) return this.#wake();
      if (candidate !== undefined) this.#init.candidates.ended(candidate, isThere);
      if (!isThere) this.#missed(peer, { isNamed, failure });
      this.look();
      if (this.#tries.size === 0) this.#wake();
    });
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
  }

  /** One address after the other: the one that worked last comes first. Undefined when one answered, else what became of the first. */
  async #dial(peer: PeerId, addresses: readonly string[]): Promise<CodedError | undefined> {
    const { mesh, book } = this.#init;
    let first: CodedError | undefined;
    for (const [index, address] of addresses.entries()) {
      const isLast = index === addresses.length - 1;
      const signal = isLast ? this.#over.signal : AbortSignal.any([this.#over.signal, AbortSignal.timeout(ADDRESS_TRY_MS)]);
      try {
        await mesh.dial(address, { signal });
        return undefined;
      } catch (error) {
        first ??= toCoded(error);
        if (this.#over.signal.aborted) return first;
        if (!isOwnRefusal(error)) book.missedAt(peer, address);
        this.#tell(peer, error);
      }
    }
    return first;
  }

  /** A named member that is not there is worth a line, once. */
  #tell(peer: PeerId, error: unknown): void {
    const { code, message } = toCoded(error);
    const isNews = this.#named.has(peer) && !this.#mourned.has(peer);
    if (isNews) this.#mourned.add(peer);
    this.#init.logger[isNews ? 'warn' : 'debug']({ code, message }, isNews ? 'a member of the mesh is not reached; it is tried again' : 'a peer is not reached');
  }

  #met(peer: PeerId): void {
    this.#connectedAtMs.set(peer, this.#nowMs());
    this.#mourned.delete(peer);
    this.#missing.delete(peer);
  }

  #missed(peer: PeerId, { isNamed, failure }: { readonly isNamed: boolean; readonly failure: CodedError }): void {
    if (!isOwnRefusal(failure)) this.#init.book.missed(peer);
    const at = this.#init.clock.now();
    if (isNamed || this.#init.book.get(peer) !== undefined) this.#missing.set(peer, { error: failure, since: this.#missing.get(peer)?.since ?? at, at });
    else this.#missing.delete(peer);
    // Hearsay is not tried again.
    if (isNamed || this.#init.book.get(peer) !== undefined) this.#wait(peer, isNamed);
    else this.#patience.delete(peer);
  }

  #lost(peer: PeerId): void {
    const livedMs = this.#nowMs() - (this.#connectedAtMs.get(peer) ?? 0);
    this.#connectedAtMs.delete(peer);
    if (livedMs >= SHORT_LIFE_MS) this.#patience.delete(peer);
    this.#wait(peer, this.#named.has(peer));
    this.look();
  }

  #wait(peer: PeerId, isNamed: boolean): void {
    const attempts = this.#patience.get(peer)?.attempts ?? 0;
    const dueMs = this.#nowMs() + backoffMs(attempts, isNamed ? RETRY : RETRY_UNNAMED);
    this.#patience.set(peer, { attempts: Math.min(attempts + 1, 32), dueMs });
  }

  #isDue(peer: PeerId): boolean {
    return (this.#patience.get(peer)?.dueMs ?? 0) <= this.#nowMs();
  }

  /** Until something is due, or a try has had its head start. */
  #sleep(isWanting: boolean): void {
    clearTimeout(this.#timer);
    for (const peer of [...this.#patience.keys(), ...this.#missing.keys()]) {
      if (this.#named.has(peer) || this.#init.book.get(peer) !== undefined) continue;
      this.#patience.delete(peer);
      this.#missing.delete(peer);
    }
    const nowMs = this.#nowMs();
    const times = [...this.#patience.values()].map(({ dueMs }) => dueMs).filter((dueMs) => dueMs > nowMs);
    const starts = [...this.#tries.values()].map((sinceMs) => sinceMs + HEAD_START_MS).filter((atMs) => atMs > nowMs);
    const waiting = isWanting && this.#init.candidates.size > 0 ? [nowMs + CANDIDATE_WAIT_MS] : [];
    const nextMs = Math.min(...times, ...starts, ...waiting);
    if (Number.isFinite(nextMs)) this.#timer = setTimeout(() => this.look(), Math.max(10, nextMs - nowMs)).unref();
  }

  readonly #nowMs = (): number => this.#init.clock.monotonicMs();
}
