import type { TLSSocket } from 'node:tls';
import type { PeerId } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import { fillFrame, frameBytes } from '../streams/encode-frame.ts';
import { END_MARK, FrameDecoder, PREFIX_BYTES } from '../streams/frame-decoder.ts';
import { FrameInbox, type FrameStreamInit, type StreamTraffic } from '../streams/frame-inbox.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';

/** Frames under way to the socket before `send` waits: one that is encrypted, one that is ready. */
const MOST_UNDER_WAY = 2;
/** Shorter frames get memory of their own: a pooled buffer is for bulk. */
const POOLED_FROM_BYTES = 16 * 1024;

/**
 * A stream that has a TLS connection for itself. What is sent and received goes through buffers that are used again: with fresh
 * ones for every piece a receiver spends more on memory than on decrypting.
 */
export class DirectStream implements FrameStream {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly closed: Promise<Error | undefined>;
  readonly #socket: TLSSocket;
  readonly #limits: ProtocolLimits;
  readonly #traffic: StreamTraffic;
  readonly #inbox: FrameInbox;
  readonly #decoder: FrameDecoder;
  readonly #free: Buffer[] = [];
  #underWay = 0;
  /** By either side. */
  #isEnded = false;

  constructor(socket: TLSSocket, init: FrameStreamInit) {
    this.peer = init.peer;
    this.protocol = init.protocol;
    this.#socket = socket;
    this.#limits = init.limits;
    this.#traffic = init.traffic;
    this.#inbox = new FrameInbox(init, (error) => this.abort(error));
    this.closed = this.#inbox.closed;
    this.#decoder = new FrameDecoder(init.limits.maxFrameBytes, {
      onFrame: (frame) => this.#inbox.receive(frame),
      onTooLong: (sizeBytes) => this.#onLongFrame(sizeBytes),
    }, { keepsChunks: false });
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#inbox.fail(this.#inbox.lost(error)));
    socket.on('close', () => this.#finish());
    if (socket.destroyed) this.#finish();
  }

  /** Bytes that came; their memory is the caller's again at once. After an end of either side nobody wants them. */
  take(bytes: Uint8Array): void {
    if (!this.#inbox.isGone && !this.#inbox.isDropped && !this.#isEnded) this.#decoder.push(bytes);
  }

  async send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#inbox.failure !== undefined) throw this.#inbox.failure;
    if (this.#isEnded || !this.#socket.writable) throw meshErrors.streamEnded(this.#inbox.where());
    const sizeBytes = frameBytes(parts);
    if (sizeBytes > this.#limits.maxFrameBytes) throw meshErrors.sendTooLong({ protocol: this.protocol, sizeBytes, limitBytes: this.#limits.maxFrameBytes });
    if (this.#underWay > this.#limits.maxQueuedFrames) throw this.#overflow();
    this.#traffic.sent(sizeBytes);
    const buffer = this.#buffer(sizeBytes);
    this.#underWay++;
    this.#socket.write(fillFrame(buffer, parts, sizeBytes), () => this.#sent(buffer));
    await this.#inbox.room(() => this.#underWay >= MOST_UNDER_WAY);
  }

  recycle(frame: Uint8Array): void {
    this.#decoder.recycle(frame);
  }

  async close(): Promise<void> {
    // TLS does not tell an end from a lost connection.
    if (!this.#isEnded && this.#socket.writable) this.#socket.write(Buffer.alloc(PREFIX_BYTES, 0xff));
    this.#isEnded = true;
    this.#socket.end();
    await this.closed;
  }

  abort(error: Error): void {
    this.#inbox.drop(error);
    this.#socket.destroy();
    this.#finish();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#inbox.next() };
  }

  #buffer(sizeBytes: number): Buffer {
    if (sizeBytes < POOLED_FROM_BYTES) return Buffer.allocUnsafe(PREFIX_BYTES + sizeBytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(PREFIX_BYTES + this.#limits.maxFrameBytes);
  }

  #sent(buffer: Buffer): void {
    this.#underWay--;
    if (buffer.length === PREFIX_BYTES + this.#limits.maxFrameBytes && this.#free.length < MOST_UNDER_WAY) this.#free.push(buffer);
    this.#inbox.wakeSender();
  }

  #overflow(): Error {
    const error = meshErrors.sendOverflow(this.#inbox.where());
    this.abort(error);
    return error;
  }

  #onLongFrame(sizeBytes: number): void {
    if (sizeBytes !== END_MARK) return this.#inbox.refuse(meshErrors.frameTooLong({ ...this.#inbox.where(), sizeBytes, limitBytes: this.#limits.maxFrameBytes }));
    this.#isEnded = true;
    this.#inbox.end();
  }

  #onEnd(): void {
    if (!this.#isEnded && this.#decoder.pending) this.#inbox.refuse(meshErrors.frameTruncated(this.#inbox.where()));
  }

  #finish(): void {
    if (this.#inbox.isGone) return;
    this.#inbox.finish(this.#isEnded ? undefined : this.#inbox.lost());
  }
}
