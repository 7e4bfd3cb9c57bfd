/** Buffers of one size that are used again: fresh ones cost a page fault for every 4 KiB, half the speed of a transfer. */
export class BufferPool {
  readonly #sizeBytes: number;
  readonly #mostKept: number;
  readonly #free: Buffer[] = [];

  constructor(sizeBytes: number, mostKept: number) {
    this.#sizeBytes = sizeBytes;
    this.#mostKept = mostKept;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#sizeBytes);
  }

  /** Nobody may use it after this. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#mostKept) this.#free.push(buffer);
  }
}
