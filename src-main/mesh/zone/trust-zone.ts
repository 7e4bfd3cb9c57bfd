import type { AbortOptions, ConnectionGater, ConnectionProtector, Ed25519PrivateKey, Listener, MessageStream, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { asPeerId, isCoded, type Clock, type CodedError, type Logger, type PeerId } from '../../base/index.ts';
import type { HandshakeResult } from '../metrics.ts';
import { failureOf } from '../node/handshake-failure.ts';
import { reachOfHost } from '../node/reach.ts';
import { replaced } from '../node/replaced.ts';
import { HANDSHAKE_TIMEOUT_MS } from '../options.ts';
import { Admission, type Admitted } from './admission.ts';
import type { BanList } from './bans.ts';
import { MAX_GUESTS_PER_PEER, MAX_SESSIONS_PER_PEER, SESSIONS_PER_SECOND } from './constants.ts';
import { Doorkeeper, type Way } from './doorkeeper.ts';
import { zoneErrors } from './errors.ts';
import { hostOf, hostOfConnection } from './host-of.ts';
import type { ZoneOption } from './options.ts';
import { serverNameOf } from './client-hello.ts';
import { knockName, knockOfName, type OpenedKnock } from './knock.ts';
import { SeenKnocks } from './seen-knocks.ts';
import { takeBytes, takeKnock, takeRecord } from './take-bytes.ts';

export interface TrustZoneInit {
  readonly zone: ZoneOption;
  readonly sessionsPerSecond?: number | undefined;
  readonly knocksPath?: string | undefined;
  readonly privateKey: Ed25519PrivateKey;
  readonly sponsor?: Ed25519PrivateKey | undefined;
  readonly bans: BanList;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what was refused, by its code. */
  readonly refused: (code: string) => void;
  /** Told how each handshake that others began has ended. */
  readonly handshake?: (result: HandshakeResult) => void;
}

/** Transports whose connections are encrypted and proved in their own code, so that nothing can come before. */
const CLOSED = ['quic', 'quic-v1', 'webtransport', 'webrtc-direct'];
/** Transports that answer anybody before a connection reaches us: these, and WebSockets with the words of HTTP. */
const ANSWERING = [...CLOSED, 'ws', 'wss'];

type Session = MultiaddrConnection;
/** Who knocked, and who signed that. */
type Knocked = Pick<OpenedKnock, 'peer' | 'by'>;

/**
 * Who may connect: decided before the handshake by address and, in a private zone, by a knock; after it by peer id. Everything that is
 * refused is counted under its code. The same for sessions of libp2p, on every transport, and for streams that have a connection for themselves.
 */
export class TrustZone {
  readonly #init: TrustZoneInit;
  readonly #admission: Admission;
  readonly #door: Doorkeeper | undefined;
  readonly #isListed: (peer: PeerId) => boolean = () => true;
  readonly #hasHouse: boolean = false;
  readonly #admitted = new WeakMap<object, Admitted>();
  readonly #knockers = new WeakMap<object, Knocked>();
  /** Guests that are here, and who answers for each. */
  readonly #sponsors = new Map<PeerId, PeerId>();
  /** Sessions of each peer that came to us. */
  readonly #sessions = new Map<PeerId, number>();
  /** Peers with a session that began with a knock, ours or theirs. */
  readonly #members = new Map<PeerId, number>();

  constructor(init: TrustZoneInit) {
    const { zone, privateKey, clock, sessionsPerSecond = SESSIONS_PER_SECOND } = init;
    this.#init = init;
    this.#admission = new Admission(sessionsPerSecond, clock);
    if (zone.kind !== 'private') return;
    const allowed = zone.allow === undefined || zone.allow.length === 0 ? undefined : new Set(zone.allow);
    this.#isListed = (peer) => allowed?.has(peer) !== false;
    this.#hasHouse = zone.house !== undefined;
    const seen = new SeenKnocks({ path: init.knocksPath, clock, onTrouble: (error) => this.#warn(error) });
    this.#door = new Doorkeeper({
      privateKey, key: zone.key, house: zone.house, sponsor: init.sponsor, isListed: this.#isListed, isGuest: (peer) => this.#sponsors.has(peer),
      check: (peer) => this.#checkBans(peer), seen, clock,
    });
  }

  get isPrivate(): boolean {
    return this.#door !== undefined;
  }

  /** Who answers for a guest that is here. */
  sponsorOf(peer: PeerId): PeerId | undefined {
    return this.#sponsors.get(peer);
  }

  /** Throws ZONE_NO_SILENT_TRANSPORT for an address that a private node cannot keep silent at. */
  checkListen(addresses: readonly string[]): void {
    const loud = this.isPrivate ? addresses.find((address) => address.split('/').some((part) => ANSWERING.includes(part))) : undefined;
    if (loud !== undefined) throw zoneErrors.noSilentTransport({ address: loud });
  }

  /** Why an address is not dialled; undefined: it may be. */
  refusalOf(address: Multiaddr): CodedError | undefined {
    const parts = address.getComponents();
    const peer = parts.findLast(({ name }) => name === 'p2p')?.value;
    try {
      if (peer !== undefined) this.#checkDial(asPeerId(peer));
      if (parts[0]?.value !== undefined) this.#checkReach(parts[0].value, address.toString());
      if (this.isPrivate && parts.some(({ name }) => CLOSED.includes(name))) return zoneErrors.silentPeer({ address: address.toString() });
      return undefined;
    } catch (error) {
      return error as CodedError;
    }
  }

  /** As `refusalOf`, for an address that somebody wants dialled now: counted, without a line in the log for each that was told. */
  deniesDial(address: Multiaddr): CodedError | undefined {
    const refusal = this.refusalOf(address);
    if (refusal !== undefined) this.#init.refused(refusal.code);
    return refusal;
  }

  /** The first look at whoever connects, by address; more than once for one connection is as once. Throws ZONE_*. */
  async admit(connection: Session): Promise<void> {
    if (this.#admitted.has(connection)) return;
    await this.#init.bans.refresh().catch((error: unknown) => this.#warn(error));
    const host = hostOfConnection(connection);
    if (host === undefined) return;
    if (this.#init.bans.isBanned(host)) throw zoneErrors.banned({ subject: host });
    this.#checkReach(host, host);
    const admitted = this.#admission.enter(host);
    this.#admitted.set(connection, admitted);
    connection.addEventListener('close', () => admitted.settle(), { once: true });
  }

  /** In a private zone both sides prove that they are members of it, before anything else is said. Throws ZONE_*. */
  async protect(connection: MessageStream, { signal, initiator }: AbortOptions & { readonly initiator?: boolean } = {}): Promise<void> {
    const door = this.#door;
    if (door === undefined || this.#knockers.has(connection)) return;
    const within = AbortSignal.any([AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]);
    const way: Way = { send: (bytes) => void connection.send(bytes), take: (count) => takeBytes(connection, count, { signal: within }), takeKnock: (wanted) => takeKnock(connection, wanted, { signal: within }) };
    // Of two that dial each other at once, one acts as the listener.
    if (connection.direction === 'outbound' && initiator !== false) return this.#knock(door, way, connection);
    this.#knockers.set(connection, await door.answer(way));
    this.#admitted.get(connection)?.excuse();
  }

  /**
   * As `protect`, for a listener on whom somebody put TLS at once: the knock is the server's name in it. The answer is given within
   * TLS, when the handshake ended with the same peer; undefined where the zone has none.
   */
  async protectHello(connection: Session): Promise<Uint8Array | undefined> {
    if (this.#door === undefined) return undefined;
    const hello = await takeRecord(connection, { signal: AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS) });
    connection.unshift(hello);
    const knock = await this.#door.open(knockOfName(serverNameOf(hello)));
    this.#knockers.set(connection, knock);
    this.#admitted.get(connection)?.excuse();
    return knock.answer;
  }

  /** For the dialler of such a connection: the server's name to ask for, and the answer to expect. */
  async helloFor(listener: PeerId): Promise<{ readonly name: string; readonly answer: Uint8Array } | undefined> {
    const knock = await this.#door?.newKnock(listener);
    return knock === undefined ? undefined : { name: knockName(knock.bytes), answer: knock.answer };
  }

  /** After the handshake: whether the peer that it proved may be here. Throws ZONE_*. */
  checkProved(connection: Session, peer: PeerId): void {
    this.#checkBans(peer);
    if (!this.isPrivate) return;
    const knocker = this.#knockers.get(connection)?.peer;
    // WebRTC is arranged over a session of the same two peers, which began with a knock.
    const isArranged = knocker === undefined && connection.remoteAddr.getComponents().some(({ name }) => name === 'webrtc') && this.#members.has(peer);
    if (knocker !== peer && !isArranged) throw zoneErrors.otherPeer({ peer });
  }

  /** The handshake is over. */
  settle(connection: object): void {
    this.#admitted.get(connection)?.settle();
  }

  count(error: unknown): void {
    const { refused, logger } = this.#init;
    const code = isCoded(error) && error.code !== 'MESH_HANDSHAKE_FAILED' ? error.code : 'ZONE_HANDSHAKE_FAILED';
    refused(code);
    logger.debug({ code }, 'a connection was refused');
    if (isCoded(error, 'ZONE_CLOCK_APART') || isCoded(error, 'ZONE_OUTSIDE')) this.#warn(error);
  }

  readonly protector: ConnectionProtector = {
    protect: async (connection, options) => {
      await this.protect(connection, options);
      return connection;
    },
  };

  readonly gater: ConnectionGater = {
    denyDialPeer: (peer) => this.#denies(() => this.#checkDial(asPeerId(peer.toString()))),
    denyDialMultiaddr: (address) => this.deniesDial(address) !== undefined,
    denyInboundConnection: (connection) => this.#deniesLater(() => this.admit(connection)),
    // A name may stand for any address.
    denyOutboundConnection: (_peer, connection) => this.#denies(() => this.#checkReach(hostOfConnection(connection) ?? '', connection.remoteAddr.toString())),
    // The relay says who it is; the handshake proves it, and need not begin.
    denyInboundRelayedConnection: (_relay, peer) => this.#denies(() => this.#checkBans(asPeerId(peer.toString()))),
    denyInboundEncryptedConnection: (peer, connection) => this.#denies(() => this.checkProved(connection, asPeerId(peer.toString()))),
    denyOutboundEncryptedConnection: (peer, connection) => this.#denies(() => this.checkProved(connection, asPeerId(peer.toString()))),
    denyInboundUpgradedConnection: (peer, connection) => this.#denies(() => this.#begin(connection, asPeerId(peer.toString()))),
    denyOutboundUpgradedConnection: (peer, connection) => this.#denies(() => this.#keep(this.#members, connection, asPeerId(peer.toString()))),
  };

  /** The transport with listeners that count what does not get through the handshake. */
  behind<Components>(transport: (components: Components) => Transport): (components: Components) => Transport {
    return (components) => {
      // Most listeners are given what makes connections of sockets; those through relays and WebRTC take it from here.
      const { upgrader } = components as { readonly upgrader?: Upgrader };
      const inner = transport(upgrader === undefined ? components : replaced(components as object & { upgrader: Upgrader }, 'upgrader', this.#counting(upgrader)) as Components);
      const create = inner.createListener.bind(inner);
      inner.createListener = (options): Listener => create({ ...options, upgrader: this.#counting(options.upgrader) });
      return inner;
    };
  }

  #counting(upgrader: Upgrader): Upgrader {
    const upgradeInbound: Upgrader['upgradeInbound'] = async (connection, options) => {
      try {
        await upgrader.upgradeInbound(connection, options);
        this.#init.handshake?.('made');
      } catch (error) {
        this.#init.handshake?.(failureOf(error));
        // What the gater refused is counted there.
        if (!(error instanceof Error && error.name === 'ConnectionInterceptedError')) this.count(error);
        this.settle(connection);
        throw error;
      }
    };
    return replaced(upgrader, 'upgradeInbound', upgradeInbound);
  }

  async #knock(door: Doorkeeper, way: Way, connection: MessageStream): Promise<void> {
    const listener = 'remoteAddr' in connection ? (connection as Session).remoteAddr.getComponents().findLast(({ name }) => name === 'p2p')?.value : undefined;
    if (listener === undefined) throw zoneErrors.silentPeer({ address: 'an address without a peer id' });
    const peer = asPeerId(listener);
    await door.knock(way, peer);
    this.#knockers.set(connection, { peer, by: peer });
  }

  #begin(connection: Session, peer: PeerId): void {
    this.settle(connection);
    if ((this.#sessions.get(peer) ?? 0) >= MAX_SESSIONS_PER_PEER) throw zoneErrors.tooManyLinks({ peer, limit: MAX_SESSIONS_PER_PEER });
    this.#letInGuest(connection, peer);
    this.#keep(this.#sessions, connection, peer);
    this.#keep(this.#members, connection, peer);
  }

  #letInGuest(connection: Session, peer: PeerId): void {
    const by = this.#knockers.get(connection)?.by ?? peer;
    if (by === peer || connection.status !== 'open') return;
    const others = [...this.#sponsors].filter(([guest, sponsor]) => sponsor === by && guest !== peer);
    if (others.length >= MAX_GUESTS_PER_PEER) throw zoneErrors.tooManyLinks({ peer: by, limit: MAX_GUESTS_PER_PEER });
    this.#sponsors.set(peer, by);
    connection.addEventListener('close', () => { if ((this.#sessions.get(peer) ?? 0) <= 1) this.#sponsors.delete(peer); }, { once: true });
  }

  #keep(counts: Map<PeerId, number>, connection: Session, peer: PeerId): void {
    if (connection.status !== 'open') return;
    counts.set(peer, (counts.get(peer) ?? 0) + 1);
    connection.addEventListener('close', () => {
      const left = (counts.get(peer) ?? 1) - 1;
      if (left > 0) counts.set(peer, left);
      else counts.delete(peer);
    }, { once: true });
  }

  #checkBans(peer: PeerId): void {
    if (this.#init.bans.isBanned(peer)) throw zoneErrors.banned({ subject: peer });
  }

  // A peer that is not listed may be of this house: its answer to our knock tells.
  #checkDial(peer: PeerId): void {
    this.#checkBans(peer);
    if (!this.#hasHouse && !this.#isListed(peer) && !this.#sponsors.has(peer)) throw zoneErrors.notAllowed({ peer });
  }

  /** Whether a host is within the zone by its address alone. */
  reaches(host: string): boolean {
    return this.#init.zone.kind !== 'local' || reachOfHost(hostOf(host)) !== 'public';
  }

  #checkReach(host: string, address: string): void {
    if (!this.reaches(host)) throw zoneErrors.outside({ address });
  }

  #denies(check: () => void): boolean {
    try {
      check();
      return false;
    } catch (error) {
      this.count(error);
      return true;
    }
  }

  async #deniesLater(check: () => Promise<void>): Promise<boolean> {
    try {
      await check();
      return false;
    } catch (error) {
      this.count(error);
      return true;
    }
  }

  #warn(error: unknown): void {
    const { code, message } = isCoded(error) ? error : { code: 'INTERNAL', message: String(error) };
    this.#init.logger.warn({ code, message }, 'the zone of this node');
  }
}
