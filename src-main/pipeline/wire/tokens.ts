import type { TokenLogprob } from '../../inference/index.ts';
import { TOKEN_BYTES } from './constants.ts';

/** i32 little-endian per row. */
export function encodeTokens(tokens: ArrayLike<number>): Uint8Array {
  const bytes = Buffer.allocUnsafe(tokens.length * 4);
  for (let i = 0; i < tokens.length; i++) bytes.writeInt32LE(tokens[i] ?? 0, i * 4);
  return bytes;
}

export function decodeTokens(payload: Uint8Array): Int32Array {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return Int32Array.from({ length: payload.length >> 2 }, (_, i) => view.getInt32(i * 4, true));
}

export interface SampledToken extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
}

/** The sampled token first, then the likeliest ones: i32 token, f64 log probability each. */
export function encodeSampled(sampled: SampledToken): Uint8Array {
  const bytes = Buffer.allocUnsafe(TOKEN_BYTES * (1 + sampled.top.length));
  writeEntry(bytes, 0, sampled);
  for (let i = 0; i < sampled.top.length; i++) writeEntry(bytes, i + 1, sampled.top[i] as TokenLogprob);
  return bytes;
}

function writeEntry(bytes: Buffer, index: number, entry: TokenLogprob): void {
  bytes.writeInt32LE(entry.token, index * TOKEN_BYTES);
  bytes.writeDoubleLE(entry.logprob, index * TOKEN_BYTES + 4);
}

export function decodeSampled(payload: Uint8Array): SampledToken {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const entry = (at: number): TokenLogprob => ({ token: view.getInt32(at, true), logprob: view.getFloat64(at + 4, true) });
  const top: TokenLogprob[] = [];
  for (let at = TOKEN_BYTES; at < payload.length; at += TOKEN_BYTES) top.push(entry(at));
  return { ...entry(0), top };
}
