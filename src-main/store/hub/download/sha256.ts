import { createHash } from 'node:crypto';
import { LEAF_BYTES } from '../../dag/index.ts';
import { fileSource } from '../../gguf/source.ts';
import type { HashOptions } from '../../shard/digest.ts';

const CHECK_BYTES = 8 * LEAF_BYTES;

/** SHA-256 of a file, 64 hex digits: what hubs name large files by. Throws STORE_READ_FAILED or the signal's reason. */
export async function sha256OfFile(path: string, { signal, onBytes }: HashOptions = {}): Promise<string> {
  const source = await fileSource(path);
  const hash = createHash('sha256');
  const into = Buffer.allocUnsafeSlow(Math.min(CHECK_BYTES, Math.max(1, source.sizeBytes)));
  try {
    for (let at = 0; at < source.sizeBytes; at += CHECK_BYTES) {
      const bytes = await source.read(at, Math.min(CHECK_BYTES, source.sizeBytes - at), signal === undefined ? { into } : { into, signal });
      hash.update(bytes);
      onBytes?.(bytes.length);
    }
    return hash.digest('hex');
  } finally {
    await source.close();
  }
}
