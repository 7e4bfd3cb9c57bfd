import { join } from 'node:path';
import { backoffMs, endsIn, RateLimiter, shuffled, toCoded, withPeer, type Clock, type Logger, type PeerId, type Service, type Unsubscribe } from '../../base/index.ts';
import { withDeadline } from '../node/deadline.ts';
import { askForPeers } from '../protocols/peers/client.ts';
import { MAX_OWN_ADDRESSES, MAX_TOLD_ADDRESSES, MAX_TOLD_PEERS, PEERS_LIMITS, PEERS_PROTOCOL, PEERS_RATE, PEERS_TIMEOUT_MS, PEERS_VERSION } from '../protocols/peers/constants.ts';
import { peersErrors } from '../protocols/peers/errors.ts';
import type { PeersAnswer, PeersQuestion, ToldPeer } from '../protocols/peers/schema.ts';
import { servePeers } from '../protocols/peers/server.ts';
import { spokenInstead } from '../protocols/version.ts';
import type { Mesh, PeerSummary } from '../types.ts';
import { AddressBook } from './address-book.ts';
import { BookFile, peekIntoBook } from './book-file.ts';
import type { BookPeer, Proof } from './book-schema.ts';
import { Candidates } from './candidates.ts';
import { Keeper, type Missed } from './keeper.ts';
import { ASK_AGAIN, TARGET_PEERS } from './options.ts';
import { endOf, isUsableAt, plainAddress, type PlainAddress } from './plain-address.ts';
import { byPromise } from './score.ts';

export interface DiscoveryOptions {
  /** The folder of the address book, `peers.json`. */
  readonly home: string;
  /** Multiaddrs that end in a peer id: whom the owner named. They are always kept connected. */
  readonly members: readonly string[];
  /** Members connected by itself, those that were named included. Default TARGET_PEERS. */
  readonly targetPeers?: number;
  /** Tells other members whom it knows, and asks them. Default true. */
  readonly exchange?: boolean;
  /** Connects to what mDNS finds. Default false. */
  readonly mdns?: boolean;
}

export interface DiscoveryComponents {
  /** Started before. */
  readonly mesh: Mesh;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface KnownPeer {
  readonly peer: PeerId;
  /** In the order to try. */
  readonly addresses: readonly string[];
  readonly isNamed: boolean;
  readonly isConnected: boolean;
  /** When it was connected last, unix ms; absent for one that never was. */
  readonly seenAt?: number;
  /** Tries in a row that reached it nowhere; absent like `seenAt`. */
  readonly failures?: number;
  /** Absent for one that is connected, and for one that was not tried: enough others are there. */
  readonly missed?: Missed;
}

/** Where a peer is, and on whose word. */
export interface KnownAddress {
  readonly address: string;
  readonly proof: Proof | 'named';
  /** Tries in a row that ended there. */
  readonly failures: number;
}

/** How a node meets others and stays among them: an address book that survives restarts, the word of peers, and whom its owner named. */
export class Discovery implements Service {
  readonly name = 'discovery';
  readonly book: AddressBook;
  readonly candidates: Candidates;
  readonly #options: DiscoveryOptions;
  readonly #components: DiscoveryComponents;
  readonly #file: BookFile;
  readonly #keeper: Keeper;
  readonly #over = new AbortController();
  readonly #offs: Unsubscribe[] = [];
  #asking: NodeJS.Timeout | undefined;
  #rounds = 0;

  constructor(options: DiscoveryOptions, components: DiscoveryComponents) {
    const { logger, clock, mesh } = components;
    this.#options = options;
    this.#components = components;
    this.book = new AddressBook(clock, () => this.#file.touch());
    this.candidates = new Candidates(clock);
    this.#file = new BookFile(bookPath(options.home), { logger, content: () => this.book.content() });
    this.#keeper = new Keeper({
      mesh, logger, clock, book: this.book, candidates: this.candidates, members: options.members,
      targetPeers: options.targetPeers ?? TARGET_PEERS, isMember,
    });
  }

