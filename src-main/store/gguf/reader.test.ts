import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferSource, type ByteSource } from './source.ts';
import { openGguf } from './reader.ts';
import { ggmlTypeByName, GGML_TYPES, tensorBytes, type GgmlType } from './tensor-types.ts';
import { bool, boolArray, f32, f32Array, i32, i32Array, scalarItems, str, stringArray, stringItems, u32, type GgufArray, type GgufValue } from './values.ts';
import { layoutGguf, type TensorSpec } from './writer.ts';

const f32Type = ggmlTypeByName('F32') as GgmlType;

function file(metadata: [string, GgufValue][], tensors: TensorSpec[] = [], version: 2 | 3 = 3): Buffer {
  const layout = layoutGguf(new Map(metadata), tensors, version);
  const bytes = Buffer.alloc(layout.sizeBytes);
  bytes.set(layout.header);
  return bytes;
}

const numbers: fc.Arbitrary<GgufValue> = fc.oneof(
  fc.nat(255).map((value): GgufValue => ({ type: 'uint8', value })),
  fc.integer({ min: -128, max: 127 }).map((value): GgufValue => ({ type: 'int8', value })),
  fc.nat(65_535).map((value): GgufValue => ({ type: 'uint16', value })),
  fc.integer({ min: -32_768, max: 32_767 }).map((value): GgufValue => ({ type: 'int16', value })),
  fc.nat().map(u32), fc.integer().map(i32), fc.float({ noNaN: true }).map(f32), fc.boolean().map(bool),
  fc.double({ noNaN: true }).map((value): GgufValue => ({ type: 'float64', value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): GgufValue => ({ type: 'uint64', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): GgufValue => ({ type: 'int64', value })),
);
const values = fc.oneof(
  numbers, fc.string({ unit: 'grapheme' }).map(str), fc.array(fc.string({ unit: 'grapheme' })).map(stringArray),
  fc.array(fc.integer()).map(i32Array), fc.array(fc.float({ noNaN: true })).map(f32Array), fc.array(fc.boolean()).map(boolArray),
);
const metadata = fc.dictionary(fc.string({ minLength: 1 }), values, { noNullPrototype: true });
const tensors = fc.uniqueArray(
  fc.record({ name: fc.stringMatching(/^[a-z0-9._]{1,40}$/), type: fc.constantFrom(...GGML_TYPES), rows: fc.integer({ min: 1, max: 3 }), blocks: fc.integer({ min: 1, max: 3 }) }),
  { selector: (tensor) => tensor.name, maxLength: 8 },
);

describe('openGguf', () => {
  it('reads back whatever the writer can write, in both versions', async () => {
    await fc.assert(fc.asyncProperty(metadata, tensors, fc.constantFrom<2 | 3>(2, 3), async (entries, list, version) => {
      const specs = list.map(({ name, type, rows, blocks }) => ({ name, type, dims: [type.blockValues * blocks, rows] }));
      const gguf = await openGguf(bufferSource(file(Object.entries(entries).filter(([key]) => key !== 'general.alignment'), specs, version)));
      expect(gguf.version).toBe(version);
      expect([...gguf.metadata.keys()]).toEqual(Object.keys(entries).filter((key) => key !== 'general.alignment'));
      for (const [key, value] of gguf.metadata) expect(plain(value)).toEqual(plain(entries[key] as GgufValue));
      expect(gguf.tensors.map(({ name, dims, type, sizeBytes }) => ({ name, dims, type, sizeBytes }))).toEqual(specs.map((spec) => ({ ...spec, sizeBytes: tensorBytes(spec.type, spec.dims) })));
    }), { numRuns: 150, seed: 7 });
  });

  // Of this thread's own time: others take theirs from the machine meanwhile.
  it('takes 150,000 tokens and merges in less than 150 ms and decodes them on demand', async () => {
    const tokens = Array.from({ length: 150_000 }, (_, index) => `token${index}`);
    const bytes = file([['tokenizer.ggml.tokens', stringArray(tokens)], ['tokenizer.ggml.merges', stringArray(tokens)]]);
    const times: number[] = [];
    for (let run = 0; run < 3; run++) {
      const start = process.threadCpuUsage();
      await openGguf(bufferSource(bytes));
      const { user, system } = process.threadCpuUsage(start);
      times.push((user + system) / 1_000);
    }
    expect(Math.min(...times)).toBeLessThan(150);
    const gguf = await openGguf(bufferSource(bytes));
    expect(stringItems(gguf.metadata.get('tokenizer.ggml.tokens') as GgufArray)).toEqual(tokens);
  });

  it('never reads tensor data', async () => {
    const bytes = file([['general.architecture', str('llama')]], [{ name: 'big', dims: [1 << 20], type: f32Type }]);
    const inner = bufferSource(bytes);
    let furthest = 0;
    const source: ByteSource = { ...inner, read: (offset, length) => { furthest = Math.max(furthest, offset + length); return inner.read(offset, length); } };
    await openGguf(source);
    expect(furthest).toBeLessThanOrEqual(256 * 1024);
  });

  it('keeps text that is not UTF-8 byte for byte', async () => {
    const bytes = file([['general.author', str('xx')]]);
    bytes.writeUInt16LE(0xffff, bytes.indexOf('xx'));
    const gguf = await openGguf(bufferSource(bytes));
    expect(bytes.equals(layoutGguf(gguf.metadata, []).header)).toBe(true);
  });

  it('honours general.alignment', async () => {
    const gguf = await openGguf(bufferSource(file([['general.alignment', u32(256)]], [{ name: 'a', dims: [3], type: f32Type }, { name: 'b', dims: [3], type: f32Type }])));
    expect([gguf.alignment, gguf.dataOffset % 256, gguf.tensors[1]?.offset]).toEqual([256, 0, 256]);
  });
});

function plain(value: GgufValue): unknown {
  return value.type === 'array' ? [value.itemType, stringItems(value) ?? scalarItems(value)] : [value.type, value.type === 'float32' ? Math.fround(value.value) : value.value];
}

describe('hostile headers', () => {
  const good = file([['a', u32(1)], ['words', stringArray(['x', 'y'])]], [{ name: 't', dims: [8, 2], type: f32Type }, { name: 'u', dims: [4], type: f32Type }]);
  // 24 bytes of prologue, then `a` (8 + 1 + 4 + 4), then `words` (8 + 5 + 4 + 4 + 8 + 2 * 9), then `t` (8 + 1 + 4 + 16 + 4 + 8).
  const at = { version: 4, tensorCount: 8, keyCount: 16, keyLength: 24, keyType: 33, wordsType: 54, itemType: 58, itemCount: 62, wordLength: 70, nameLength: 88, dimCount: 97, dim: 101, tensorType: 117, offset: 121 };
  const u64 = (offset: number, value: bigint) => (bytes: Buffer): void => void bytes.writeBigUInt64LE(value, offset);
  const word = (offset: number, value: number) => (bytes: Buffer): void => void bytes.writeUInt32LE(value, offset);
  const huge = 2n ** 63n;

  it.each<[name: string, code: string, change: (bytes: Buffer) => void]>([
    ['magic', 'GGUF_BAD_MAGIC', word(0, 0x46554746)],
    ['version 1', 'GGUF_BAD_VERSION', word(at.version, 1)],
    ['big-endian version', 'GGUF_BAD_VERSION', word(at.version, 0x03000000)],
    ['tensor count over the limit', 'GGUF_TOO_BIG', u64(at.tensorCount, 2n ** 40n)],
    ['tensor count over the file', 'GGUF_TRUNCATED', u64(at.tensorCount, 100_000n)],
    ['tensor count of 2^63', 'GGUF_TOO_BIG', u64(at.tensorCount, huge)],
    ['metadata count', 'GGUF_TRUNCATED', u64(at.keyCount, 60_000n)],
    ['metadata count of 2^63', 'GGUF_TOO_BIG', u64(at.keyCount, huge)],
    ['key length', 'GGUF_TRUNCATED', u64(at.keyLength, 2n ** 50n)],
    ['empty key', 'GGUF_BAD_VALUE', u64(at.keyLength, 0n)],
    ['value type', 'GGUF_BAD_TYPE', word(at.keyType, 13)],
    ['array item type', 'GGUF_BAD_TYPE', word(at.itemType, 99)],
    ['array length', 'GGUF_TRUNCATED', u64(at.itemCount, 2n ** 31n)],
    ['array length of 2^52', 'GGUF_TOO_BIG', u64(at.itemCount, 2n ** 52n)],
    ['string length in an array', 'GGUF_TRUNCATED', u64(at.wordLength, 2n ** 33n)],
    ['tensor name length', 'GGUF_TOO_BIG', u64(at.nameLength, 64n)],
    ['dimension count', 'GGUF_TOO_BIG', word(at.dimCount, 5)],
    ['dimension 0', 'GGUF_BAD_VALUE', u64(at.dim, 0n)],
    ['dimension product', 'GGUF_BAD_TENSOR_SHAPE', u64(at.dim, 2n ** 52n)],
    ['dimension beyond the file', 'GGUF_TENSOR_OUT_OF_FILE', u64(at.dim, 2n ** 20n)],
    ['tensor type', 'GGUF_BAD_TYPE', word(at.tensorType, 4)],
    ['row that is not whole blocks', 'GGUF_BAD_TENSOR_SHAPE', word(at.tensorType, 12)],
    ['tensor offset', 'GGUF_TENSOR_OUT_OF_FILE', u64(at.offset, 2n ** 52n)],
    ['tensor offset of 2^63', 'GGUF_TOO_BIG', u64(at.offset, huge)],
    ['misaligned tensor', 'GGUF_MISALIGNED', u64(at.offset, 1n)],
    ['overlapping tensors', 'GGUF_OVERLAP', u64(at.offset, 32n)],
  ])('%s -> %s', async (_name, code, change) => {
    const bytes = Buffer.from(good);
    change(bytes);
    await expect(openGguf(bufferSource(bytes))).rejects.toMatchObject({ code, fault: 'user', next: expect.any(String) });
  });

  it('names the field and the byte', async () => {
    const bytes = Buffer.from(good);
    bytes.writeUInt32LE(77, at.keyType);
    await expect(openGguf(bufferSource(bytes))).rejects.toMatchObject({ meta: { field: 'a', offset: at.keyType, type: 77 } });
  });

  it('refuses every truncation', async () => {
    for (let length = 0; length < good.length - 16; length++) {
      await expect(openGguf(bufferSource(good.subarray(0, length)))).rejects.toMatchObject({ code: expect.stringMatching(/^GGUF_(TRUNCATED|TENSOR_OUT_OF_FILE)$/) });
    }
  });

  it('refuses duplicates, deep nesting and a header beyond the cap', async () => {
    const twice = file([['aa', u32(1)], ['ab', u32(2)]]);
    twice.write('aa', twice.indexOf('ab'), 'latin1');
    await expect(openGguf(bufferSource(twice))).rejects.toMatchObject({ code: 'GGUF_DUPLICATE' });
    await expect(openGguf(bufferSource(file([['deep', nested(6)]])))).rejects.toMatchObject({ code: 'GGUF_TOO_DEEP' });
    const read = await openGguf(bufferSource(file([['deep', nested(3)]])));
    expect(read.metadata.get('deep')).toMatchObject({ itemType: 'array', length: 1 });
    const long = file([['long', stringArray([`${'x'.repeat(600_000)}`])]]);
    await expect(openGguf(bufferSource(long), { limits: { maxHeaderBytes: 300_000 } })).rejects.toMatchObject({ code: 'GGUF_TOO_BIG', meta: { field: 'header' } });
  });

  it.each([0, 3, 48, 2 ** 21])('refuses alignment %i', async (alignment) => {
    const bytes = file([['general.alignment', u32(32)]]);
    bytes.writeUInt32LE(alignment, bytes.indexOf('general.alignment') + 17 + 4);
    await expect(openGguf(bufferSource(bytes))).rejects.toMatchObject({ code: 'GGUF_MISSING_KEY', meta: { key: 'general.alignment' } });
  });
});

function nested(depth: number): GgufArray {
  let inner: GgufArray = { type: 'array', itemType: 'uint8', length: 1, bytes: Uint8Array.of(7) };
  for (let level = 1; level < depth; level++) {
    const bytes = Buffer.alloc(12 + inner.bytes.length);
    bytes.writeUInt32LE(inner.itemType === 'uint8' ? 0 : 9, 0);
    bytes.writeBigUInt64LE(BigInt(inner.length), 4);
    bytes.set(inner.bytes, 12);
    inner = { type: 'array', itemType: 'array', length: 1, bytes };
  }
  return inner;
}
