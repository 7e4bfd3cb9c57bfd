import type { LengthPrefix } from '../types.ts';

/** Bytes of the length prefix, u32 little-endian. */
export const PREFIX_BYTES = 4;
/** In place of a length, where the transport does not tell an end from a loss: the sender has ended. */
export const END_MARK = 0xffff_ffff;
/** Of a varint prefix; 28 bits are more than any protocol allows. */
const MAX_VARINT_BYTES = 4;

/** A claimed length is believed only as far as bytes arrive: the first buffer of a split frame is at most this large. A payload of 256 KiB and its header fit. */
const FIRST_BUFFER_BYTES = 260 * 1024;

/** Buffers of frames that were given back. */
const MAX_FREE_BUFFERS = 4;

export interface FrameSink {
  /** Called for each whole frame; the bytes belong to the receiver. False stops the decoder. */
  onFrame(frame: Uint8Array): boolean;
  onTooLong(sizeBytes: number): void;
}

export interface FrameDecoderOptions {
  /** False: a chunk's memory is somebody else's again when `push` returns, so that every frame is copied. Default true. */
  readonly keepsChunks?: boolean;
  /** Default `u32`. */
  readonly lengthPrefix?: LengthPrefix | undefined;
}

/**
 * Cuts a byte stream into frames. A frame that lies inside one chunk is passed on as
 * a view of it; one that spans chunks is copied once into a buffer that grows with
 * what has arrived.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #sink: FrameSink;
  readonly #lengthPrefix: LengthPrefix;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixBytes = 0;
  #frameBytes = 0;
  #isInBody = false;
  readonly #free: Uint8Array[] = [];
  /** Buffers made here and not given back. */
  readonly #made = new WeakSet<ArrayBufferLike>();
  #buffer: Uint8Array | undefined;
  #filled = 0;
  #stopped = false;
  readonly #keepsChunks: boolean;

  constructor(maxFrameBytes: number, sink: FrameSink, { keepsChunks = true, lengthPrefix = 'u32' }: FrameDecoderOptions = {}) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#sink = sink;
    this.#keepsChunks = keepsChunks;
    this.#lengthPrefix = lengthPrefix;
  }

  /** True in the middle of a frame or of its prefix. */
  get pending(): boolean {
    return this.#prefixBytes > 0;
  }

  /** Takes a frame's buffer for frames to come, if it was made here for one that spans chunks. */
  recycle({ buffer, byteOffset, byteLength }: Uint8Array): void {
    // A frame within a chunk shares its memory with others, and is far shorter than that.
    const isOurs = byteOffset === 0 && buffer instanceof ArrayBuffer && this.#made.delete(buffer);
    if (isOurs && byteLength > 0 && this.#free.length < MAX_FREE_BUFFERS) this.#free.push(new Uint8Array(buffer));
  }

  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length && !this.#stopped) {
      if (this.#isInBody) offset = this.#takeBody(chunk, offset);
      else offset = this.#lengthPrefix === 'u32' ? this.#takePrefix(chunk, offset) : this.#takeVarint(chunk, offset);
    }
  }

  #takePrefix(chunk: Uint8Array, offset: number): number {
    const taken = Math.min(PREFIX_BYTES - this.#prefixBytes, chunk.length - offset);
    this.#prefix.set(chunk.subarray(offset, offset + taken), this.#prefixBytes);
    this.#prefixBytes += taken;
    if (this.#prefixBytes === PREFIX_BYTES) {
      const [a = 0, b = 0, c = 0, d = 0] = this.#prefix;
      this.#startFrame((a | (b << 8) | (c << 16) | (d << 24)) >>> 0);
    }
    return offset + taken;
  }

  #takeVarint(chunk: Uint8Array, offset: number): number {
    const byte = chunk[offset] ?? 0;
    this.#frameBytes += (byte & 0x7f) * 2 ** (7 * this.#prefixBytes++);
    if (byte < 0x80) this.#startFrame(this.#frameBytes);
    else if (this.#prefixBytes === MAX_VARINT_BYTES) this.#refuse(2 ** (7 * MAX_VARINT_BYTES));
    return offset + 1;
  }

  #startFrame(sizeBytes: number): void {
    this.#frameBytes = sizeBytes;
    this.#isInBody = true;
    if (sizeBytes > this.#maxFrameBytes) this.#refuse(sizeBytes);
    else if (sizeBytes === 0) this.#finish(new Uint8Array(0));
  }

  #refuse(sizeBytes: number): void {
    this.#stopped = true;
    this.#sink.onTooLong(sizeBytes);
  }

  #takeBody(chunk: Uint8Array, offset: number): number {
    const missing = this.#frameBytes - this.#filled;
    const end = Math.min(offset + missing, chunk.length);
    if (this.#filled === 0 && end - offset === missing) this.#finish(this.#keepsChunks ? chunk.subarray(offset, end) : new Uint8Array(chunk.subarray(offset, end)));
    else this.#append(chunk.subarray(offset, end));
    return end;
  }

  #append(bytes: Uint8Array): void {
    const buffer = this.#room(this.#filled + bytes.length);
    buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
    if (this.#filled === this.#frameBytes) this.#finish(buffer.subarray(0, this.#filled));
  }

  #room(needed: number): Uint8Array {
    const old = this.#buffer;
    if (old !== undefined && old.length >= needed) return old;
    const size = Math.min(this.#frameBytes, Math.max(needed, FIRST_BUFFER_BYTES, (old?.length ?? 0) * 2));
    const grown = this.#make(size);
    if (old !== undefined) grown.set(old.subarray(0, this.#filled));
    this.#buffer = grown;
    return grown;
  }

  #make(size: number): Uint8Array {
    const used = this.#free.pop();
    if (used !== undefined && used.length >= size) {
      this.#made.add(used.buffer);
      return used;
    }
    // Not from Buffer's shared pool: a kept frame must not pin 64 KiB of others.
    const made = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    this.#made.add(made.buffer);
    return made;
  }

  #finish(frame: Uint8Array): void {
    this.#prefixBytes = 0;
    this.#frameBytes = 0;
    this.#isInBody = false;
    this.#filled = 0;
    this.#buffer = undefined;
    if (!this.#sink.onFrame(frame)) this.#stopped = true;
  }
}
