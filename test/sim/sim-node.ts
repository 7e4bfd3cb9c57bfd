import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { gossipsub, type GossipSub, type GossipSubComponents } from '@libp2p/gossipsub';
import type { Connection, Ed25519PrivateKey, PeerId as Libp2pPeerId, Startable, Stream, StreamHandler, Topology } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { asPeerId, Events, noMetrics, type PeerId, type Unsubscribe } from '../../src-main/base/index.ts';
import { createSigner } from '../../src-main/mesh/identity/signature.ts';
import { meshMetrics } from '../../src-main/mesh/metrics.ts';
import { gossipOptions, type MeshLibp2p } from '../../src-main/mesh/node/create-libp2p.ts';
import { Gossip } from '../../src-main/mesh/node/gossip.ts';
import { wrapStream } from '../../src-main/mesh/streams/frame-stream.ts';
import type { FrameStream, Mesh, MeshEvents, PeerConduct, PeerSummary, ProtocolLimits, RelayPlace, Signer, Topic, TopicGuard } from '../../src-main/mesh/types.ts';
import { Conduct } from '../../src-main/mesh/zone/conduct.ts';
import { IdleSessions } from '../../src-main/mesh/zone/idle-sessions.ts';
import { SimStream, simLogger, Traffic, Wire, type LinkOptions } from './sim-links.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Handler {
  readonly onStream: StreamHandler;
}

/** Nodes speak over a connection when both have said what they can: as long as two round trips. */
const INTRODUCTION_TRIPS = 2;
const metrics = meshMetrics(noMetrics);
let connections = 0;
let streams = 0;

/** One end of a connection between two nodes. */
class SimConnection {
  readonly id = `c${connections++}`;
  readonly streams: Stream[] = [];
  status: 'open' | 'closed' = 'open';
  readonly direct = true;
  readonly remoteAddr: Multiaddr;
  readonly direction: 'inbound' | 'outbound';
  readonly local: SimNode;
  readonly remote: SimNode;
  readonly out: Wire;
  other!: SimConnection;

  constructor({ local, remote, direction, out }: Pick<SimConnection, 'local' | 'remote' | 'direction' | 'out'>) {
    this.local = local;
    this.remote = remote;
    this.direction = direction;
    this.out = out;
    this.remoteAddr = remote.address;
  }

  get remotePeer(): Libp2pPeerId { return this.remote.id; }

  /** The first of the protocols that the other side handles, after a round trip. */
  newStream(protocols: string | readonly string[]): Promise<Stream> {
    const { promise, resolve, reject } = Promise.withResolvers<Stream>();
    this.out.send(undefined, () => {
      const protocol = [protocols].flat().find((name) => this.remote.handlers.has(name));
      if (protocol === undefined) return this.other.out.send(undefined, () => reject(Object.assign(new Error('unsupported'), { name: 'UnsupportedProtocolError' })));
      const id = `${streams++}`;
      const ours = new SimStream({ id, protocol, direction: 'outbound', wire: this.out, traffic: this.local.trafficOf(protocol) });
      const theirs = new SimStream({ id, protocol, direction: 'inbound', wire: this.other.out, traffic: this.remote.trafficOf(protocol) });
      [ours.peer, theirs.peer] = [theirs, ours];
      this.other.#add(theirs);
      void this.remote.handlers.get(protocol)?.onStream(theirs, this.other as unknown as Connection);
      this.other.out.send(undefined, () => {
        this.#add(ours);
        resolve(ours);
      });
    });
    return promise;
  }

  #add(stream: SimStream): void {
    this.streams.push(stream);
    stream.addEventListener('close', () => void this.streams.splice(this.streams.indexOf(stream), 1), { once: true });
  }

  /** Here and now: nothing goes out any more, and nothing comes in. */
  drop(): void {
    if (this.status !== 'open') return;
    this.status = 'closed';
    this.other.out.isCut = true;
    for (const stream of [...this.streams]) (stream as SimStream).onTransportClosed(new Error('the connection was lost'));
    this.local.lost(this);
  }
}

