import type { TLSSocket } from 'node:tls';
import { BoundedQueue, type CodedError, type PeerId } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import { fillFrame, frameBytes } from '../streams/encode-frame.ts';
import { FrameDecoder, PREFIX_BYTES } from '../streams/frame-decoder.ts';
import type { FrameStreamInit, StreamTraffic } from '../streams/frame-stream.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';

/** Frames under way to the socket before `send` waits: one that is encrypted, one that is ready. */
const MOST_UNDER_WAY = 2;
/** In place of a length: our side has ended. TLS does not tell an end from a lost connection. */
const END_MARK = 0xffff_ffff;
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
  readonly #inbox: BoundedQueue<Uint8Array>;
  readonly #decoder: FrameDecoder;
  readonly #settled = Promise.withResolvers<Error | undefined>();
  readonly #free: Buffer[] = [];
  #underWay = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;
  #dropped = false;
  #gone = false;
  /** By either side. */
  #isEnded = false;

  constructor(socket: TLSSocket, init: FrameStreamInit) {
    this.peer = init.peer;
    this.protocol = init.protocol;
    this.#socket = socket;
    this.#limits = init.limits;
    this.#traffic = init.traffic;
    this.closed = this.#settled.promise;
    this.#inbox = new BoundedQueue(init.limits.maxQueuedFrames);
    this.#decoder = new FrameDecoder(init.limits.maxFrameBytes, {
      onFrame: (frame) => this.#receive(frame),
      onTooLong: (sizeBytes) => this.#onLongFrame(sizeBytes),
    }, { keepsChunks: false });
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => { this.#failure ??= meshErrors.connectionLost({ peer: this.peer }, error); });
    socket.on('close', () => this.#finish());
    if (socket.destroyed) this.#finish();
  }

  /** Bytes that came; their memory is the caller's again at once. After an end of either side nobody wants them. */
  take(bytes: Uint8Array): void {
    if (!this.#gone && !this.#dropped && !this.#isEnded) this.#decoder.push(bytes);
  }

  async send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isEnded || !this.#socket.writable) throw meshErrors.streamEnded(this.#where());
    const sizeBytes = frameBytes(parts);
    if (sizeBytes > this.#limits.maxFrameBytes) throw meshErrors.sendTooLong({ protocol: this.protocol, sizeBytes, limitBytes: this.#limits.maxFrameBytes });
    if (this.#underWay > this.#limits.maxQueuedFrames) throw this.#overflow();
    this.#traffic.sent(sizeBytes);
    const buffer = this.#buffer(sizeBytes);
    this.#underWay++;
    this.#socket.write(fillFrame(buffer, parts, sizeBytes), () => this.#sent(buffer));
    while (this.#underWay >= MOST_UNDER_WAY && !this.#gone) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  recycle(frame: Uint8Array): void {
    this.#decoder.recycle(frame);
  }

  async close(): Promise<void> {
    if (!this.#isEnded && this.#socket.writable) this.#socket.write(Buffer.alloc(PREFIX_BYTES, 0xff));
    this.#isEnded = true;
    this.#socket.end();
    await this.closed;
  }

  abort(error: Error): void {
    this.#failure ??= error;
    this.#dropped = true;
    this.#socket.destroy();
    this.#finish();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => (this.#dropped ? Promise.reject(this.#failure) : this.#inbox.next()) };
  }

  #buffer(sizeBytes: number): Buffer {
    if (sizeBytes < POOLED_FROM_BYTES) return Buffer.allocUnsafe(PREFIX_BYTES + sizeBytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(PREFIX_BYTES + this.#limits.maxFrameBytes);
  }

  #sent(buffer: Buffer): void {
    this.#underWay--;
    if (buffer.length === PREFIX_BYTES + this.#limits.maxFrameBytes && this.#free.length < MOST_UNDER_WAY) this.#free.push(buffer);
    this.#wakeSender();
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

  #overflow(): Error {
    const error = meshErrors.sendOverflow(this.#where());
    this.abort(error);
    return error;
  }

  #onLongFrame(sizeBytes: number): void {
    if (sizeBytes !== END_MARK) return this.#refuse(meshErrors.frameTooLong({ ...this.#where(), sizeBytes, limitBytes: this.#limits.maxFrameBytes }));
    this.#isEnded = true;
    this.#inbox.end();
  }

  #onEnd(): void {
    if (!this.#isEnded && this.#decoder.pending) this.#refuse(meshErrors.frameTruncated(this.#where()));
  }

  #finish(): void {
    if (this.#gone) return;
    this.#gone = true;
    if (!this.#isEnded) this.#failure ??= meshErrors.connectionLost({ peer: this.peer });
    this.#inbox.end(this.#failure);
    this.#wakeSender();
    this.#settled.resolve(this.#failure);
  }

  #wakeSender(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  readonly #where = (): { peer: string; protocol: string } => ({ peer: this.peer, protocol: this.protocol });
}
