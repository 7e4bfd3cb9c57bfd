import { BoundedQueue, isCoded, type CodedError, type PeerId } from '../../base/index.ts';
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { meshErrors } from '../errors.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';
import { encodeFrame, frameBytes } from './encode-frame.ts';
import { FrameDecoder, PREFIX_BYTES } from './frame-decoder.ts';

export interface FrameStreamInit {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly limits: ProtocolLimits;
  readonly traffic: StreamTraffic;
}

/** Payload bytes of one protocol, and what was refused on it. */
export interface StreamTraffic {
  sent(sizeBytes: number): void;
  received(sizeBytes: number): void;
  refused(code: string): void;
}

/** Wraps a fresh libp2p stream. Call it in the turn in which the stream was got, before its first event. */
export const wrapStream = (raw: Stream, init: FrameStreamInit): FrameStream => new Libp2pFrameStream(raw, init);

class Libp2pFrameStream implements FrameStream {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly closed: Promise<Error | undefined>;
  readonly #raw: Stream;
  readonly #limits: ProtocolLimits;
  readonly #traffic: StreamTraffic;
  readonly #inbox: BoundedQueue<Uint8Array>;
  readonly #decoder: FrameDecoder;
  readonly #settled = Promise.withResolvers<Error | undefined>();
  #room: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;
  #dropped = false;
  #gone = false;
  #remoteEnded: boolean;

  constructor(raw: Stream, init: FrameStreamInit) {
    this.peer = init.peer;
    this.protocol = init.protocol;
    this.#raw = raw;
    this.#limits = init.limits;
    this.#traffic = init.traffic;
    this.closed = this.#settled.promise;
    this.#inbox = new BoundedQueue(init.limits.maxQueuedFrames);
    this.#decoder = new FrameDecoder(init.limits.maxFrameBytes, {
      onFrame: (frame) => this.#receive(frame),
      onTooLong: (sizeBytes) => this.#refuse(meshErrors.frameTooLong({ ...this.#where(), sizeBytes, limitBytes: init.limits.maxFrameBytes })),
    }, { lengthPrefix: init.limits.lengthPrefix });
    this.#remoteEnded = raw.status === 'open' && raw.remoteWriteStatus === 'closed';
    this.#listen();
  }

  async send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#raw.writeStatus !== 'writable') throw meshErrors.streamEnded(this.#where());
    const sizeBytes = frameBytes(parts);
    if (sizeBytes > this.#limits.maxFrameBytes) throw this.#tooLongToSend(sizeBytes);
    this.#traffic.sent(sizeBytes);
    try {
      if (this.#raw.send(encodeFrame(parts, sizeBytes, this.#limits.lengthPrefix))) return;
    } catch (cause) {
      throw this.#failure ?? meshErrors.connectionLost({ peer: this.peer }, cause);
    }
    await this.#drained();
  }

  recycle(frame: Uint8Array): void {
    this.#decoder.recycle(frame);
  }

  async close(): Promise<void> {
    await this.#raw.close().catch(() => undefined);
    await this.closed;
  }

  abort(error: Error): void {
    this.#failure ??= error;
    this.#dropped = true;
    this.#raw.abort(error);
    // A raw stream that had already ended gives no further event.
    this.#finish(this.#failure);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    // Leaving a loop early keeps the stream: a handler may read its first frame, then loop over the rest.
    return { next: () => (this.#dropped ? Promise.reject(this.#failure) : this.#inbox.next()) };
  }

  #listen(): void {
    const raw = this.#raw;
    // Idle links are normal here; connections have their own liveness check.
    raw.inactivityTimeout = Number.POSITIVE_INFINITY;
    raw.maxWriteBufferLength = (this.#limits.maxFrameBytes + PREFIX_BYTES) * (this.#limits.maxQueuedFrames + 1);
    raw.addEventListener('message', (event) => this.#onMessage(event));
    raw.addEventListener('drain', () => this.#wakeSender());
    raw.addEventListener('remoteCloseWrite', () => (this.#remoteEnded = true));
    raw.addEventListener('end', () => this.#onEnd());
    raw.addEventListener('close', (event) => this.#onClose(event));
    this.#endIfRead();
    if (raw.status !== 'open' && raw.status !== 'closing') this.#finish(this.#lost());
  }

  #onMessage({ data }: StreamMessageEvent): void {
    if (data instanceof Uint8Array) this.#decoder.push(data);
    else for (const chunk of data) this.#decoder.push(chunk);
    this.#endIfRead();
  }

  // Negotiation may have read ahead, to the end even, and given the bytes back: then 'end' is past and data comes after it.
  #endIfRead(): void {
    if (this.#raw.readableEnded && this.#raw.readBufferLength === 0) this.#onEnd();
  }

  #receive(frame: Uint8Array): boolean {
    if (this.#gone) return false;
    this.#traffic.received(frame.byteLength);
    if (this.#inbox.push(frame)) return true;
    this.#refuse(meshErrors.queueOverflow({ ...this.#where(), limitFrames: this.#limits.maxQueuedFrames }));
    return false;
  }

  #refuse(error: CodedError): void {
    this.#traffic.refused(error.code);
    this.abort(error);
  }

  // libp2p says 'end' for a peer's clean end and for a lost connection alike; only the former had a FIN before.
  #onEnd(): void {
    if (this.#raw.status === 'aborted' || this.#raw.status === 'reset') return;
    if (!this.#remoteEnded) this.#failure ??= this.#lost();
    else if (this.#decoder.pending) this.#refuse(meshErrors.frameTruncated(this.#where()));
    this.#inbox.end(this.#failure);
  }

  #onClose(event: StreamCloseEvent): void {
    if (event.error !== undefined) this.#failure ??= this.#reason(event, event.error);
    else if (!this.#remoteEnded) this.#failure ??= this.#lost();
    this.#finish(this.#failure);
  }

  #reason(event: StreamCloseEvent, error: Error): Error {
    if (isCoded(error)) return error;
    if (error.name === 'StreamBufferError') return meshErrors.sendOverflow(this.#where(), error);
    return event.local === true ? meshErrors.connectionLost({ peer: this.peer }, error) : meshErrors.streamClosedByPeer(this.#where(), error);
  }

  #finish(failure: Error | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#failure ??= failure;
    this.#inbox.end(this.#failure);
    this.#wakeSender();
    this.#settled.resolve(this.#failure);
  }

  // 'drain' only says that sending goes on; the buffer may fill again in the same turn.
  async #drained(): Promise<void> {
    while (this.#raw.writableNeedsDrain && !this.#gone) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #wakeSender(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  readonly #where = (): { peer: string; protocol: string } => ({ peer: this.peer, protocol: this.protocol });
  readonly #lost = (): Error => meshErrors.connectionLost({ peer: this.peer });
  readonly #tooLongToSend = (sizeBytes: number): Error =>
    meshErrors.sendTooLong({ protocol: this.protocol, sizeBytes, limitBytes: this.#limits.maxFrameBytes });
}
