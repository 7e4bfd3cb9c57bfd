import type { Connection, Stream } from '@libp2p/interface';
import { asPeerId, Events, isCoded, type PeerId, type Unsubscribe } from '../../base/index.ts';
import type { DirectLinks } from '../direct/direct-links.ts';
import { ConnectionCounts } from '../links/connection-counts.ts';
import { watched, type LinkGauge } from '../links/link-figures.ts';
import { Links } from '../links/links.ts';
import { probeLink } from '../links/probe-link.ts';
import { meshErrors } from '../errors.ts';
import type { MeshMetrics } from '../metrics.ts';
import { DIAL_TIMEOUT_MS, type MeshComponents, type MeshOptions } from '../options.ts';
import { Nat } from '../nat/nat.ts';
import { relayOf } from '../nat/address.ts';
import { ownAddresses } from '../nat/own-addresses.ts';
import { RelayKeeper } from '../nat/relay-keeper.ts';
import { probeBandwidth } from '../protocols/bandwidth/client.ts';
import { ALIVE_PROTOCOL } from '../protocols/alive/constants.ts';
import { BANDWIDTH_LIMITS, BANDWIDTH_PROTOCOL, BANDWIDTH_TIMEOUT_MS } from '../protocols/bandwidth/constants.ts';
import { bandwidthErrors } from '../protocols/bandwidth/errors.ts';
import { probeLoss } from '../protocols/loss/client.ts';
import { LOSS_LIMITS, LOSS_PROTOCOL, LOSS_TIMEOUT_MS } from '../protocols/loss/constants.ts';
import { lossErrors } from '../protocols/loss/errors.ts';
import { IDENTIFY_PROTOCOL } from '../protocols/identify/constants.ts';
import { ping } from '../protocols/ping/client.ts';
import { PING_LIMITS, PING_PROTOCOL, PING_TIMEOUT_MS } from '../protocols/ping/constants.ts';
import { pingErrors } from '../protocols/ping/errors.ts';
import { spokenInstead } from '../protocols/version.ts';
import { wrapStream, type StreamTraffic } from '../streams/frame-stream.ts';
import { movable } from '../streams/move/constants.ts';
import { Moves, pathLimits, pathTraffic, type MoveTarget } from '../streams/move/moves.ts';
import { hostOfDirect, marksEnd } from '../transports/kinds.ts';
import type { Transports } from '../transports/transports.ts';
import type { FrameStream, Mesh, MeshEvents, PeerConduct, PeerSummary, ProtocolLimits, ProviderRecords, Reachability, RelayPlace, Signer, Topic, TopicGuard } from '../types.ts';
import type { ZoneWatch } from '../zone/zone-watch.ts';
import type { MeshLibp2p } from './create-libp2p.ts';
import { withDeadline } from './deadline.ts';
import { describe } from './dial-error.ts';
import { Dialler, parseAddress } from './dialler.ts';
import { Gossip } from './gossip.ts';
import { PeerBook } from './peer-book.ts';
import { PeerWatch } from './peer-watch.ts';
import { DhtRecords } from './provider-records.ts';

type Within = { readonly signal?: AbortSignal };

export type MeshNodeComponents = Omit<MeshComponents, 'metrics'> & {
  readonly metrics: MeshMetrics;
  readonly signer: Signer;
  readonly direct: DirectLinks;
  readonly transports: Transports;
  readonly watch: ZoneWatch;
};

/** The mesh over one libp2p node. Runs once: a stopped mesh is not started again. */
export class MeshNode implements Mesh {
  readonly name = 'mesh';
  readonly events = new Events<MeshEvents>();
  readonly peerId: PeerId;
  readonly signer: Signer;
  readonly records: ProviderRecords | undefined;
  readonly #libp2p: MeshLibp2p;
  readonly #options: MeshOptions;
  readonly #components: Pick<MeshNodeComponents, 'clock' | 'transports'>;
  readonly #metrics: MeshMetrics;
  readonly #gossip: Gossip;
  readonly #book: PeerBook;
  readonly #watch: PeerWatch;
  readonly #direct: DirectLinks;
  readonly #zone: ZoneWatch;
  readonly #dialler: Dialler;
  readonly #links: Links;
  readonly #counts: ConnectionCounts;
  readonly #moves = new Moves((peer) => this.#moveTarget(peer));
  readonly #nat: Nat | undefined;
  readonly #relays: RelayKeeper;