  async start(): Promise<void> {
    const { mesh, clock } = this.#components;
    this.book.restore(await this.#file.load());
    const rate = new RateLimiter(PEERS_RATE, clock);
    if (this.#isExchanging) this.#offs.push(await mesh.handle(PEERS_PROTOCOL, PEERS_LIMITS, (stream) => this.#attend(servePeers(stream, rate, (question) => this.#answer(stream.peer, question)))));
    this.#offs.push(
      () => clearTimeout(this.#asking),
      mesh.events.on('peer:connect', ({ peer }) => { if (this.book.get(peer) !== undefined) this.#noteWay(mesh.peers().find((one) => one.peer === peer)); }),
      mesh.events.on('peer:identify', ({ peer }) => this.#meet(peer)),
      mesh.events.on('peer:disconnect', ({ peer }) => this.book.seen(peer)),
      ...(this.#options.mdns === true ? [mesh.events.on('peer:discovered', ({ peer, addresses }) => this.#found(peer, addresses))] : []),
    );
    this.#askLater();
    this.#keeper.start();
  }

  async stop(): Promise<void> {
    this.#over.abort();
    this.#keeper.stop();
    for (const off of this.#offs.splice(0)) off();
    for (const { peer, rttMs } of this.#components.mesh.peers()) this.book.seen(peer, rttMs);
    await this.#file.flush();
  }

  /** Whom the owner named while the node runs: connected from now on, like those of the configuration. */
  addMember(address: string): void {
    this.#keeper.name(address);
  }

  /** Whom it knows: those that were named, then those of the address book, best first, then others that are connected. */
  known(): readonly KnownPeer[] {
    const peers = this.#components.mesh.peers();
    const connected = new Set(peers.map(({ peer }) => peer));
    const { named } = this.#keeper;
    const rest = this.book.best().map(({ peer }) => peer).filter((peer) => !named.has(peer));
    const here = peers.filter((one) => isMember(one) && !named.has(one.peer) && this.book.get(one.peer) === undefined);
    return [...named.keys(), ...rest, ...here.map(({ peer }) => peer)].filter((peer) => peer !== this.#components.mesh.peerId).map((peer): KnownPeer => {
      const [entry, missed] = [this.book.get(peer), this.#keeper.missed(peer)];
      return {
        peer, addresses: [...new Set([...named.get(peer) ?? [], ...this.book.addressesOf(peer)])], isNamed: named.has(peer), isConnected: connected.has(peer),
        ...(entry === undefined ? {} : { seenAt: entry.seenAt, failures: entry.failures }), ...(missed === undefined || connected.has(peer) ? {} : { missed }),
      };
    });
  }

  /** Where one is, the owner's word first, then in the order to try. */
  addressesOf(peer: PeerId): readonly KnownAddress[] {
    const named = [...this.#keeper.named.get(peer) ?? []];
    const kept = [...this.book.get(peer)?.addresses ?? []].sort(byPromise);
    return [...named.map((address): KnownAddress => ({ address, proof: 'named', failures: kept.find((one) => one.address === address)?.failures ?? 0 })), ...kept.filter(({ address }) => !named.includes(address))];
  }

  /** The same after it tried again now those that it would try later; not longer than the signal lets it. */
  async check(signal: AbortSignal): Promise<readonly KnownPeer[]> {
    await this.#keeper.retry(signal);
    return this.known();
  }

  get #isExchanging(): boolean {
    return this.#options.exchange !== false;
  }

  #member(peer: PeerId): PeerSummary | undefined {
    return this.#components.mesh.peers().find((one) => one.peer === peer && isMember(one));
  }

  #meet(peer: PeerId): void {
    const member = this.#member(peer);
    if (member === undefined) return;
    this.#noteWay(member);
    if (!this.#isExchanging) return;
    this.#attend(this.#ask(peer));
    this.#rounds = 0;
    this.#askLater();
  }

  /** That the address works is known with the connection: who is in the book has said before that it is a member. */
  #noteWay(summary: PeerSummary | undefined): void {
    if (summary?.direction !== 'outbound') return;
    const address = withPeer(summary.address, summary.peer);
    if (endsIn(address, summary.peer)) this.book.reached(summary.peer, address);
  }

  /** Soon after somebody came, because others may have come in the same moment; then ever less often. */
  #askLater(): void {
    clearTimeout(this.#asking);
    this.#asking = setTimeout(() => this.#askOne(), backoffMs(this.#rounds, ASK_AGAIN)).unref();
    this.#rounds = Math.min(this.#rounds + 1, 32);
  }

  /** What mDNS finds is on this network, whatever it says: there is nothing to check before the dial. */
  #found(peer: PeerId, addresses: readonly string[]): void {
    const plain = addresses.filter((address) => plainAddress(address, peer) !== undefined);
    if (peer !== this.#components.mesh.peerId && this.candidates.add({ peer, addresses: plain, teller: undefined })) this.#keeper.look();
  }

  /** Somebody, and takes note who is here. */
  #askOne(): void {
    const members = this.#components.mesh.peers().filter(isMember);
    for (const { peer, rttMs } of members) this.book.seen(peer, rttMs);
    const member = members[Math.floor(Math.random() * members.length)];
    if (member !== undefined && this.#isExchanging) this.#attend(this.#ask(member.peer));
    this.#askLater();
  }

  async #ask(peer: PeerId): Promise<void> {
    const { mesh } = this.#components;
    const deadline = { timeoutMs: PEERS_TIMEOUT_MS, error: () => peersErrors.timedOut(peer), signal: this.#over.signal };
    const answer = await withDeadline(deadline, async (signal) =>
      askForPeers(await mesh.open(peer, PEERS_PROTOCOL, { limits: PEERS_LIMITS, signal }), { version: PEERS_VERSION, addresses: this.#ownFor(this.#endOf(peer)) }, signal));
    this.#hearOwn(peer, answer.addresses);
    this.#hearOthers(peer, answer.peers);
  }

  #answer(asker: PeerId, { addresses }: PeersQuestion): PeersAnswer {
    this.#hearOwn(asker, addresses);
    const end = this.#endOf(asker);
    return { version: PEERS_VERSION, addresses: this.#ownFor(end), peers: this.#knownFor(asker, end) };
  }

  /** Where the peer is, in its own words; what names the very host it came from may be passed on, the rest points who knows where. */
  #hearOwn(peer: PeerId, addresses: readonly string[]): void {
    if (this.#member(peer) === undefined) return;
    const end = this.#endOf(peer);
    const said = addresses.flatMap((address) => {
      const plain = plainAddress(address, peer);
      return plain === undefined || !isUsableAt(end.reach, plain) ? [] : [{ address, proof: plain.host === end.host ? 'vouched' as const : 'said' as const }];
    });
    this.book.told(peer, said);
  }

  #hearOthers(teller: PeerId, told: readonly ToldPeer[]): void {
    const { reach } = this.#endOf(teller);
    let isNew = false;
    for (const { peer, addresses } of told) {
      if (peer === this.#components.mesh.peerId || this.book.get(peer) !== undefined) continue;
      const usable = addresses.filter((address) => { const plain = plainAddress(address, peer); return plain !== undefined && isUsableAt(reach, plain); });
      if (this.candidates.add({ peer, addresses: usable, teller })) isNew = true;
    }
    if (isNew) this.#keeper.look();
  }

  #ownFor({ reach }: PlainAddress): readonly string[] {
    const { mesh } = this.#components;
    return this.#within(reach, mesh.peerId, mesh.addresses()).slice(0, MAX_OWN_ADDRESSES);
  }

  /** Members connected now, as many as fit; addresses that somebody here has seen to be theirs. */
  #knownFor(asker: PeerId, { reach }: PlainAddress): readonly ToldPeer[] {
    const { mesh } = this.#components;
    const connected = shuffled(mesh.peers().map(({ peer }) => peer).filter((peer) => peer !== asker));
    return connected.flatMap((peer): ToldPeer[] => {
      const sure = (this.book.get(peer)?.addresses ?? []).filter(({ address, proof, failures }) => failures === 0 && (proof !== 'said' || this.#leadsHere(address))).map(({ address }) => address);
      const addresses = this.#within(reach, peer, sure).slice(0, MAX_TOLD_ADDRESSES);
      return addresses.length === 0 ? [] : [{ peer, addresses }];
    }).slice(0, MAX_TOLD_PEERS);
  }

  #within(reach: PlainAddress['reach'], peer: PeerId, addresses: readonly string[]): readonly string[] {
    return addresses.filter((address) => { const plain = plainAddress(address, peer); return plain !== undefined && isUsableAt(reach, plain); });
  }

  /** A place at this node as a relay: who believes it dials nobody but us. */
  #leadsHere(address: string): boolean {
    return address.includes(`/p2p/${this.#components.mesh.peerId}/p2p-circuit/`);
  }

  #endOf(peer: PeerId): PlainAddress {
    const { address = '' } = this.#components.mesh.peers().find((one) => one.peer === peer) ?? {};
    // Where a relayed connection begins is the relay, whose host vouches for nobody else.
    return address.includes('/p2p-circuit') ? { ...endOf(address), host: '' } : endOf(address);
  }

  // A peer may leave in the middle of anything.
  #attend(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      const { code, message } = toCoded(error, 'MESH_PEER_LEFT');
      this.#components.logger.debug({ code, message }, 'exchange of peers ended');
    });
  }
}

const bookPath = (home: string): string => join(home, 'peers.json');

/** What the address book of a home holds whose node does not run, best first. */
export async function peekIntoHome(home: string, clock: Clock): Promise<readonly BookPeer[]> {
  const book = new AddressBook(clock);
  book.restore(await peekIntoBook(bookPath(home)));
  return book.best();
}

/** A member of the mesh keeps an address book itself: passing processes do not, and nobody should look for them later. */
const isMember = ({ protocols }: PeerSummary): boolean => protocols.includes(PEERS_PROTOCOL) || spokenInstead(PEERS_PROTOCOL, protocols)?.kind === 'compatible';
