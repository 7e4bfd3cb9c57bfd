import { beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { bufferSource, cidOfManifest, decodeManifest, encodeManifestCbor, encodeManifestJson, hashTree, LEAF_BYTES, type Manifest, type ManifestPiece } from '../../src-main/store/index.ts';
import { seeded } from '../support/models/index.ts';
import { casesOf } from './cases.ts';
import { mutateText } from './mutate-text.ts';

const RUNS = casesOf(24_000);
const LAYERS = 3;
let manifest: Manifest;

beforeAll(async () => {
  const pieceOf = async (name: string, sizeBytes: number): Promise<ManifestPiece> => {
    const { cid, hash } = await hashTree(bufferSource(Buffer.alloc(sizeBytes, name)));
    return { cid, size_bytes: sizeBytes, blake3_hash: hash, file_name: `${name}.gguf` };
  };
  const pieces = await Promise.all(Array.from({ length: LAYERS }, (_, layer) => pieceOf(`shard-${layer}`, layer === 1 ? 3 * LEAF_BYTES : 100 + layer)));
  const vocabulary = await pieceOf('vocabulary', 50);
  manifest = {
    format_version: 2, model_name: 'Fuzzed', model_hash: 'a'.repeat(64), architecture: 'llama', total_layers: LAYERS, quantization: 'Q8_0', hidden_size: 64, vocab_size: 320, context_length: 0, vocabulary,
    total_size_bytes: [...pieces, vocabulary].reduce((sum, piece) => sum + piece.size_bytes, 0),
    shards: pieces.map((piece, layer) => ({ shard_index: layer, ...piece, layer_range: [layer, layer], includes_embedding: layer === 0, includes_head: layer === LAYERS - 1 })),
  };
});

/** Lengths, nesting and numbers that a decoder may stumble over, as CBOR and as JSON. */
const CBOR_BAITS = ['9b7fffffffffffffff', 'bb00000000ffffffff', '5b0000000100000000', '7affffffff', 'd82a', 'fb7ff0000000000000', '9f', 'f6', '1bffffffffffffffff', '81'.repeat(64), 'a16161'.repeat(20)].map((hex) => Buffer.from(hex, 'hex'));
const JSON_BAITS = ['1e999', '-0', '9007199254740993', '"\\u0000"', '"__proto__":{}', '['.repeat(200), '{"cid":'.repeat(100), 'null', '\ufeff', '"\ud800"', '..', '/../'].map((text) => Buffer.from(text));

describe('manifests', () => {
  it.each<[string, (of: Manifest) => Uint8Array, readonly Buffer[]]>([
    ['CBOR', encodeManifestCbor, CBOR_BAITS], ['JSON', encodeManifestJson, JSON_BAITS],
  ])(`answers ${RUNS} damaged ones, half of each kind, with a sound manifest or SHARD_BAD_MANIFEST: %s`, (_name, encode, baits) => {
    const good = encode(manifest);
    expect(decodeManifest(good)).toEqual(manifest);
    const random = seeded(31);
    const before = process.memoryUsage();
    let [accepted, refused] = [0, 0];
    for (let run = 0; run < RUNS / 2; run++) {
      try {
        const found = decodeManifest(mutateText(good, random, baits), 'fuzzed');
        // What is accepted can be named, written and read again.
        expect(decodeManifest(encodeManifestCbor(found))).toEqual(found);
        expect(cidOfManifest(found)).toMatch(/^bafyr4i/);
        accepted++;
      } catch (error) {
        if (!(error instanceof CodedError) || error.code !== 'SHARD_BAD_MANIFEST' || error.fault !== 'peer') throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(RUNS / 4);
    expect(accepted).toBeGreaterThan(0);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(128 * 1024 * 1024);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(512 * 1024 * 1024);
  });
});
