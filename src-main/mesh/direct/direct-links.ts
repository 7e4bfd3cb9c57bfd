import type { Socket } from 'node:net';
import { connect, createSecureContext, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';
import type { Ed25519PrivateKey, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { verifyPeerCertificate } from '@libp2p/tls/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { asPeerId, type PeerId, type Unsubscribe } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import { createCertificate } from '../node/certificate.ts';
import { withDeadline } from '../node/deadline.ts';
import { dialError } from '../node/dial-error.ts';
import { handshake, readBytes, socketOf, wrapSocket } from '../node/native-tls.ts';
import { HANDSHAKE_TIMEOUT_MS, MAX_DIRECT_STREAMS, MAX_PENDING_INBOUND } from '../options.ts';
import { spokenInstead } from '../protocols/version.ts';
import type { StreamTraffic } from '../streams/frame-stream.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';
import { zoneErrors } from '../zone/errors.ts';
import { TLS_HANDSHAKE } from '../zone/knock.ts';
import type { TrustZone } from '../zone/trust-zone.ts';
import { AnswerReader } from './answer-reader.ts';
import { DirectStream } from './direct-stream.ts';

/** A TLS record's plaintext is never longer (RFC 8446, 5.1), and records come one by one. */
const READ_BYTES = 16 * 1024;
const TLS_1_3 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

export interface DirectHandler {
  readonly limits: ProtocolLimits;
  /** `wrap` makes the stream, which is counted by the traffic it is given. */
  readonly accept: (peer: PeerId, wrap: (traffic: StreamTraffic) => FrameStream) => void;
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
  readonly #zone: TrustZone;
  #pending = 0;
  #isStopped = false;

  constructor(privateKey: Ed25519PrivateKey, zone: TrustZone) {
    this.#privateKey = privateKey;
    this.#zone = zone;
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
    const target = targetOf(address);
    const { peer } = target;
    const refusal = this.#zone.deniesDial(multiaddr(address));
    if (refusal !== undefined) throw refusal;
    const hello = await this.#zone.helloFor(peer);
    const reader = new AnswerReader(hello?.answer, peer, (bytes) => stream.take(bytes));
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: (length: number, bytes: Uint8Array): boolean => { reader.take(bytes.subarray(0, length)); return true; } };
    // Certificates are signed by themselves; what they say of the peer is checked after the handshake.
    const options = { secureContext: await this.#secureContext(), rejectUnauthorized: false, ALPNProtocols: [protocol], ...(hello === undefined ? {} : { servername: hello.name }) };
    const socket = connect({ ...options, host: target.host, port: target.port, onread } as ConnectionOptions);
    // The peer may speak before we have checked who it is; nobody hears it before that.
    const stream = new DirectStream(socket, { peer, protocol, limits, traffic });
    socket.setNoDelay(true);
    socket.once('close', () => reader.end());
    try {
      await handshake(socket, signal);
      if (socket.alpnProtocol !== protocol) throw meshErrors.protocolUnsupported({ peer, protocol });
      await verifyPeerCertificate(socket.getPeerCertificate().raw, peerIdFromString(peer));
      await withDeadline({ timeoutMs: HANDSHAKE_TIMEOUT_MS, error: () => zoneErrors.silentPeer({ address }), signal }, (within) => untilAborted(reader.done, within));
      return this.#keep(stream);
    } catch (error) {
      socket.destroy();
      throw dialError(address, error);
    }
  }

  /** Ends what there is with a peer. */
  drop(peer: PeerId): void {
    for (const stream of this.#streams) if (stream.peer === peer) stream.abort(meshErrors.connectionLost({ peer }));
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

  /** False for a connection of libp2p, by its first byte: it begins with the length of a protocol name, or in a private zone with a knock; what comes meanwhile waits in the connection. */
  async #letIn(connection: MultiaddrConnection, socket: Socket): Promise<boolean> {
    if (this.#pending >= MAX_PENDING_INBOUND) throw meshErrors.handshakeFailed({ reason: 'too many at once' });
    this.#pending++;
    try {
      await this.#zone.admit(connection);
      if ((await firstByte(connection, socket)) !== TLS_HANDSHAKE) return false;
      await this.#accept(connection, await this.#zone.protectHello(connection));
      return true;
    } finally {
      this.#pending--;
    }
  }

  async #accept(connection: MultiaddrConnection, answer: Uint8Array | undefined): Promise<void> {
    const socket = wrapSocket(connection, {
      secureContext: await this.#secureContext(), isServer: true, requestCert: true, rejectUnauthorized: false,
      ALPNCallback: ({ protocols }) => protocols.find((protocol) => this.#handlerOf(protocol) !== undefined),
    });
    try {
      await handshake(socket, AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS));
      const peer = asPeerId((await verifyPeerCertificate(socket.getPeerCertificate().raw)).toString());
      this.#zone.checkProved(connection, peer);
      if (answer !== undefined) socket.write(answer);
      this.#begin(socket, peer);
      this.#zone.settle(connection);
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
    handler.accept(peer, (traffic) => {
      const stream = this.#keep(new DirectStream(socket, { peer, protocol, limits: handler.limits, traffic }));
      socket.on('data', (bytes) => stream.take(bytes));
      return stream;
    });
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
    return (this.#context ??= createCertificate(this.#privateKey).then((keys) => createSecureContext({ ...TLS_1_3, ...keys })));
  }
}

function firstByte(connection: MultiaddrConnection, socket: Socket): Promise<number | undefined> {
  const read = readBytes(connection);
  if (read.byteLength > 0) return Promise.resolve(read[0]);
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

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly peer: PeerId;
}

/** Throws MESH_DIAL_FAILED for what is no address of a host, a port and a peer. */
function targetOf(address: string): Target {
  const parts = new Map(multiaddr(address).getComponents().map(({ name, value }) => [name, value]));
  const host = parts.get('ip4') ?? parts.get('ip6') ?? parts.get('dns4') ?? parts.get('dns6') ?? parts.get('dns');
  const [port, peer] = [parts.get('tcp'), parts.get('p2p')];
  if (host === undefined || port === undefined || peer === undefined || parts.has('p2p-circuit')) throw meshErrors.dialFailed({ address, reason: 'bad address' });
  return { host, port: Number(port), peer: asPeerId(peer) };
}
