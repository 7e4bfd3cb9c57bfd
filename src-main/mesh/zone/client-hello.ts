/** What TLS says first (RFC 8446, 4.1.2), as far as the name of a server in it (RFC 6066, 3). */
const RECORD_HEADER_BYTES = 5;
/** A record's plaintext is never longer (RFC 8446, 5.1). */
export const MAX_RECORD_BYTES = RECORD_HEADER_BYTES + 16 * 1024;
/** Message header, version, random. */
const BEFORE_SESSION_BYTES = 4 + 2 + 32;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/** How long the record is that begins so; as long as the longest until that is known. */
export const recordBytes = (soFar: Buffer): number => (soFar.length < RECORD_HEADER_BYTES ? MAX_RECORD_BYTES : RECORD_HEADER_BYTES + soFar.readUInt16BE(3));

/** The name that a client asks for; undefined where there is none, or where the record is not what it should be. */
export function serverNameOf(record: Buffer): string | undefined {
  try {
    const cursor = new Cursor(record, RECORD_HEADER_BYTES + BEFORE_SESSION_BYTES);
    cursor.skip(1);
    cursor.skip(2);
    cursor.skip(1);
    const extensions = new Cursor(cursor.vector(2));
    while (!extensions.isOver) {
      const type = extensions.number(2);
      const body = extensions.vector(2);
      if (type === SERVER_NAME) return hostName(new Cursor(new Cursor(body).vector(2)));
    }
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function hostName(names: Cursor): string | undefined {
  while (!names.isOver) {
    const type = names.number(1);
    const name = names.vector(2);
    if (type === HOST_NAME) return name.toString('latin1');
  }
  return undefined;
}

/** Reads what Buffer's own checks let it: beyond the end is a RangeError. */
class Cursor {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(sizeBytes: number): number {
    const value = this.#bytes.readUIntBE(this.#at, sizeBytes);
    this.#at += sizeBytes;
    return value;
  }

  /** Bytes after their length, which has `sizeBytes`. */
  vector(sizeBytes: number): Buffer {
    const length = this.number(sizeBytes);
    // The last of them has to be there.
    if (length > 0) this.#bytes.readUInt8(this.#at + length - 1);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  skip(sizeBytes: number): void {
    this.vector(sizeBytes);
  }
}
