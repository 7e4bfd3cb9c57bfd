import { isCoded, type PeerId } from '../../base/index.ts';
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { meshErrors } from '../errors.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';
import { encodeFrame, frameBytes } from './encode-frame.ts';
import { END_MARK, FrameDecoder, PREFIX_BYTES } from './frame-decoder.ts';
import { FrameInbox, type FrameStreamInit, type StreamTraffic } from './frame-inbox.ts';

export type { FrameStreamInit, StreamTraffic };

/** Wraps a fresh libp2p stream. Call it in the turn in which the stream was got, before its first event. */
export const wrapStream = (raw: Stream, init: FrameStreamInit): FrameStream => new Libp2pFrameStream(raw, init);

class Libp2pFrameStream implements FrameStream {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly closed: Promise<Error | undefined>;
  readonly #raw: Stream;
  readonly #limits: ProtocolLimits;
  readonly #traffic: StreamTraffic;
  readonly #inbox: FrameInbox;
  readonly #decoder: FrameDecoder;
  #remoteEnded: boolean;
  readonly #marksEnd: boolean;

  constructor(raw: Stream, init: FrameStreamInit) {
    this.peer = init.peer;
    this.protocol = init.protocol;
    this.#raw = raw;
    this.#limits = init.limits;
    this.#traffic = init.traffic;
    this.#inbox = new FrameInbox(init, (error) => this.abort(error));
    this.closed = this.#inbox.closed;
    this.#decoder = new FrameDecoder(init.limits.maxFrameBytes, {
      onFrame: (frame) => this.#inbox.receive(frame),
      onTooLong: (sizeBytes) => this.#onLongFrame(sizeBytes),
    }, { lengthPrefix: init.limits.lengthPrefix });
    this.#marksEnd = init.marksEnd === true && init.limits.lengthPrefix !== 'varint';
    this.#remoteEnded = !this.#marksEnd && raw.status === 'open' && raw.remoteWriteStatus === 'closed';
    this.#listen();
  }

  async send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#inbox.failure !== undefined) throw this.#inbox.failure;
    if (this.#raw.writeStatus !== 'writable') throw meshErrors.streamEnded(this.#inbox.where());
    const sizeBytes = frameBytes(parts);
    if (sizeBytes > this.#limits.maxFrameBytes) throw this.#tooLongToSend(sizeBytes);
    this.#traffic.sent(sizeBytes);
    try {
      if (this.#raw.send(encodeFrame(parts, sizeBytes, this.#limits.lengthPrefix))) return;
    } catch (cause) {
      throw this.#inbox.failure ?? this.#inbox.lost(cause);
    }
    // 'drain' only says that sending goes on; the buffer may fill again in the same turn.
    await this.#inbox.room(() => this.#raw.writableNeedsDrain);
  }

  recycle(frame: Uint8Array): void {
    this.#decoder.recycle(frame);
  }

  async close(): Promise<void> {
    if (this.#marksEnd && this.#raw.writeStatus === 'writable') this.#raw.send(new Uint8Array(PREFIX_BYTES).fill(0xff));
    await this.#raw.close().catch(() => undefined);
    await this.closed;
  }

  abort(error: Error): void {
    this.#inbox.drop(error);
    this.#raw.abort(error);
    // A raw stream that had already ended gives no further event.
    this.#inbox.finish();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    // Leaving a loop early keeps the stream: a handler may read its first frame, then loop over the rest.
    return { next: () => this.#inbox.next() };
  }

  #listen(): void {
    const raw = this.#raw;
    // Idle links are normal here; connections have their own liveness check.
    raw.inactivityTimeout = Number.POSITIVE_INFINITY;
    raw.maxWriteBufferLength = (this.#limits.maxFrameBytes + PREFIX_BYTES) * (this.#limits.maxQueuedFrames + 1);
    raw.addEventListener('message', (event) => this.#onMessage(event));
    raw.addEventListener('drain', () => this.#inbox.wakeSender());
    raw.addEventListener('remoteCloseWrite', () => { if (!this.#marksEnd) this.#remoteEnded = true; });
    raw.addEventListener('end', () => this.#onEnd());
    raw.addEventListener('close', (event) => this.#onClose(event));
    this.#endIfRead();
    if (raw.status !== 'open' && raw.status !== 'closing') this.#inbox.finish(this.#inbox.lost());
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

  #onLongFrame(sizeBytes: number): void {
    if (this.#marksEnd && sizeBytes === END_MARK) this.#remoteEnded = true;
    else this.#inbox.refuse(meshErrors.frameTooLong({ ...this.#inbox.where(), sizeBytes, limitBytes: this.#limits.maxFrameBytes }));
  }

  // libp2p says 'end' for a peer's clean end and for a lost connection alike; only the former had a FIN before.
  #onEnd(): void {
    if (this.#raw.status === 'aborted' || this.#raw.status === 'reset') return;
    if (!this.#remoteEnded) this.#onLoss();
    else if (this.#decoder.pending && !this.#marksEnd) this.#inbox.refuse(meshErrors.frameTruncated(this.#inbox.where()));
    this.#inbox.end();
  }

  #onLoss(): void {
    const lost = this.#inbox.lost();
    this.#inbox.fail(lost);
    // It does not know that it is lost, and would wait for our end.
    if (this.#marksEnd) this.#raw.abort(lost);
  }

  #onClose(event: StreamCloseEvent): void {
    if (event.error !== undefined) this.#inbox.fail(this.#reason(event, event.error));
    else if (!this.#remoteEnded) this.#inbox.fail(this.#inbox.lost());
    this.#inbox.finish();
  }

  #reason(event: StreamCloseEvent, error: Error): Error {
    if (isCoded(error)) return error;
    if (error.name === 'StreamBufferError') return meshErrors.sendOverflow(this.#inbox.where(), error);
    return event.local === true ? this.#inbox.lost(error) : meshErrors.streamClosedByPeer(this.#inbox.where(), error);
  }

  readonly #tooLongToSend = (sizeBytes: number): Error =>
    meshErrors.sendTooLong({ protocol: this.protocol, sizeBytes, limitBytes: this.#limits.maxFrameBytes });
}
