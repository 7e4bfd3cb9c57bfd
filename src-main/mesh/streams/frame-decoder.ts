/** Bytes of the length prefix, u32 little-endian. */
export const PREFIX_BYTES = 4;

/** A claimed length is believed only as far as bytes arrive: the first buffer of a split frame is at most this large. */
const FIRST_BUFFER_BYTES = 256 * 1024;

export interface FrameSink {
  /** Called for each whole frame; the bytes belong to the receiver. False stops the decoder. */
  onFrame(frame: Uint8Array): boolean;
  onTooLong(sizeBytes: number): void;
}

/**
 * Cuts a byte stream into frames. A frame that lies inside one chunk is passed on as
 * a view of it; one that spans chunks is copied once into a buffer that grows with
 * what has arrived.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #sink: FrameSink;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixBytes = 0;
  #frameBytes = 0;
  #buffer: Uint8Array | undefined;
  #filled = 0;
  #stopped = false;

  constructor(maxFrameBytes: number, sink: FrameSink) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#sink = sink;
  }

  /** True in the middle of a frame or of its prefix. */
  get pending(): boolean {
    return this.#prefixBytes > 0;
  }

  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length && !this.#stopped) {
      offset = this.#prefixBytes < PREFIX_BYTES ? this.#takePrefix(chunk, offset) : this.#takeBody(chunk, offset);
    }
  }

  #takePrefix(chunk: Uint8Array, offset: number): number {
    const taken = Math.min(PREFIX_BYTES - this.#prefixBytes, chunk.length - offset);
    this.#prefix.set(chunk.subarray(offset, offset + taken), this.#prefixBytes);
    this.#prefixBytes += taken;
    if (this.#prefixBytes === PREFIX_BYTES) this.#startFrame();
    return offset + taken;
  }

  #startFrame(): void {
    const [a = 0, b = 0, c = 0, d = 0] = this.#prefix;
    this.#frameBytes = (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
    if (this.#frameBytes > this.#maxFrameBytes) {
      this.#stopped = true;
      this.#sink.onTooLong(this.#frameBytes);
    } else if (this.#frameBytes === 0) {
      this.#finish(new Uint8Array(0));
    }
  }

  #takeBody(chunk: Uint8Array, offset: number): number {
    const missing = this.#frameBytes - this.#filled;
    const end = Math.min(offset + missing, chunk.length);
    if (this.#filled === 0 && end - offset === missing) this.#finish(chunk.subarray(offset, end));
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
    // Not from Buffer's shared pool: a kept frame must not pin 64 KiB of others.
    const grown = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    if (old !== undefined) grown.set(old.subarray(0, this.#filled));
    this.#buffer = grown;
    return grown;
  }

  #finish(frame: Uint8Array): void {
    this.#prefixBytes = 0;
    this.#filled = 0;
    this.#buffer = undefined;
    if (!this.#sink.onFrame(frame)) this.#stopped = true;
  }
}
