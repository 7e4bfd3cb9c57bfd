import { noMetrics, silentLogger, systemClock, type Clock, type Logger, type Metrics, type PeerId } from '../../base/index.ts';
import type { Connection } from '@libp2p/interface';
import { composeMesh } from '../node/compose-mesh.ts';
import type { MeshLibp2p } from '../node/create-libp2p.ts';
import type { MeshOptions } from '../options.ts';
import type { FrameStream, Mesh, ProtocolLimits } from '../types.ts';

export const LOOPBACK = '/ip4/127.0.0.1/tcp/0';
export const ECHO_PROTOCOL = '/omni-node/test/1.0.0';
export const TEST_LIMITS: ProtocolLimits = { maxFrameBytes: 1024 * 1024, maxQueuedFrames: 64, maxInboundStreams: 8, maxOutboundStreams: 8 };

export interface NodeSetup extends Partial<MeshOptions> {
  readonly clock?: Clock;
  readonly metrics?: Metrics;
  readonly logger?: Logger;
}

const under = new WeakMap<Mesh, MeshLibp2p>();

/** The libp2p node under a mesh that a test made, for what the mesh hides: its single connections. */
export function libp2pOf(mesh: Mesh): MeshLibp2p {
  const libp2p = under.get(mesh);
  if (libp2p === undefined) throw new TypeError('no mesh of TestNodes');
  return libp2p;
}

export const connectionsTo = (mesh: Mesh, peer: PeerId): readonly Connection[] => libp2pOf(mesh).getConnections().filter(({ remotePeer }) => remotePeer.toString() === peer);

/** Real nodes on loopback, all stopped by `stop`. */
export class TestNodes {
  readonly #running: Mesh[] = [];

  async create({ metrics = noMetrics, clock = systemClock, logger = silentLogger, ...options }: NodeSetup = {}): Promise<Mesh> {
    const { mesh, libp2p } = await composeMesh({ listen: [LOOPBACK], identity: { kind: 'ephemeral' }, mdns: false, agent: 'test/1', ...options }, { logger, metrics, clock });
    under.set(mesh, libp2p);
    return mesh;
  }

  async start(setup?: NodeSetup): Promise<Mesh> {
    return this.run(await this.create(setup));
  }

  /** One that `create` made. */
  async run(mesh: Mesh): Promise<Mesh> {
    this.#running.push(mesh);
    await mesh.start();
    return mesh;
  }

  /** A relay with a node that is reached through it alone, and that node's address there. Its connections are limited unless it is a member. */
  async behindRelay({ isMember = false, ...setup }: NodeSetup & { readonly isMember?: boolean } = {}): Promise<{ relay: Mesh; far: Mesh; address: string }> {
    const relay = await this.start({ relayServer: { isMember: () => isMember } });
    const far = await this.start({ ...setup, listen: [`${addressOf(relay)}/p2p-circuit`, ...(setup.listen ?? [])] });
    return { relay, far, address: `${addressOf(relay)}/p2p-circuit/p2p/${far.peerId}` };
  }

  /** Two nodes, the first connected to the second. */
  async pair(): Promise<{ near: Mesh; far: Mesh; peer: PeerId }> {
    const [near, far] = [await this.start(), await this.start()];
    return { near, far, peer: await near.dial(addressOf(far)) };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((mesh) => mesh.stop()));
  }
}

export function addressOf(mesh: Mesh): string {
  const [address] = mesh.addresses();
  if (address === undefined) throw new TypeError('the node listens on nothing');
  return address;
}

/** A stream between two connected nodes, from both ends. */
export async function streamBetween(nodes: { near: Mesh; far: Mesh }, limits: { near?: ProtocolLimits; far?: ProtocolLimits } = {}): Promise<[FrameStream, FrameStream]> {
  const accepted = Promise.withResolvers<FrameStream>();
  await nodes.far.handle(ECHO_PROTOCOL, limits.far ?? TEST_LIMITS, accepted.resolve);
  const opened = await nodes.near.open(nodes.far.peerId, ECHO_PROTOCOL, { limits: limits.near ?? TEST_LIMITS });
  return [opened, await accepted.promise];
}

export async function nextFrame(stream: FrameStream): Promise<Uint8Array> {
  const { value, done } = await stream[Symbol.asyncIterator]().next();
  if (done === true) throw new TypeError('the stream ended');
  return value;
}
