import { open } from 'node:fs/promises';
import { storeErrors } from '../errors.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** A buffer that the source may fill instead of a new one; what is returned may lie in it. */
  readonly into?: Buffer;
  /** A remote source tells what has arrived of the answer, as it arrives. */
  readonly onBytes?: (bytes: number) => void;
}

/** Random access to bytes, wherever they lie. A read outside 0..size is a programming error of the caller and rejected. */
export interface ByteSource {
  /** For messages: a path or URL. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Exactly `lengthBytes` bytes from `offset`. Rejects with STORE_READ_FAILED or the signal's reason. */
  read(offset: number, lengthBytes: number, options?: ReadOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function bufferSource(bytes: Uint8Array, name = 'memory'): ByteSource {
  return {
    name,
    sizeBytes: bytes.length,
    read: async (offset, lengthBytes) => {
      checkRange({ name, sizeBytes: bytes.length }, offset, lengthBytes);
      return bytes.subarray(offset, offset + lengthBytes);
    },
    close: async () => undefined,
  };
}

/** Opens a file for reading. Throws STORE_READ_FAILED when there is none. */
export async function fileSource(path: string): Promise<ByteSource> {
  const file = await open(path, 'r').catch((error: unknown) => { throw storeErrors.readFailed({ name: path, offset: 0 }, error); });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw storeErrors.readFailed({ name: path, offset: 0 });
  }
  const sizeBytes = stat.size;
  const read = async (offset: number, lengthBytes: number, options: ReadOptions = {}): Promise<Uint8Array> => {
    options.signal?.throwIfAborted();
    checkRange({ name: path, sizeBytes }, offset, lengthBytes);
    const bytes = options.into?.subarray(0, lengthBytes) ?? Buffer.allocUnsafeSlow(lengthBytes);
    for (let done = 0; done < lengthBytes;) {
      const { bytesRead } = await file.read(bytes, done, lengthBytes - done, offset + done)
        .catch((error: unknown) => { throw storeErrors.readFailed({ name: path, offset: offset + done }, error); });
      if (bytesRead === 0) throw storeErrors.readFailed({ name: path, offset: offset + done });
      done += bytesRead;
    }
    return bytes;
  };
  return { name: path, sizeBytes, read, close: () => file.close() };
}

export function checkRange(source: { readonly name: string; readonly sizeBytes: number }, offset: number, lengthBytes: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(lengthBytes) && offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= source.sizeBytes;
  if (!valid) throw storeErrors.outOfRange({ name: source.name, offset, lengthBytes, sizeBytes: source.sizeBytes });
}