  constructor(libp2p: MeshLibp2p, options: MeshOptions, components: MeshNodeComponents) {
    this.#libp2p = libp2p;
    this.#direct = components.direct;
    this.#zone = components.watch;
    this.#options = options;
    this.#components = components;
    this.#metrics = components.metrics;
    this.#dialler = new Dialler({ libp2p, transports: components.transports, zone: this.#zone, metrics: this.#metrics });
    this.#book = new PeerBook(components.clock);
    this.#counts = new ConnectionCounts({ libp2p, metrics: this.#metrics });
    this.#links = new Links({
      libp2p, onBetter: (peer) => this.#onBetterLink(peer),
      probe: (connection) => probeLink(connection, { clock: components.clock, traffic: this.#metrics.traffic(PING_PROTOCOL) }),
    });
    this.#gossip = new Gossip({ libp2p, events: this.events, metrics: this.#metrics, watch: this.#zone, clock: components.clock });
    this.#watch = new PeerWatch(this, { libp2p, options, book: this.#book, refused: this.#metrics.refused, logger: components.logger, clock: components.clock });
    this.peerId = asPeerId(libp2p.peerId.toString());
    this.signer = components.signer;
    this.events.on('peer:disconnect', ({ peer }) => this.#zone.sessions.forget(peer));
    const { dht, natParts } = libp2p.services;
    const { logger, clock, transports } = components;
    this.#nat = options.nat === undefined ? undefined
      : new Nat({ mesh: this, libp2p, parts: natParts, transports, metrics: this.#metrics, logger, clock, answers: (host) => this.#zone.answers(host), isListening: options.listen.length > 0 }, options.nat);
    this.#relays = new RelayKeeper({ mesh: this, libp2p, parts: natParts, logger });
    this.records = dht === undefined ? undefined : new DhtRecords({ dht, self: this.peerId, ownAddresses: () => ownAddresses(libp2p, this.reachability) });
  }

  async start(): Promise<void> {
    await this.#watch.start();
    this.#links.start();
    this.#counts.start();
    await this.#zone.readBans();
    try {
      await this.#nat?.prepare();
      await this.#libp2p.start();
    } catch (error) {
      await this.stop();
      throw isCoded(error) ? error : listenError(this.#options.listen, error);
    }
    this.#gossip.start();
    this.#zone.start({ connections: () => this.#libp2p.getConnections(), drop: (peer) => this.#direct.drop(peer) });
    await this.#relays.start({ kept: this.#options.nat?.relays ?? [], listened: this.#options.listen.flatMap((address) => relayOf(address) ?? []) });
  }

  async stop(): Promise<void> {
    this.#relays.stop();
    this.#gossip.stop();
    this.#direct.stop();
    this.#zone.stop();
    this.#links.stop();
    this.#moves.stop();
    await this.#nat?.stop();
    await this.#libp2p.stop();
    this.#counts.stop();
    this.#watch.stop();
    await this.#components.transports.release();
  }

  addresses(): readonly string[] {
    return ownAddresses(this.#libp2p, this.reachability).map((address) => address.toString());
  }

  peers(): readonly PeerSummary[] {
    return this.#book.summaries(this.#links.all());
  }

  get reachability(): Reachability {
    return this.#nat?.reachability ?? { kind: 'unknown', reason: 'this node does not find out' };
  }

  relays(): readonly RelayPlace[] {
    return this.#relays.places();
  }

  dial(address: string, within?: Within): Promise<PeerId> {
    return this.#dialler.dial(address, within);
  }

  async hangUp(peer: PeerId): Promise<void> {
    const connection = this.#links.best(peer)?.connection;
    if (connection !== undefined) await this.#libp2p.hangUp(connection.remotePeer);
  }

  conductOf(peer: PeerId): PeerConduct {
    return { faults: this.#zone.conduct.faultsOf(peer), topicScore: this.#gossip.scoreOf(peer) };
  }

  enforceBans(): Promise<void> {
    return this.#zone.enforceBans();
  }

  async ping(peer: PeerId, { signal }: Within = {}): Promise<number> {
    const { clock } = this.#components;
    const deadline = { timeoutMs: PING_TIMEOUT_MS, error: () => pingErrors.timedOut(peer), signal };
    const rttMs = await withDeadline(deadline, async (within) =>
      ping(await this.open(peer, PING_PROTOCOL, { limits: PING_LIMITS, signal: within }), { clock, signal: within }));
    const gauge = this.#gaugeOf(peer);
    gauge?.roundTrip(rttMs);
    this.#metrics.roundTrip(rttMs, gauge?.figures().jitterMs);
    return rttMs;
  }

  async bandwidth(peer: PeerId, { signal }: Within = {}): Promise<number> {
    const { clock } = this.#components;
    const deadline = { timeoutMs: BANDWIDTH_TIMEOUT_MS, error: () => bandwidthErrors.timedOut(peer), signal };
    const bytesPerSecond = await withDeadline(deadline, async (within) =>
      probeBandwidth(await this.open(peer, BANDWIDTH_PROTOCOL, { limits: BANDWIDTH_LIMITS, signal: within }), { clock, signal: within }));
    this.#gaugeOf(peer)?.probed(bytesPerSecond);
    return bytesPerSecond;
  }

  async loss(peer: PeerId, { signal }: Within = {}): Promise<number | undefined> {
    const connection = this.#links.best(peer)?.connection;
    if (connection === undefined) throw meshErrors.notConnected({ peer });
    const address = hostOfDirect(connection);
    if (address === undefined) return undefined;
    const deadline = { timeoutMs: LOSS_TIMEOUT_MS, error: () => lossErrors.timedOut(peer), signal };
    const count = await withDeadline(deadline, async (within) =>
      probeLoss(await this.open(peer, LOSS_PROTOCOL, { limits: LOSS_LIMITS, signal: within }), { address, signal: within }));
    // A better link may have come meanwhile: this was the way to another address.
    if (count === undefined || this.#links.best(peer)?.connection !== connection) return undefined;
    const share = 1 - count.arrived / count.sent;
    this.#gaugeOf(peer)?.datagrams(count);
    this.#metrics.lost(share);
    return share;
  }

  async open(peer: PeerId, protocol: string, options: Within & { readonly limits: ProtocolLimits }): Promise<FrameStream> {
    const stream = await this.#newStream(peer, protocol, options).catch(async (error: unknown) => {
      if (!isCoded(error, 'MESH_PROTOCOL_UNSUPPORTED')) throw error;
      return this.#newStream(peer, await this.#spokenInstead(peer, protocol, error), options);
    });
    this.#metrics.opened(protocol, 'out', stream.closed);
    return stream;
  }

  async #newStream(peer: PeerId, protocol: string, options: Within & { readonly limits: ProtocolLimits }): Promise<FrameStream> {
    const { limits, signal } = options;
    const connection = this.#links.best(peer)?.connection;
    if (connection === undefined) throw meshErrors.notConnected({ peer });
    const traffic = this.#zone.trafficOf(peer, this.#trafficWith(peer, protocol));
    try {
      this.#zone.sessions.used(peer);
      const raw = await newStream(connection, this.#namesOf(peer, protocol, limits), options);
      if (raw.protocol !== movable(protocol)) return wrapStream(raw, { peer, protocol, limits, traffic, marksEnd: marksEnd(connection) });
      const path = wrapStream(raw, { peer, protocol, limits: pathLimits(limits), traffic: pathTraffic(traffic), marksEnd: marksEnd(connection) });
      return this.#moves.begin(path, { peer, protocol, limits, traffic, connectionId: connection.id });
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : openError(error, { peer, protocol });
    }
  }

  /** What to ask for, the better first. A peer that has told what it speaks is asked for that alone. */
  #namesOf(peer: PeerId, protocol: string, { moves = false }: ProtocolLimits): string[] {
    if (!moves) return [protocol];
    const spoken = this.#book.protocols(peer);
    if (spoken === undefined) return [movable(protocol), protocol];
    return [spoken.includes(movable(protocol)) ? movable(protocol) : protocol];
  }

  /** A better connection is there: streams that can go over to it do. */
  #onBetterLink(peer: PeerId): void {
    this.#gaugeOf(peer)?.moved();
    this.events.emit('peer:link', { peer });
    void this.#moves.settle(peer);
  }

  #moveTarget(peer: PeerId): MoveTarget | undefined {
    const connection = this.#links.best(peer)?.connection;
    if (connection === undefined) return undefined;
    const open = async (protocol: string, limits: ProtocolLimits): Promise<FrameStream> => {
      const raw = await newStream(connection, [movable(protocol)], { limits, signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) });
      return wrapStream(raw, { peer, protocol, limits: pathLimits(limits), traffic: pathTraffic(this.#zone.trafficOf(peer, this.#trafficWith(peer, protocol))), marksEnd: marksEnd(connection) });
    };
    return { connectionId: connection.id, open };
  }

  /** Another minor version of a protocol that the peer has not. Throws MESH_PROTOCOL_VERSION, `unsupported`. */
  async #spokenInstead(peer: PeerId, protocol: string, unsupported: Error): Promise<string> {
    if (protocol === IDENTIFY_PROTOCOL) throw unsupported;
    const protocols = this.#book.protocols(peer) ?? await this.#watch.ask(peer).then(({ protocols }) => protocols, () => []);
    const spoken = spokenInstead(protocol, protocols);
    if (spoken?.kind === 'other major') throw meshErrors.protocolVersion({ peer, protocol, theirs: spoken.protocol }, unsupported);
    if (spoken === undefined || spoken.protocol === protocol) throw unsupported;
    return spoken.protocol;
  }

  async openDirect(address: string, protocol: string, { limits, signal }: Within & { readonly limits: ProtocolLimits }): Promise<FrameStream> {
    const timedOut = (): Error => meshErrors.dialFailed({ address, reason: 'timeout' });
    const peer = asPeerId(String(parseAddress(address).getComponents().at(-1)?.value));
    const traffic = this.#zone.trafficOf(peer, this.#trafficWith(peer, protocol));
    const stream = await withDeadline({ timeoutMs: DIAL_TIMEOUT_MS, error: timedOut, signal }, (within) => this.#direct.dial(address, { protocol, limits, traffic, signal: within }));
    this.#metrics.opened(protocol, 'out', stream.closed);
    return stream;
  }

  async handle(protocol: string, limits: ProtocolLimits, handler: (stream: FrameStream) => void): Promise<Unsubscribe> {
    const { maxInboundStreams, maxOutboundStreams, relayed: runOnLimitedConnection = false } = limits;
    const accept = (peer: PeerId, wrap: (traffic: StreamTraffic) => FrameStream): void => {
      const counted = (traffic: StreamTraffic): FrameStream => {
        const stream = wrap(traffic);
        this.#metrics.opened(protocol, 'in', stream.closed);
        return stream;
      };
      this.#zone.accept({ peer, protocol, limits, traffic: this.#trafficWith(peer, protocol) }, counted, handler);
    };
    const shut = limits.direct === true ? await this.#direct.handle(protocol, { limits, accept }) : undefined;
    const options = { maxInboundStreams, maxOutboundStreams, runOnLimitedConnection };
    await this.#libp2p.handle(protocol, (stream, connection) => {
      const peer = asPeerId(connection.remotePeer.toString());
      accept(peer, (counted) => wrapStream(stream, { peer, protocol, limits, traffic: counted, marksEnd: marksEnd(connection) }));
    }, options);
    if (limits.moves === true) {
      await this.#libp2p.handle(movable(protocol), (stream, connection) => {
        const peer = asPeerId(connection.remotePeer.toString());
        const counted = this.#zone.metered({ peer, protocol, limits, traffic: this.#trafficWith(peer, protocol) });
        const path = wrapStream(stream, { peer, protocol, limits: pathLimits(limits), traffic: pathTraffic(counted), marksEnd: marksEnd(connection) });
        void this.#moves.receive(path, { peer, protocol, limits, traffic: counted }, (moving) => {
          this.#metrics.opened(protocol, 'in', moving.closed);
          this.#zone.hand(moving, { metered: counted, limits }, handler);
        });
      }, options);
    }
    return () => {
      shut?.();
      void this.#libp2p.unhandle(limits.moves === true ? [protocol, movable(protocol)] : protocol);
    };
  }

  /** What a stream is counted by: its protocol and, but for those that measure, its link. */
  #trafficWith(peer: PeerId, protocol: string): StreamTraffic {
    const traffic = this.#metrics.traffic(protocol);
    const isProbe = protocol === PING_PROTOCOL || protocol === BANDWIDTH_PROTOCOL || protocol === LOSS_PROTOCOL || protocol === ALIVE_PROTOCOL;
    const gauge = isProbe ? undefined : this.#gaugeOf(peer);
    return gauge === undefined ? traffic : watched(traffic, gauge);
  }

  /** Of a connected peer: nothing is kept of those who left. */
  #gaugeOf(peer: PeerId): LinkGauge | undefined {
    return this.#links.best(peer) === undefined ? undefined : this.#book.gauge(peer);
  }

  publish(topic: Topic, data: Uint8Array): Promise<{ readonly recipients: number }> {
    return this.#gossip.publish(topic, data);
  }

  guard(topic: Topic, guard: TopicGuard): Unsubscribe {
    return this.#gossip.guard(topic, guard);
  }

  subscribers(topic: Topic): readonly PeerId[] {
    return this.#gossip.subscribers(topic);
  }

  waitForSubscriber(topic: Topic, signal: AbortSignal): Promise<PeerId> {
    return this.#gossip.waitForSubscriber(topic, signal);
  }
}

