import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { bufferSource, f32Array, ggmlTypeByName, layoutGguf, openGguf, str, stringArray, u32, type GgmlType, type GgufValue } from '../../src-main/store/index.ts';
import { seeded } from '../support/models/index.ts';
import { casesOf } from './cases.ts';

const RUNS = casesOf(24_000);

function sample(): Buffer {
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', str('llama')], ['llama.block_count', u32(2)], ['tokenizer.ggml.tokens', stringArray(['a', 'bc', 'def'])],
    ['tokenizer.ggml.scores', f32Array([1, 2, 3])], ['big', { type: 'uint64', value: 5n }],
  ]);
  const tensors = [['token_embd.weight', 'Q8_0', [32, 4]], ['blk.0.attn_norm.weight', 'F32', [32]], ['blk.0.attn_q.weight', 'Q4_0', [32, 32]]] as const;
  const layout = layoutGguf(metadata, tensors.map(([name, type, dims]) => ({ name, dims, type: ggmlTypeByName(type) as GgmlType })));
  return Buffer.concat([layout.header, Buffer.alloc(layout.sizeBytes - layout.header.length)]);
}

const EXTREMES = [0n, 1n, 7n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** One to four changes: a bit, a byte, an extreme number, a cut, or a piece copied elsewhere. */
function mutate(good: Buffer, headerBytes: number, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  let bytes = Buffer.from(good);
  for (let change = below(4); change >= 0; change--) {
    const at = below(Math.max(1, Math.min(headerBytes, bytes.length) - 8));
    const kind = below(5);
    if (bytes.length < 16) break;
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    else if (kind === 1) bytes[at] = below(256);
    else if (kind === 2) bytes.writeBigUInt64LE(EXTREMES[below(EXTREMES.length)] ?? 0n, Math.min(at, bytes.length - 8));
    else if (kind === 3) bytes.copy(bytes, below(headerBytes), at, at + below(32));
    else bytes = bytes.subarray(0, below(bytes.length));
  }
  return bytes;
}

describe('openGguf on mutated headers', () => {
  it(`answers ${RUNS} files with a header or a GGUF_ error, in little memory`, async () => {
    const good = sample();
    const { dataOffset } = await openGguf(bufferSource(good));
    const random = seeded(20_26);
    const codes = new Map<string, number>();
    const before = process.memoryUsage().arrayBuffers;
    let accepted = 0;
    for (let run = 0; run < RUNS; run++) {
      const bytes = mutate(good, dataOffset, random);
      try {
        const gguf = await openGguf(bufferSource(bytes));
        for (const tensor of gguf.tensors) expect(gguf.dataOffset + tensor.offset + tensor.sizeBytes).toBeLessThanOrEqual(bytes.length);
        accepted++;
      } catch (error) {
        if (!(error instanceof CodedError) || !error.code.startsWith('GGUF_')) throw error;
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      }
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1024 * 1024);
    expect(accepted).toBeGreaterThan(0);
    expect(codes.size).toBeGreaterThan(8);
  });
});
