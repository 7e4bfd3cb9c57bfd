import type { Socket } from 'node:net';
import { connect, createSecureContext, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';
import type { Ed25519PrivateKey, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { generateCertificate, verifyPeerCertificate } from '@libp2p/tls/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { asPeerId, RateLimiter, type Clock, type PeerId, type Unsubscribe } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import { dialError } from '../node/dial-error.ts';
import { handshake, socketOf, wrapSocket } from '../node/native-tls.ts';
import { HANDSHAKE_TIMEOUT_MS, INBOUND_CONNECTIONS_PER_SECOND, MAX_DIRECT_STREAMS, MAX_PENDING_INBOUND } from '../options.ts';
import { spokenInstead } from '../protocols/version.ts';
import type { StreamTraffic } from '../streams/frame-stream.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';
import { DirectStream } from './direct-stream.ts';

/** First byte of a TLS handshake record (RFC 8446, 5.1). What libp2p begins with is the length of a protocol name. */
const TLS_HANDSHAKE = 0x16;
/** A TLS record's plaintext is never longer (RFC 8446, 5.1), and records come one by one. */
const READ_BYTES = 16 * 1024;
const TLS_1_3 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

export interface DirectHandler {
  readonly limits: ProtocolLimits;
  readonly traffic: StreamTraffic;
  readonly accept: (stream: FrameStream) => void;
}

export interface DirectDial {
  readonly protocol: string;
  readonly limits: ProtocolLimits;
  readonly traffic: StreamTraffic;
  readonly signal: AbortSignal;
}

type TcpTransport<Components> = (components: Components) => Transport;

/**
 * Streams that have a TLS connection for themselves, to and from the port that libp2p listens on; the protocol is agreed by ALPN. Peers
 * prove who they are as in libp2p's TLS handshake (specs/tls/tls.md), with the same kind of certificate.
 */
export class DirectLinks {
  readonly #privateKey: Ed25519PrivateKey;
  readonly #handlers = new Map<string, DirectHandler>();
  readonly #streams = new Set<DirectStream>();
  /** Our certificate and its key. */
  #context: Promise<SecureContext> | undefined;
  readonly #rate: RateLimiter;
  #pending = 0;
  #isStopped = false;

  constructor(privateKey: Ed25519PrivateKey, clock: Clock) {
    this.#privateKey = privateKey;
    this.#rate = new RateLimiter({ perSecond: INBOUND_CONNECTIONS_PER_SECOND, burst: INBOUND_CONNECTIONS_PER_SECOND, maxKeys: MAX_PENDING_INBOUND * 8 }, clock);
  }

  /** The transport with a listener that also lets direct streams in. */
  behind<Components>(transport: TcpTransport<Components>): TcpTransport<Components> {
    return (components) => {
      const inner = transport(components);
      const create = inner.createListener.bind(inner);
      inner.createListener = (options) => create({ ...options, upgrader: this.#sorting(options.upgrader) });
      return inner;
    };
  }

  /** The certificate is made first, so that no stream waits for it. */
  async handle(protocol: string, handler: DirectHandler): Promise<Unsubscribe> {
    await this.#secureContext();
    this.#handlers.set(protocol, handler);
    return () => void this.#handlers.delete(protocol);
  }

  /** Throws MESH_DIAL_FAILED. */
  async dial(address: string, { protocol, limits, traffic, signal }: DirectDial): Promise<FrameStream> {
    const { host, port, peer } = targetOf(address);
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: (length: number, bytes: Uint8Array): boolean => { stream.take(bytes.subarray(0, length)); return true; } };
    // Certificates are signed by themselves; what they say of the peer is checked after the handshake.
    const socket = connect({ secureContext: await this.#secureContext(), rejectUnauthorized: false, host, port, onread, ALPNProtocols: [protocol] } as ConnectionOptions);
    // The peer may speak before we have checked who it is; nobody hears it before that.
    const stream = new DirectStream(socket, { peer, protocol, limits, traffic });
    socket.setNoDelay(true);
    try {
      await handshake(socket, signal);
      if (socket.alpnProtocol !== protocol) throw meshErrors.protocolUnsupported({ peer, protocol });
      await verifyPeerCertificate(socket.getPeerCertificate().raw, peerIdFromString(peer));
      return this.#keep(stream);
    } catch (error) {
      socket.destroy();
      throw dialError(address, error);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#handlers.clear();
    for (const stream of this.#streams) stream.abort(meshErrors.connectionLost({ peer: stream.peer }));
  }

  #sorting(upgrader: Upgrader): Upgrader {
    const upgradeInbound: Upgrader['upgradeInbound'] = async (connection, options) => {
      const socket = this.#handlers.size === 0 ? undefined : socketOf(connection);
      if (socket === undefined || !(await this.#letIn(connection, socket))) await upgrader.upgradeInbound(connection, options);
    };
    // The listener uses nothing else of it.
    return { upgradeInbound } as Upgrader;
  }

  /** False for a connection of libp2p, by its first byte; what comes meanwhile waits in the connection. */
  async #letIn(connection: MultiaddrConnection, socket: Socket): Promise<boolean> {
    if (this.#pending >= MAX_PENDING_INBOUND) throw meshErrors.handshakeFailed({ reason: 'too many at once' });
    this.#pending++;
    try {
      if ((await firstByte(socket)) !== TLS_HANDSHAKE) return false;
      if (!this.#rate.take(String(socket.remoteAddress))) throw meshErrors.handshakeFailed({ reason: 'too many in a second' });
      await this.#accept(connection);
      return true;
    } finally {
      this.#pending--;
    }
  }

  async #accept(connection: MultiaddrConnection): Promise<void> {
    const socket = wrapSocket(connection, {
      secureContext: await this.#secureContext(), isServer: true, requestCert: true, rejectUnauthorized: false,
      ALPNCallback: ({ protocols }) => protocols.find((protocol) => this.#handlerOf(protocol) !== undefined),
    });
    try {
      await handshake(socket, AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS));
      const peer = asPeerId((await verifyPeerCertificate(socket.getPeerCertificate().raw)).toString());
      this.#begin(socket, peer);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  #begin(socket: TLSSocket, peer: PeerId): void {
    const protocol = String(socket.alpnProtocol);
    const handler = this.#handlerOf(protocol);
    const count = [...this.#streams].filter((stream) => stream.peer === peer && stream.protocol === protocol).length;
    const isOver = this.#streams.size >= MAX_DIRECT_STREAMS || count >= (handler?.limits.maxInboundStreams ?? 0);
    if (handler === undefined || isOver) throw meshErrors.handshakeFailed({ reason: 'too many streams' });
    const stream = this.#keep(new DirectStream(socket, { peer, protocol, limits: handler.limits, traffic: handler.traffic }));
    socket.on('data', (bytes) => stream.take(bytes));
    handler.accept(stream);
  }

  /** Also of another minor version of what we handle. */
  #handlerOf(protocol: string): DirectHandler | undefined {
    const spoken = this.#handlers.has(protocol) ? undefined : spokenInstead(protocol, [...this.#handlers.keys()]);
    return this.#handlers.get(spoken?.kind === 'compatible' ? spoken.protocol : protocol);
  }

  #keep(stream: DirectStream): DirectStream {
    this.#streams.add(stream);
    void stream.closed.then(() => this.#streams.delete(stream));
    if (this.#isStopped) stream.abort(meshErrors.connectionLost({ peer: stream.peer }));
    return stream;
  }

  #secureContext(): Promise<SecureContext> {
    return (this.#context ??= generateCertificate(this.#privateKey).then((keys) => createSecureContext({ ...TLS_1_3, ...keys })));
  }
}

function firstByte(socket: Socket): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const onData = (bytes: Uint8Array): void => resolve(bytes[0]);
  const onClose = (): void => reject(meshErrors.handshakeFailed({ reason: 'the connection was closed' }));
  const timer = setTimeout(() => reject(meshErrors.handshakeFailed({ reason: 'it took too long' })), HANDSHAKE_TIMEOUT_MS);
  socket.once('data', onData);
  socket.once('close', onClose);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('close', onClose);
  });
}

/** Throws MESH_DIAL_FAILED for what is no address of a host, a port and a peer. */
function targetOf(address: string): { host: string; port: number; peer: PeerId } {
  const parts = new Map(multiaddr(address).getComponents().map(({ name, value }) => [name, value]));
  const host = parts.get('ip4') ?? parts.get('ip6') ?? parts.get('dns4') ?? parts.get('dns6') ?? parts.get('dns');
  const [port, peer] = [parts.get('tcp'), parts.get('p2p')];
  if (host === undefined || port === undefined || peer === undefined || parts.has('p2p-circuit')) throw meshErrors.dialFailed({ address, reason: 'bad address' });
  return { host, port: Number(port), peer: asPeerId(peer) };
}
