import { ggufErrors } from '../errors.ts';

/** Thrown when the window ends before the header does; the reader widens the window and repeats the entry. */
export class WindowTooShort extends Error {
  readonly needBytes: number;

  constructor(needBytes: number) {
    super('window too short');
    this.needBytes = needBytes;
  }
}

/** Reads little-endian values from the loaded start of a file, checking each length against the whole file first. */
export class Cursor {
  at: number;
  readonly #bytes: Buffer;
  readonly #fileBytes: number;

  constructor(bytes: Buffer, at: number, fileBytes: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#fileBytes = fileBytes;
  }

  /** Bytes of the file after the cursor. */
  get leftBytes(): number {
    return this.#fileBytes - this.at;
  }

  /** Makes sure that `lengthBytes` more bytes are loaded. */
  need(lengthBytes: number, field: string): void {
    const end = this.at + lengthBytes;
    if (end > this.#fileBytes) throw ggufErrors.truncated({ field, offset: this.at, needBytes: lengthBytes, haveBytes: this.leftBytes });
    if (end > this.#bytes.length) throw new WindowTooShort(end);
  }

  u8(field: string): number {
    this.need(1, field);
    return this.#bytes.readUInt8(this.at++);
  }

  u32(field: string): number {
    this.need(4, field);
    this.at += 4;
    return this.#bytes.readUInt32LE(this.at - 4);
  }

  /** A 64-bit count, length or offset; above 2^53 it can only be hostile. */
  u64(field: string): number {
    this.need(8, field);
    const high = this.#bytes.readUInt32LE(this.at + 4);
    const value = high * 2 ** 32 + this.#bytes.readUInt32LE(this.at);
    if (high >= 2 ** 21) throw ggufErrors.tooBig({ field, offset: this.at, value: this.#bytes.readBigUInt64LE(this.at).toString(), max: Number.MAX_SAFE_INTEGER });
    this.at += 8;
    return value;
  }

  /** A view, not a copy. */
  bytes(lengthBytes: number, field: string): Buffer {
    this.need(lengthBytes, field);
    this.at += lengthBytes;
    return this.#bytes.subarray(this.at - lengthBytes, this.at);
  }

  /** A length-prefixed text as its bytes. */
  text(field: string, maxBytes: number): Buffer {
    const offset = this.at;
    const lengthBytes = this.u64(`length of ${field}`);
    if (lengthBytes > maxBytes && lengthBytes <= this.leftBytes) throw ggufErrors.tooBig({ field: `length of ${field}`, offset, value: lengthBytes, max: maxBytes });
    return this.bytes(lengthBytes, field);
  }

  /** Moves over `count` strings without decoding any: the hot loop for vocabularies. */
  skipTexts(count: number, field: string): void {
    const bytes = this.#bytes;
    let at = this.at;
    for (let index = 0; index < count; index++) {
      if (at + 8 > bytes.length) this.#fail(at, 8, `${field}[${index}]`);
      const lengthBytes = bytes.readUInt32LE(at);
      const high = bytes.readUInt32LE(at + 4);
      if (high !== 0 || at + 8 + lengthBytes > bytes.length) this.#fail(at, 8 + lengthBytes + high * 2 ** 32, `${field}[${index}]`);
      at += 8 + lengthBytes;
    }
    this.at = at;
  }

  #fail(at: number, needBytes: number, field: string): never {
    if (at + needBytes <= this.#fileBytes) throw new WindowTooShort(at + needBytes);
    throw ggufErrors.truncated({ field, offset: at, needBytes, haveBytes: this.#fileBytes - at });
  }
}
