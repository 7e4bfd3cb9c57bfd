import { MAX_SIGN_EVERY_MS, MIN_SIGN_EVERY_MS, SIGN_BYTES } from './constants.ts';

/** `everyMs`: when the next sign is to be expected. u16, little-endian. */
export function encodeSign(everyMs: number): Uint8Array {
  const frame = Buffer.alloc(SIGN_BYTES);
  frame.writeUInt16LE(everyMs);
  return frame;
}

/** Ms until the next sign; undefined for what is none. */
export function decodeSign(frame: Uint8Array): number | undefined {
  if (frame.byteLength !== SIGN_BYTES) return undefined;
  const everyMs = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).readUInt16LE();
  return everyMs >= MIN_SIGN_EVERY_MS && everyMs <= MAX_SIGN_EVERY_MS ? everyMs : undefined;
}
