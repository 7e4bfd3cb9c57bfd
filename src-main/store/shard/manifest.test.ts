import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { describe, expect, it } from 'vitest';
import { LEAF_BYTES, leafCid, nodeCid } from '../dag/index.ts';
import { cidOfManifest, decodeManifest, encodeManifestCbor, encodeManifestJson, openManifest, parseManifest, shardsForRange, type Manifest } from './manifest.ts';

const hash = (digit: string): string => digit.repeat(64);
const [leaf, node] = [leafCid, nodeCid].map((cidOf) => (digit: string): string => cidOf(Buffer.from(hash(digit), 'hex')).toString()) as [(digit: string) => string, (digit: string) => string];
const piece = (digit: string, name: string): Manifest['vocabulary'] => ({ cid: leaf(digit), size_bytes: 100, blake3_hash: hash(digit), file_name: name });

const manifest: Manifest = {
  format_version: 2, model_name: 'Tiny', model_hash: hash('f'), architecture: 'llama', total_layers: 6, quantization: 'Q4_0', total_size_bytes: 400,
  hidden_size: 256, vocab_size: 320, context_length: 4096,
  shards: [[0, 1], [2, 2], [3, 5]].map(([first = 0, last = 0], index) => ({
    shard_index: index, ...piece(String(index), `shard-${index}.gguf`), layer_range: [first, last], includes_embedding: index === 0, includes_head: index === 2,
  })),
  vocabulary: piece('9', 'vocabulary.gguf'),
};

describe('the manifest', () => {
  it('survives JSON and DAG-CBOR, where CIDs are links', () => {
    expect(decodeManifest(encodeManifestJson(manifest))).toEqual(manifest);
    expect(decodeManifest(encodeManifestCbor(manifest))).toEqual(manifest);
    const cid = CID.parse(cidOfManifest(manifest));
    expect([cid.version, cid.code, cid.multihash.code]).toEqual([1, 0x71, 0x1e]);
    expect(Buffer.from(encodeManifestCbor(manifest)).includes(Buffer.from(CID.parse(manifest.vocabulary.cid).bytes))).toBe(true);
  });

  it('names larger pieces by the root above their leaves', () => {
    const large = structuredClone(manifest);
    Object.assign(large.shards[1]!, { size_bytes: LEAF_BYTES + 1, cid: node('8') });
    large.total_size_bytes += LEAF_BYTES + 1 - 100;
    expect(parseManifest(large)).toEqual(large);
    large.shards[1]!.cid = leaf('1');
    expect(() => parseManifest(large)).toThrow(expect.objectContaining({ code: 'SHARD_BAD_MANIFEST' }));
  });

  it.each<[string, (draft: Manifest) => void]>([
    ['a gap', (m) => { m.shards[1]!.layer_range = [3, 3]; }],
    ['a reversed range', (m) => { m.shards[1]!.layer_range = [2, 1]; }],
    ['missing layers at the end', (m) => { m.total_layers = 7; }],
    ['a wrong index', (m) => { m.shards[2]!.shard_index = 1; }],
    ['an embedding in the middle', (m) => { m.shards[1]!.includes_embedding = true; }],
    ['no head', (m) => { m.shards[2]!.includes_head = false; }],
    ['a CID of other bytes', (m) => { m.shards[0]!.cid = leaf('8'); }],
    ['a root above a single leaf', (m) => { m.shards[0]!.cid = node('0'); }],
    ['a shard of more than 1 TiB', (m) => { Object.assign(m.shards[0]!, { size_bytes: 2 ** 40 + 1, cid: node('0') }); m.total_size_bytes += 2 ** 40 + 1 - 100; }],
    ['a wrong sum', (m) => { m.total_size_bytes = 401; }],
    ['a path as a name', (m) => { m.shards[0]!.file_name = '../shard.gguf'; }],
    ['two shards in one file', (m) => { m.shards[0]!.file_name = 'shard-1.gguf'; }],
    ['a hash in capitals', (m) => { m.model_hash = hash('F'); }],
    ['a negative size', (m) => { m.vocabulary.size_bytes = -100; }],
    ['an unknown field', (m) => { Object.assign(m, { extra: 1 }); }],
    ['another version', (m) => { Object.assign(m, { format_version: 1 }); }],
  ])('refuses %s', (_name, change) => {
    const draft = structuredClone(manifest);
    change(draft);
    expect(() => parseManifest(draft)).toThrow(expect.objectContaining({ code: 'SHARD_BAD_MANIFEST', fault: 'peer' }));
  });

  it('answers any bytes with a manifest or SHARD_BAD_MANIFEST', () => {
    const good = encodeManifestCbor(manifest);
    fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => Uint8Array.from(good, (old, index) => (index === at ? byte : old)))), (bytes) => {
      try {
        expect(decodeManifest(bytes).format_version).toBe(2);
      } catch (error) {
        expect(error).toMatchObject({ code: 'SHARD_BAD_MANIFEST' });
      }
    }), { numRuns: 2000, seed: 3 });
    expect(() => decodeManifest(Buffer.from('{'))).toThrow(expect.objectContaining({ code: 'SHARD_BAD_MANIFEST' }));
  });

  it('is missing where there is none', async () => {
    await expect(openManifest('/nowhere/manifest.json')).rejects.toMatchObject({ code: 'SHARD_MISSING' });
  });
});

describe('shardsForRange', () => {
  it('finds the whole shards of a range', () => {
    expect(shardsForRange(manifest, { first: 0, last: 2 }).map((shard) => shard.shard_index)).toEqual([0, 1]);
    expect(shardsForRange(manifest, { first: 3, last: 5 }).map((shard) => shard.shard_index)).toEqual([2]);
  });

  it.each([[1, 2], [0, 3], [4, 5], [6, 7], [2, 1]])('refuses %i-%i and names the borders', (first, last) => {
    expect(() => shardsForRange(manifest, { first, last })).toThrow(expect.objectContaining({ code: 'SHARD_RANGE_NOT_WHOLE', message: expect.stringContaining('0, 2, 3') }));
  });
});
