import type { Clock, PeerId } from '../../base/index.ts';
import type { BookAddress, BookContent, BookPeer, Proof } from './book-schema.ts';
import { BOOK_MAX_AGE_MS, MAX_ADDRESSES_PER_PEER, MAX_ADDRESS_FAILURES, MAX_MET_PEERS, MAX_PROVEN_PEERS } from './options.ts';
import { byPromise, byScore, isProven } from './score.ts';

/**
 * Peers that were connected to this node, where they are, and how good they are to have. Only what was seen first-hand comes in: the word of a
 * third peer does not. Peers that were never dialled have a small share of their own, so that a crowd of newcomers pushes no known one out.
 */
export class AddressBook {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #peers = new Map<PeerId, BookPeer>();

  constructor(clock: Clock, onChange: () => void = () => undefined) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#peers.size;
  }

  /** What was kept. A time to come is a clock that was set back. */
  restore({ peers }: BookContent): void {
    const nowMs = this.#clock.now();
    for (const peer of peers) if (nowMs - peer.seenAt <= BOOK_MAX_AGE_MS) this.#peers.set(peer.peer, { ...peer, seenAt: Math.min(peer.seenAt, nowMs) });
  }

  content(): BookContent {
    return { version: 1, peers: [...this.#peers.values()] };
  }

  get(peer: PeerId): BookPeer | undefined {
    return this.#peers.get(peer);
  }

  /** Best first. */
  best(): readonly BookPeer[] {
    return [...this.#peers.values()].sort(byScore(this.#clock.now()));
  }

  /** In the order to try. */
  addressesOf(peer: PeerId): readonly string[] {
    return [...this.#peers.get(peer)?.addresses ?? []].sort(byPromise).map(({ address }) => address);
  }

  /** We connected there, and it is who it should be. */
  reached(peer: PeerId, address: string): void {
    this.#note(peer, [{ address, proof: 'dialled', failures: 0 }]);
  }

  /** What the peer, which is connected, says of itself. */
  told(peer: PeerId, addresses: readonly { readonly address: string; readonly proof: Exclude<Proof, 'dialled'> }[]): void {
    if (addresses.length > 0) this.#note(peer, addresses.map((one) => ({ ...one, failures: 0 })));
  }

  /** It is connected now. */
  seen(peer: PeerId, rttMs?: number): void {
    const known = this.#peers.get(peer);
    if (known !== undefined) this.#put({ ...known, seenAt: this.#clock.now(), failures: 0, ...(rttMs === undefined ? {} : { rttMs }) });
  }

  /** A try ended here. */
  missedAt(peer: PeerId, address: string): void {
    const known = this.#peers.get(peer);
    if (known === undefined) return;
    const addresses = known.addresses.map((one) => (one.address === address ? { ...one, failures: one.failures + 1 } : one));
    const kept = stillGood(addresses);
    if (kept.length === 0) this.#forget(peer);
    else this.#put({ ...known, addresses: kept });
  }

  /** It was reached nowhere. */
  missed(peer: PeerId): void {
    const known = this.#peers.get(peer);
    if (known !== undefined) this.#put({ ...known, failures: known.failures + 1 });
  }

  #note(peer: PeerId, news: readonly BookAddress[]): void {
    const known = this.#peers.get(peer);
    const addresses = merged(known?.addresses ?? [], news);
    this.#put({ ...known, peer, addresses, seenAt: this.#clock.now(), failures: 0 });
    this.#trim();
  }

  #put(peer: BookPeer): void {
    this.#peers.set(peer.peer, peer);
    this.#onChange();
  }

  #forget(peer: PeerId): void {
    this.#peers.delete(peer);
    this.#onChange();
  }

  #trim(): void {
    const best = this.best();
    const proven = best.filter(isProven);
    const met = best.filter((peer) => !isProven(peer));
    for (const { peer } of [...proven.slice(MAX_PROVEN_PEERS), ...met.slice(MAX_MET_PEERS)]) this.#peers.delete(peer);
  }
}

/** Without those that failed too often; what worked last stays until something else does. */
function stillGood(addresses: readonly BookAddress[]): BookAddress[] {
  const good = addresses.filter(({ failures }) => failures < MAX_ADDRESS_FAILURES);
  const worked = addresses.filter(({ proof }) => proof === 'dialled').sort(byPromise).slice(0, 1);
  return good.some(({ proof }) => proof === 'dialled') ? good : [...good, ...worked];
}

/** The better proof stays; of too many the least promising go. */
function merged(known: readonly BookAddress[], news: readonly BookAddress[]): BookAddress[] {
  const byAddress = new Map(known.map((one) => [one.address, one]));
  for (const one of news) {
    const before = byAddress.get(one.address);
    byAddress.set(one.address, before?.proof === 'dialled' ? { ...before, failures: one.proof === 'dialled' ? 0 : before.failures } : one);
  }
  return [...byAddress.values()].sort(byPromise).slice(0, MAX_ADDRESSES_PER_PEER);
}