function newStream(connection: Connection, names: string[], { limits, signal }: Within & { readonly limits: ProtocolLimits }): Promise<Stream> {
  const { maxOutboundStreams, relayed = false } = limits;
  return connection.newStream(names, { maxOutboundStreams, runOnLimitedConnection: relayed, ...(signal === undefined ? {} : { signal }) });
}

function openError(error: unknown, where: { peer: PeerId; protocol: string }): Error {
  const name = error instanceof Error ? error.name : '';
  if (name === 'UnsupportedProtocolError') return meshErrors.protocolUnsupported(where, error);
  if (name === 'LimitedConnectionError') return meshErrors.onlyRelayed(where, error);
  if (/Closed|Reset|Closing/.test(name)) return meshErrors.connectionLost(where, error);
  return meshErrors.openFailed(where, error);
}

function listenError(addresses: readonly string[], error: unknown): Error {
  const text = describe(error);
  if (/EADDRINUSE/.test(text)) return meshErrors.portInUse({ addresses: taken(addresses, text) }, error);
  return meshErrors.listenFailed({ addresses }, error);
}

/** libp2p names each address with its reason, one after the other. Of one address there is nothing to tell apart. */
function taken(addresses: readonly string[], text: string): readonly string[] {
  const found = addresses.filter((address) => text.split(/\n\s*(?=\/ip[46]\/)/).some((part) => part.startsWith(`${address}: `) && part.includes('EADDRINUSE')));
  return found.length > 0 ? found : addresses;
}
