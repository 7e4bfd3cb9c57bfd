import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { ConnectionEncrypter, Ed25519PrivateKey, MessageStream, SecureConnectionOptions, SecuredConnection, StreamMuxerFactory } from '@libp2p/interface';
import { PROTOCOL, type TLSComponents } from '@libp2p/tls';
import { toMessageStream, toNodeDuplex, verifyPeerCertificate } from '@libp2p/tls/utils';
import { meshErrors } from '../errors.ts';
import { createCertificate, type Certificate } from './certificate.ts';

/** What a connection of libp2p's TCP transport holds besides its interface. */
interface TcpParts {
  readonly socket?: unknown;
  /** Bytes that negotiation read and did not need. */
  readonly readBuffer: { readonly byteLength: number; subarray(): Uint8Array; consume(bytes: number): void };
}

/** The stream that `toMessageStream` makes writes a list of pieces one by one. */
interface SendsData {
  sendData(data: unknown): unknown;
}

/** ALPN of a peer that does not agree on a muxer early (libp2p TLS specification). */
const NO_EARLY_MUXER = 'libp2p';

export interface MeshTlsOptions {
  /**
   * Over the TCP socket itself, where there is one: Node then encrypts and decrypts without a copy of every byte through JavaScript, which
   * makes bulk transfers about a third faster.
   */
  readonly isNative: boolean;
}

/** `/tls/1.0.0` as libp2p speaks it, with one certificate for all connections, which holds whatever the time is. */
export function meshTls(privateKey: Ed25519PrivateKey, options: MeshTlsOptions): (components: TLSComponents) => ConnectionEncrypter {
  return (components) => new MeshTls(components, { ...options, privateKey });
}

class MeshTls implements ConnectionEncrypter {
  readonly protocol = PROTOCOL;
  readonly #components: TLSComponents;
  readonly #options: MeshTlsOptions & { readonly privateKey: Ed25519PrivateKey };
  /** One for all connections: it proves the peer's identity, and keys are agreed anew each time. */
  #certificate: Promise<Certificate> | undefined;

  constructor(components: TLSComponents, options: MeshTlsOptions & { readonly privateKey: Ed25519PrivateKey }) {
    this.#components = components;
    this.#options = options;
  }

  secureInbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    return this.#secure(connection, true, options);
  }

  secureOutbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    return this.#secure(connection, false, options);
  }

  async #secure(connection: MessageStream, isServer: boolean, options: SecureConnectionOptions = {}): Promise<SecuredConnection> {
    this.#certificate ??= createCertificate(this.#options.privateKey);
    const isNative = this.#options.isNative && socketOf(connection) !== undefined;
    const tlsOptions = { ...this.#tlsOptions(options), ...await this.#certificate, isServer, ...(isServer ? { requestCert: true } : {}) };
    const socket = isNative ? wrapSocket(connection, tlsOptions) : wrapStream(connection, tlsOptions);
    try {
      await handshake(socket, options.signal);
      // The peer may have given up in that very moment.
      if (socket.destroyed) throw meshErrors.handshakeFailed({ reason: 'the connection was closed' });
      const remotePeer = await verifyPeerCertificate(socket.getPeerCertificate().raw, options.remotePeer, connection.log);
      const muxer = this.#muxer(socket, options);
      const secured = toMessageStream(connection, socket);
      return { remotePeer, connection: isNative ? corked(secured, socket) : secured, ...(muxer === undefined ? {} : { streamMuxer: muxer }) };
    } catch (error) {
      socket.destroy();
      connection.abort(error instanceof Error ? error : meshErrors.handshakeFailed({ reason: String(error) }));
      throw error;
    }
  }

  #tlsOptions({ skipStreamMuxerNegotiation }: SecureConnectionOptions): TLSSocketOptions {
    const muxers = skipStreamMuxerNegotiation === true ? [] : [...this.#components.upgrader.getStreamMuxers().keys()];
    return {
      minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3',
      // Certificates are signed by themselves; what they say of the peer is checked after the handshake.
      rejectUnauthorized: false,
      ALPNProtocols: [...muxers, NO_EARLY_MUXER],
      ALPNCallback: ({ protocols }) => protocols.find((protocol) => protocol === NO_EARLY_MUXER || muxers.includes(protocol)),
    };
  }

  #muxer({ alpnProtocol }: TLSSocket, { skipStreamMuxerNegotiation }: SecureConnectionOptions): StreamMuxerFactory | undefined {
    if (skipStreamMuxerNegotiation === true || typeof alpnProtocol !== 'string' || alpnProtocol === NO_EARLY_MUXER) return undefined;
    const muxer = this.#components.upgrader.getStreamMuxers().get(alpnProtocol);
    if (muxer === undefined) throw meshErrors.handshakeFailed({ reason: `no muxer ${alpnProtocol}` });
    return muxer;
  }
}

/** Of a connection of libp2p's TCP transport. */
export function socketOf(connection: MessageStream): Socket | undefined {
  const { socket } = connection as unknown as TcpParts;
  return socket instanceof Socket ? socket : undefined;
}

/** What was read of a connection of libp2p's TCP transport, and not yet taken. */
export const readBytes = (connection: MessageStream): Uint8Array => (connection as unknown as TcpParts).readBuffer.subarray();

/** Puts TLS on the socket of a connection; what was read from it already is given back first. */
export function wrapSocket(connection: MessageStream, options: TLSSocketOptions & { readonly isServer: boolean }): TLSSocket {
  const socket = socketOf(connection);
  if (socket === undefined) throw meshErrors.handshakeFailed({ reason: 'no socket' });
  const { readBuffer } = connection as unknown as TcpParts;
  socket.removeAllListeners('data');
  socket.pause();
  if (readBuffer.byteLength > 0) {
    const read = Buffer.from(readBuffer.subarray());
    readBuffer.consume(read.length);
    socket.unshift(read);
  }
  return tlsOver(socket, options);
}

/** TLS on a connection of any transport. */
function wrapStream(connection: MessageStream, options: TLSSocketOptions & { readonly isServer: boolean }): TLSSocket {
  const duplex = toNodeDuplex(connection);
  const socket = tlsOver(duplex, options);
  duplex.on('error', (error) => socket.destroy(error));
  return socket;
}

const tlsOver = (under: Duplex, { isServer, ...rest }: TLSSocketOptions & { readonly isServer: boolean }): TLSSocket =>
  (isServer ? new TLSSocket(under, { ...rest, isServer }) : connect({ socket: under, ...rest }));

/** Resolves when the keys are agreed. Who the peer is has to be checked after it. */
export function handshake(socket: TLSSocket, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(meshErrors.handshakeFailed({ reason: 'it took too long' }, signal?.reason));
  const onClose = (): void => reject(meshErrors.handshakeFailed({ reason: 'the connection was closed' }));
  // Stays: an error without a listener would end the process.
  socket.on('error', reject);
  socket.once('close', onClose);
  socket.once('secure', resolve);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  return promise.finally(() => {
    socket.off('close', onClose);
    signal?.removeEventListener('abort', onAbort);
  });
}

/** The pieces of one send leave in one write: a header of 12 bytes would otherwise be a TLS record and a packet of its own. */
function corked(stream: MessageStream, socket: TLSSocket): MessageStream {
  const sender = stream as unknown as SendsData;
  const send = sender.sendData.bind(sender);
  sender.sendData = (data) => {
    socket.cork();
    try {
      return send(data);
    } finally {
      socket.uncork();
    }
  };
  return stream;
}
