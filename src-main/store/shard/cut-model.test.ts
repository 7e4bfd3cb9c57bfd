import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES, generateModel } from '../../../test/support/models/index.ts';
import { cutModel, cutStage, composeStage, diskFiles, fileSource, openGguf, openManifest, str, u32, u32Array, verifyShard, type Gguf, type HashedTree, type Manifest, type StoreFiles } from '../index.ts';

let root = '';
beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'omninode-shard-')); });
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const fresh = (): string => join(root, String(count++));

async function model(options: Partial<Parameters<typeof generateModel>[0]> = {}): Promise<string> {
  const path = `${fresh()}.gguf`;
  await generateModel({ path, architecture: 'llama', type: 'Q8_0', layers: 5, feedForward: 256, vocabSize: 320, ...options });
  return path;
}

interface Opened {
  readonly gguf: Gguf;
  readonly data: ReadonlyMap<string, Buffer>;
}

async function open(path: string): Promise<Opened> {
  const source = await fileSource(path);
  const gguf = await openGguf(source);
  const data = new Map<string, Buffer>();
  for (const { name, offset, sizeBytes } of gguf.tensors) data.set(name, Buffer.from(await source.read(gguf.dataOffset + offset, sizeBytes)));
  await source.close();
  return { gguf, data };
}

const pathsOf = (folder: string, manifest: Manifest): string[] => manifest.shards.map((shard) => join(folder, shard.file_name));

describe('cutModel', () => {
  it.each(ARCHITECTURES)('cuts %s per layer: tensors byte-identical, joins equal direct cuts', async (architecture) => {
    const path = await model({ architecture });
    const whole = await open(path);
    const folder = fresh();
    const manifest = await cutModel({ model: path, folder, plan: { kind: 'per-layer' } });
    const paths = pathsOf(folder, manifest);
    for (const [index, shard] of paths.entries()) {
      const { gguf, data } = await open(shard);
      expect(gguf.metadata.get(`${architecture}.block_count`)).toEqual(u32(1));
      expect(gguf.metadata.get('tokenizer.ggml.model')).toEqual(str('no_vocab'));
      expect(gguf.metadata.has('tokenizer.ggml.tokens')).toBe(false);
      const blocks = [...whole.data].filter(([name]) => name.startsWith(`blk.${index}.`));
      expect([...data.keys()].filter((name) => name.startsWith('blk.'))).toHaveLength(blocks.length);
      for (const [name, bytes] of blocks) expect(data.get(name.replace(`blk.${index}.`, 'blk.0.'))?.equals(bytes)).toBe(true);
    }
    for (const [first, last] of [[0, 1], [1, 3], [3, 4], [0, 4]] as const) {
      const joined = await composeStage({ shards: paths.slice(first, last + 1), outputPath: `${fresh()}.gguf` });
      const direct = await cutStage({ model: path, layers: { first, last }, outputPath: `${fresh()}.gguf` });
      expect(joined.layers).toEqual({ first, last });
      expect(joined.written).toEqual(direct.written);
      expect((await readFile(joined.path)).equals(await readFile(direct.path))).toBe(true);
    }
    const all = await open((await cutStage({ model: path, layers: { first: 0, last: 4 }, outputPath: `${fresh()}.gguf` })).path);
    expect(new Set(all.data.keys())).toEqual(new Set(whole.data.keys()));
    for (const [name, bytes] of whole.data) expect(all.data.get(name)?.equals(bytes)).toBe(true);
  });

  it('puts embedding first, head last, shared tensors everywhere and nothing needless in between', async () => {
    const path = await model({ tensors: [{ name: 'rope_freqs.weight', dims: [32], role: 'norm' }] });
    const whole = await open(path);
    const folder = fresh();
    const manifest = await cutModel({ model: path, folder, plan: { kind: 'cuts', at: [1, 4] } });
    const [first, middle, last] = await Promise.all(pathsOf(folder, manifest).map(open));
    expect(first?.data.get('token_embd.weight')?.equals(whole.data.get('token_embd.weight') as Buffer)).toBe(true);
    expect(last?.data.get('token_embd.weight')?.equals(whole.data.get('output.weight') as Buffer)).toBe(true);
    expect(last?.data.has('output.weight')).toBe(false);
    expect(last?.data.get('output_norm.weight')?.equals(whole.data.get('output_norm.weight') as Buffer)).toBe(true);
    expect(middle?.data.get('token_embd.weight')).toHaveLength(256 * 4);
    expect(middle?.data.get('output_norm.weight')?.readFloatLE(4)).toBe(1);
    expect(middle?.gguf.metadata.get('llama.vocab_size')).toEqual(u32(1));
    for (const stage of [first, middle, last]) expect(stage?.data.get('rope_freqs.weight')?.equals(whole.data.get('rope_freqs.weight') as Buffer)).toBe(true);
    expect(manifest.shards.map(({ layer_range, includes_embedding, includes_head }) => [layer_range, includes_embedding, includes_head]))
      .toEqual([[[0, 0], true, false], [[1, 3], false, false], [[4, 4], false, true]]);
  });

  it('gives the vocabulary piece all metadata and no tensor', async () => {
    const path = await model({ architecture: 'qwen3' });
    const folder = fresh();
    const manifest = await cutModel({ model: path, folder, plan: { kind: 'even', shards: 2 } });
    const [whole, vocabulary] = [await open(path), await open(join(folder, manifest.vocabulary.file_name))];
    expect(vocabulary.gguf.tensors).toEqual([]);
    expect([...vocabulary.gguf.metadata.keys()]).toEqual([...whole.gguf.metadata.keys()]);
    expect(manifest).toMatchObject({ architecture: 'qwen3', total_layers: 5, quantization: 'Q8_0', hidden_size: 256, vocab_size: 320, context_length: 4096 });
  });

  it('cuts per-layer metadata along', async () => {
    const path = await model({ metadata: { 'llama.attention.head_count_kv': u32Array([2, 2, 2, 2, 2]), 'llama.feed_forward_length': u32Array([256, 256, 256, 256, 256]) } });
    const { gguf } = await open((await cutStage({ model: path, layers: { first: 1, last: 2 }, outputPath: `${fresh()}.gguf` })).path);
    expect(gguf.metadata.get('llama.attention.head_count_kv')).toMatchObject({ itemType: 'uint32', length: 2 });
    const wrong = await model({ metadata: { 'llama.attention.head_count_kv': u32Array([2, 2, 2]) } });
    await expect(cutStage({ model: wrong, layers: { first: 1, last: 2 }, outputPath: fresh() })).rejects.toMatchObject({ code: 'SHARD_BAD_PATTERN' });
  });

  it('keeps the sliding windows of each layer, cut where one likes', async () => {
    const path = await model({ architecture: 'gemma3', layers: 7 });
    const windows = async (first: number, last: number): Promise<Gguf['metadata']> => (await open((await cutStage({ model: path, layers: { first, last }, outputPath: `${fresh()}.gguf` })).path)).gguf.metadata;
    const pattern = 'gemma3.attention.sliding_window_pattern';
    expect((await windows(4, 6)).get(pattern)).toMatchObject({ itemType: 'bool', bytes: Buffer.from([1, 0, 1]) });
    expect((await windows(5, 5)).get('gemma3.attention.sliding_window')).toEqual(u32(0));
  });
});

