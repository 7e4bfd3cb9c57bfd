import type { LengthPrefix } from '../types.ts';
import { PREFIX_BYTES } from './frame-decoder.ts';

export const frameBytes = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.byteLength, 0);

/**
 * One buffer with prefix and parts: the frame leaves in one write, and the caller may
 * reuse its own buffers at once. The copy costs less than a second record on the wire.
 */
export function encodeFrame(parts: readonly Uint8Array[], sizeBytes: number, lengthPrefix: LengthPrefix = 'u32'): Uint8Array {
  const prefix = lengthPrefix === 'u32' ? u32(sizeBytes) : varint(sizeBytes);
  return place(Buffer.allocUnsafe(prefix.length + sizeBytes), prefix, parts);
}

/** The same, with a prefix of 4 bytes, in a buffer of the caller's that is large enough; returns the part of it that is used. */
export const fillFrame = (buffer: Buffer, parts: readonly Uint8Array[], sizeBytes: number): Uint8Array => place(buffer, u32(sizeBytes), parts);

function place(buffer: Buffer, prefix: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  buffer.set(prefix);
  let offset = prefix.length;
  for (const part of parts) {
    buffer.set(part, offset);
    offset += part.byteLength;
  }
  return buffer.subarray(0, offset);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}

/** Unsigned LEB128: 7 bits a byte, the lowest first, the top bit set on all but the last. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.of(...bytes, rest);
}