export interface SimNodeInit {
  readonly time: VirtualTime;
  readonly links: LinkOptions;
  readonly index: number;
}

/** A node as others see it: the gossip of the product with its options, on links that are made up. Implements of `Mesh` what domains above it use here. */
export class SimNode implements Mesh {
  readonly name = 'mesh';
  readonly events = new Events<MeshEvents>();
  readonly records = undefined;
  readonly reachability = { kind: 'unknown', reason: 'simulated' } as const;
  readonly peerId: PeerId;
  readonly signer: Signer;
  readonly id: Libp2pPeerId;
  readonly address: Multiaddr;
  readonly handlers = new Map<string, Handler>();
  readonly connections: SimConnection[] = [];
  readonly traffic = new Map<string, Traffic>();
  readonly #init: SimNodeInit;
  readonly #pubsub: Startable & GossipSub;
  readonly #gossip: Gossip;
  readonly #topologies: Topology[] = [];

  private constructor(key: Ed25519PrivateKey, init: SimNodeInit) {
    this.#init = init;
    this.id = peerIdFromPrivateKey(key);
    this.peerId = asPeerId(this.id.toString());
    this.signer = createSigner(key);
    // An address of its own each, as on the internet: gossip judges those that share one together.
    this.address = multiaddr(`/ip4/10.${init.index >> 16}.${(init.index >> 8) & 255}.${init.index & 255}/tcp/4001/p2p/${this.peerId}`);
    this.#pubsub = gossipsub(gossipOptions())(this.#components(key)) as Startable & GossipSub;
    const libp2p = { services: { pubsub: this.#pubsub, identify: { identify: (connection: Connection) => this.#introduce(connection) } }, getConnections: () => this.connections };
    const watch = { conduct: new Conduct(init.time, () => undefined), sessions: new IdleSessions(init.time) };
    this.#gossip = new Gossip({ libp2p: libp2p as unknown as MeshLibp2p, events: this.events, metrics, watch, clock: init.time });
  }

  static async create(init: SimNodeInit): Promise<SimNode> {
    const seed = new Uint8Array(32).map(() => Math.floor(256 * init.time.random()));
    return new SimNode(await generateKeyPairFromSeed('Ed25519', seed), init);
  }

  async start(): Promise<void> {
    await this.#pubsub.start();
    this.#gossip.start();
  }

  /** Says nothing to anybody; the links end as the kernel ends those of a process. */
  async stop(): Promise<void> {
    for (const { remote } of [...this.connections]) this.disconnect(remote);
    this.#gossip.stop();
    await this.#pubsub.stop();
  }

  /** Says and hears nothing any more, and no connection ends: its machine froze, or somebody pulled the plug. What it returns ends that; what was sent meanwhile arrives. */
  freeze(): () => void {
    const wires = this.connections.flatMap(({ out, other }) => [out, other.out]);
    for (const wire of wires) wire.hold();
    return () => { for (const wire of wires) wire.release(); };
  }

  disconnect(remote: SimNode): void {
    for (const connection of this.connections.filter((one) => one.remote === remote)) {
      connection.drop();
      connection.out.send(undefined, () => connection.other.drop());
    }
  }

  connect(remote: SimNode): void {
    const { time, links } = this.#init;
    const latencyMs = links.latencyMs.min + (links.latencyMs.max - links.latencyMs.min) * time.random();
    const wire = (): Wire => new Wire(time, links, latencyMs);
    const ours = new SimConnection({ local: this, remote, direction: 'outbound', out: wire() });
    const theirs = new SimConnection({ local: remote, remote: this, direction: 'inbound', out: wire() });
    [ours.other, theirs.other] = [theirs, ours];
    for (const end of [ours, theirs]) end.local.#met(end, 2 * INTRODUCTION_TRIPS * latencyMs);
  }

  #met(connection: SimConnection, introducedMs: number): void {
    const { remote } = connection;
    this.connections.push(connection);
    this.events.emit('peer:connect', { peer: remote.peerId });
    this.#init.time.after(introducedMs, () => {
      if (connection.status !== 'open') return;
      void this.#introduce(connection as unknown as Connection);
      this.events.emit('peer:identify', { peer: remote.peerId, agent: 'sim' });
    });
  }

  async #introduce(connection: Connection): Promise<void> {
    for (const topology of this.#topologies) await topology.onConnect?.(connection.remotePeer, connection);
  }

  lost(connection: SimConnection): void {
    this.connections.splice(this.connections.indexOf(connection), 1);
    if (this.connections.some(({ remote }) => remote === connection.remote)) return;
    for (const topology of this.#topologies) void topology.onDisconnect?.(connection.remotePeer);
    this.events.emit('peer:disconnect', { peer: connection.remote.peerId });
  }

  trafficOf(protocol: string): Traffic {
    const traffic = this.traffic.get(protocol) ?? new Traffic();
    this.traffic.set(protocol, traffic);
    return traffic;
  }

  addresses(): readonly string[] { return [this.address.toString()]; }

  relays(): readonly RelayPlace[] { return []; }

  peers(): readonly PeerSummary[] {
    return this.connections.map(({ remote, direction }) => ({
      peer: remote.peerId, address: remote.address.toString(), direction, transport: 'simulated', route: 'direct', why: 'the only one', rttMs: undefined, agent: 'sim', protocols: [...remote.handlers.keys()],
    }));
  }

  async open(peer: PeerId, protocol: string, { limits }: { readonly limits: ProtocolLimits }): Promise<FrameStream> {
    const connection = this.connections.find(({ remote }) => remote.peerId === peer);
    if (connection === undefined) throw new TypeError('not connected');
    return wrapStream(await connection.newStream(protocol), { peer, protocol, limits, traffic: metrics.traffic(protocol) });
  }

  handle(protocol: string, limits: ProtocolLimits, handler: (stream: FrameStream) => void): Promise<Unsubscribe> {
    this.handlers.set(protocol, { onStream: (stream, connection) => void handler(wrapStream(stream, { peer: asPeerId(connection.remotePeer.toString()), protocol, limits, traffic: metrics.traffic(protocol) })) });
    return Promise.resolve(() => void this.handlers.delete(protocol));
  }

  publish(topic: Topic, data: Uint8Array): Promise<{ readonly recipients: number }> { return this.#gossip.publish(topic, data); }
  guard(topic: Topic, guard: TopicGuard): Unsubscribe { return this.#gossip.guard(topic, guard); }
  subscribers(topic: Topic): readonly PeerId[] { return this.#gossip.subscribers(topic); }
  waitForSubscriber(topic: Topic, signal: AbortSignal): Promise<PeerId> { return this.#gossip.waitForSubscriber(topic, signal); }

  dial(): Promise<PeerId> { return Promise.reject(new TypeError('not simulated')); }
  hangUp(): Promise<void> { return Promise.reject(new TypeError('not simulated')); }
  conductOf(): PeerConduct { return { faults: 0, topicScore: 0 }; }
  enforceBans(): Promise<void> { return Promise.resolve(); }
  ping(): Promise<number> { return Promise.reject(new TypeError('not simulated')); }
  bandwidth(): Promise<number> { return Promise.reject(new TypeError('not simulated')); }
  loss(): Promise<undefined> { return Promise.reject(new TypeError('not simulated')); }
  openDirect(): Promise<FrameStream> { return Promise.reject(new TypeError('not simulated')); }

  #components(privateKey: Ed25519PrivateKey): GossipSubComponents {
    const registrar = {
      handle: (protocol: string, onStream: StreamHandler) => Promise.resolve(void this.handlers.set(protocol, { onStream })),
      unhandle: (protocol: string) => Promise.resolve(void this.handlers.delete(protocol)),
      register: (_: string, topology: Topology) => Promise.resolve(String(this.#topologies.push(topology))),
      unregister: () => undefined, getTopologies: () => this.#topologies,
    };
    const peerStore = { merge: () => Promise.resolve(), get: () => Promise.reject(new Error('unknown')) };
    return { privateKey, peerId: this.id, registrar, peerStore, connectionManager: {}, logger: simLogger } as unknown as GossipSubComponents;
  }
}
