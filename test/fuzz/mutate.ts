const EXTREMES = [0, 1, 0x7f, 2 ** 20, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** One to four changes: a bit, a byte, an extreme number, a cut, a piece copied, or more bytes. */
export function mutate(good: Buffer, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  let bytes = Buffer.from(good);
  for (let change = below(4); change >= 0; change--) {
    const at = below(Math.max(1, bytes.length - 4));
    const kind = below(6);
    if (bytes.length < 8) break;
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    else if (kind === 1) bytes[at] = below(256);
    else if (kind === 2) bytes.writeUInt32LE(EXTREMES[below(EXTREMES.length)] ?? 0, at);
    else if (kind === 3) bytes = bytes.subarray(0, below(bytes.length));
    else if (kind === 4) bytes.copy(bytes, below(bytes.length), at, at + below(16));
    else bytes = Buffer.concat([bytes, Buffer.alloc(1 + below(40), below(256))]);
  }
  return bytes;
}
