import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p } from 'libp2p';
import { asPeerId, BoundedQueue, noMetrics, silentLogger, systemClock } from '../../../src-main/base/index.ts';
import { createMesh, type FrameStream, type Mesh, type MeshOptions, type ProtocolLimits } from '../../../src-main/mesh/index.ts';
import { YAMUX_INITIAL_WINDOW_BYTES, YAMUX_MAX_WINDOW_BYTES } from '../../../src-main/mesh/options.ts';
import { encodeFrame, frameBytes } from '../../../src-main/mesh/streams/encode-frame.ts';
import { FrameDecoder } from '../../../src-main/mesh/streams/frame-decoder.ts';
import { wrapStream } from '../../../src-main/mesh/streams/frame-stream.ts';

export const LINKS = ['tcp', 'tcpTls', 'tcpTlsNative', 'tcpDirect', 'tcpNoise', 'ws', 'quic', 'webrtc', 'relay'] as const;
export type LinkName = (typeof LINKS)[number];

export const BENCH_PROTOCOL = '/omni-node/bench/1.0.0';
export const LIMITS: ProtocolLimits = { maxFrameBytes: 512 * 1024, maxQueuedFrames: 64, maxInboundStreams: 8, maxOutboundStreams: 8, relayed: true, direct: true };
const HOST = '127.0.0.1';
/** What the process at the other end listens on, by link. */
export const LISTEN: Readonly<Record<Exclude<LinkName, 'tcp' | 'tcpNoise' | 'relay' | 'tcpDirect'>, string>> = {
  tcpTls: `/ip4/${HOST}/tcp/0`, tcpTlsNative: `/ip4/${HOST}/tcp/0`, ws: `/ip4/${HOST}/tcp/0/ws`, quic: `/ip4/${HOST}/udp/0/quic-v1`, webrtc: `/ip4/${HOST}/udp/0/webrtc-direct`,
};

/** Just what both ends of a measurement use of a stream. */
export type BenchStream = Pick<FrameStream, 'send' | 'recycle'> & AsyncIterable<Uint8Array>;

/** The baseline: the same frames on a TCP socket, without encryption or anything else. */
export class SocketStream implements BenchStream {
  readonly #socket: Socket;
  readonly #inbox = new BoundedQueue<Uint8Array>(LIMITS.maxQueuedFrames);
  readonly #decoder = new FrameDecoder(LIMITS.maxFrameBytes, { onFrame: (frame) => this.#inbox.push(frame), onTooLong: () => this.#socket.destroy() });

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#decoder.push(bytes));
    socket.on('close', () => this.#inbox.end());
    socket.on('error', () => undefined);
  }

  async send(...parts: readonly Uint8Array[]): Promise<void> {
    if (!this.#socket.write(encodeFrame(parts, frameBytes(parts)))) await once(this.#socket, 'drain');
  }

  recycle(frame: Uint8Array): void {
    this.#decoder.recycle(frame);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#inbox.next() };
  }
}

export async function benchMesh(options: Partial<MeshOptions>): Promise<Mesh> {
  const mesh = await createMesh({ listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'bench', ...options }, { logger: silentLogger, metrics: noMetrics, clock: systemClock });
  await mesh.start();
  return mesh;
}

/** The mesh agrees on TLS wherever both sides have it, so that Noise is measured on a node of its own, with the same muxer. */
export function noiseNode(listen: readonly string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: [...listen] }, transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })], connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { initialStreamWindowSize: YAMUX_INITIAL_WINDOW_BYTES, maxStreamWindowSize: YAMUX_MAX_WINDOW_BYTES } })],
    services: { identify: identify() },
  });
}

type RawStream = Parameters<typeof wrapStream>[0];
const silent = { sent: () => undefined, received: () => undefined, refused: () => undefined };
export const wrapRaw = (raw: RawStream, peer: string): FrameStream => wrapStream(raw, { peer: asPeerId(peer), protocol: BENCH_PROTOCOL, limits: LIMITS, traffic: silent });

export interface OpenLink {
  readonly name: LinkName;
  readonly stream: BenchStream;
  /** As the node itself describes it. */
  readonly transport: string;
  readonly stop: () => Promise<void>;
}

/** A stream over this link to the process that listens at these addresses, from a node of its own. */
export async function openLink(name: LinkName, address: string): Promise<OpenLink> {
  if (name === 'tcp') return rawLink(Number(address));
  if (name === 'tcpNoise') return noiseLink(address);
  const mesh = await benchMesh({ nativeTls: name === 'tcpTlsNative' });
  const stop = (): Promise<void> => mesh.stop();
  if (name === 'tcpDirect') return { name, stream: await mesh.openDirect(address, BENCH_PROTOCOL, { limits: LIMITS }), transport: 'tcp + tls', stop };
  const peer = await mesh.dial(address);
  const stream = await mesh.open(peer, BENCH_PROTOCOL, { limits: LIMITS });
  return { name, stream, transport: mesh.peers().find((known) => known.peer === peer)?.transport ?? 'unknown', stop };
}

async function rawLink(port: number): Promise<OpenLink> {
  const socket = connect(port, HOST);
  await once(socket, 'connect');
  return { name: 'tcp', stream: new SocketStream(socket), transport: 'tcp', stop: async () => void socket.destroy() };
}

async function noiseLink(address: string): Promise<OpenLink> {
  const node = await noiseNode([]);
  const connection = await node.dial(multiaddr(address));
  const stream = wrapRaw(await connection.newStream(BENCH_PROTOCOL), connection.remotePeer.toString());
  return { name: 'tcpNoise', stream, transport: 'tcp + noise + yamux', stop: async () => { await node.stop(); } };
}