describe('what cannot be cut', () => {
  it.each<[string, string, Parameters<typeof model>[0]]>([
    ['an unknown architecture', 'SHARD_UNSUPPORTED_ARCHITECTURE', { metadata: { 'general.architecture': str('mamba') } }],
    ['one part of a split model', 'SHARD_SPLIT_MODEL', { metadata: { 'split.count': u32(3) } }],
    ['a model without block_count', 'GGUF_MISSING_KEY', { metadata: { 'llama.block_count': null } }],
    ['a model with fewer blocks than it says', 'SHARD_MISSING_TENSOR', { metadata: { 'llama.block_count': u32(6) } }],
    ['a model with more blocks than it says', 'SHARD_UNKNOWN_TENSOR', { metadata: { 'llama.block_count': u32(4) } }],
    ['a tensor that no stage takes', 'SHARD_UNKNOWN_TENSOR', { tensors: [{ name: 'cls.output.weight', dims: [256, 2], role: 'matrix' }] }],
    ['gpt-oss without a head', 'SHARD_MISSING_TENSOR', { architecture: 'gpt-oss', tied: true }],
    ['a depth-scaled Gemma', 'SHARD_CUT_NOT_ALLOWED', { architecture: 'gemma2', layers: 46, headSize: 128, heads: 4, kvHeads: 1 }],
  ])('%s -> %s, before anything is written', async (_name, code, options) => {
    const folder = fresh();
    await expect(cutModel({ model: await model(options), folder, plan: { kind: 'even', shards: 2 } })).rejects.toMatchObject({ code, next: expect.any(String) });
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([{ kind: 'even', shards: 0 }, { kind: 'even', shards: 6 }, { kind: 'cuts', at: [3, 3] }, { kind: 'cuts', at: [5] }] as const)('plan %o', async (plan) => {
    await expect(cutModel({ model: await model(), folder: fresh(), plan })).rejects.toMatchObject({ code: 'SHARD_BAD_PLAN' });
  });

  it('refuses a shard as a model, a model as a shard, gaps and mixtures', async () => {
    const path = await model();
    const folder = fresh();
    const paths = pathsOf(folder, await cutModel({ model: path, folder, plan: { kind: 'per-layer' } }));
    const [a = '', b = '', c = ''] = paths;
    const outputPath = `${fresh()}.gguf`;
    await expect(cutStage({ model: a, layers: { first: 0, last: 0 }, outputPath })).rejects.toMatchObject({ code: 'SHARD_ALREADY_SHARD' });
    await expect(composeStage({ shards: [path], outputPath })).rejects.toMatchObject({ code: 'SHARD_NOT_A_SHARD' });
    await expect(composeStage({ shards: [a, c], outputPath })).rejects.toMatchObject({ code: 'SHARD_NOT_ADJACENT' });
    await expect(composeStage({ shards: [b, a], outputPath })).rejects.toMatchObject({ code: 'SHARD_NOT_ADJACENT' });
    await expect(composeStage({ shards: [], outputPath })).rejects.toMatchObject({ code: 'SHARD_NOT_ADJACENT' });
    expect(await composeStage({ shards: [b], outputPath })).toEqual({ path: b, layers: { first: 1, last: 1 }, written: undefined });
    await expect(stat(outputPath)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** Counts what is written; fails like a full disk after `limitBytes`. */
function limitedFiles(limitBytes: number, written: string[] = []): StoreFiles {
  let left = limitBytes;
  const writeAtomically: StoreFiles['writeAtomically'] = (path, write) => {
    written.push(path);
    return diskFiles.writeAtomically(path, (append) => write(async (bytes) => {
      left -= bytes.length;
      if (left < 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      await append(bytes);
    }));
  };
  return { writeAtomically, freeBytes: async () => Number.MAX_SAFE_INTEGER };
}

describe('writing', () => {
  const plan = { kind: 'even', shards: 3 } as const;

  it('reports a full disk midway and leaves no partial file; the next run keeps what is whole', async () => {
    const path = await model();
    const folder = fresh();
    const size = (await stat(path)).size;
    await expect(cutModel({ model: path, folder, plan, files: limitedFiles(size / 2) })).rejects.toMatchObject({ code: 'SHARD_DISK_FULL' });
    const left = await readdir(folder);
    expect(left).toHaveLength(1);
    const written: string[] = [];
    const manifest = await cutModel({ model: path, folder, plan, files: limitedFiles(Number.MAX_SAFE_INTEGER, written) });
    expect(written).not.toContain(join(folder, left[0] ?? ''));
    for (const shard of manifest.shards) await verifyShard(join(folder, shard.file_name), shard);
  });

  it('asks for space before it writes', async () => {
    const files = { ...diskFiles, freeBytes: async () => 1000 };
    const folder = fresh();
    await expect(cutModel({ model: await model(), folder, plan, files })).rejects.toMatchObject({ code: 'SHARD_DISK_FULL', meta: { needBytes: expect.any(Number) } });
    expect(await readdir(folder)).toEqual([]);
  });

  it('is cancelled midway without a partial file', async () => {
    const controller = new AbortController();
    const folder = fresh();
    const onProgress = ({ shard }: { shard: number | undefined }): void => { if (shard === 1) controller.abort(); };
    await expect(cutModel({ model: await model(), folder, plan, signal: controller.signal, onProgress })).rejects.toMatchObject({ code: 'SHARD_CANCELLED' });
    expect((await readdir(folder)).filter((name) => !name.startsWith('shard-000'))).toEqual([]);
  });

  it('keeps whole shards, repairs damaged ones and tells progress up to the end', async () => {
    const path = await model();
    const folder = fresh();
    const first = await cutModel({ model: path, folder, plan });
    const pieces = [...first.shards, first.vocabulary];
    const [, damaged = ''] = pathsOf(folder, first);
    const bytes = await readFile(damaged);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
    await writeFile(damaged, bytes);
    await expect(verifyShard(damaged, first.shards[1] as Manifest['shards'][number])).rejects.toMatchObject({ code: 'SHARD_HASH_MISMATCH' });
    const written: string[] = [];
    const seen: number[] = [];
    const trees = new Map<string, HashedTree>();
    let bytesTotal = 0;
    const again = await cutModel({ model: path, folder, plan, files: limitedFiles(Number.MAX_SAFE_INTEGER, written), onPiece: (at, tree) => void trees.set(at, tree), onProgress: (progress) => { seen.push(progress.bytesDone); bytesTotal = progress.bytesTotal; } });
    expect(again).toEqual(first);
    expect(written.filter((name) => name.endsWith('.gguf'))).toEqual([damaged]);
    expect([...trees]).toEqual(await Promise.all(pieces.map(async (piece) => [join(folder, piece.file_name), await verifyShard(join(folder, piece.file_name), piece)])));
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(bytesTotal);
    expect(await openManifest(join(folder, 'manifest.json'))).toEqual(first);
    expect(await openManifest(join(folder, 'manifest.cbor'))).toEqual(first);
  });

  it('tells missing and short shards apart', async () => {
    const entry = { cid: '', size_bytes: 10, blake3_hash: '0'.repeat(64) };
    await expect(verifyShard(join(root, 'nowhere'), entry)).rejects.toMatchObject({ code: 'SHARD_MISSING' });
    const short = fresh();
    await writeFile(short, 'abc');
    await expect(verifyShard(short, entry)).rejects.toMatchObject({ code: 'SHARD_WRONG_SIZE', meta: { actual: 3 } });
  });
});
