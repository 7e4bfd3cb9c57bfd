const BAITS = ['1e999', '-0', '9007199254740993', '"\\u0000"', '"__proto__":{}', '['.repeat(200), 'null', '\ufeff', '/../', '/ip4/0.0.0.0', '/p2p/', '/p2p-circuit', '/dns4/x', '999', '"peers":'].map((text) => Buffer.from(text));

/** For JSON, CBOR and other forms that nest: one to four changes: a bit, a byte, a bait over what is there or put in, a cut, a piece copied, a piece taken out. */
export function mutateText(good: Uint8Array, random: () => number, baits: readonly Buffer[] = BAITS): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  let bytes = Buffer.from(good);
  for (let change = below(4); change >= 0 && bytes.length > 8; change--) {
    const at = below(bytes.length);
    const bait = baits[below(baits.length)] ?? Buffer.alloc(0);
    const kind = below(7);
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    else if (kind === 1) bytes[at] = below(256);
    else if (kind === 2) bait.copy(bytes, at);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bait, bytes.subarray(at)]);
    else if (kind === 4) bytes = bytes.subarray(0, at);
    else if (kind === 5) bytes.copy(bytes, below(bytes.length), at, at + below(64));
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(64))]);
  }
  return bytes;
}
