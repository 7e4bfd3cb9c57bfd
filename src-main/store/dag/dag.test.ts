import * as dagPb from '@ipld/dag-pb';
import { blake3 } from '@napi-rs/blake-hash';
import fc from 'fast-check';
import { exporter } from 'ipfs-unixfs-exporter';
import { UnixFS } from 'ipfs-unixfs';
import { importBytes } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';
import { CID } from 'multiformats/cid';
import { describe, expect, it } from 'vitest';
import { seeded } from '../../../test/support/models/index.ts';
import { bufferSource } from '../gguf/source.ts';
import { blockOf, checkTree, hashTree, HASH_BYTES, innerNodes, isLeaf, LEAF_BYTES, leafCid, leafCount, leafHash, leafLength, MAX_TREE_BYTES, nodeCid, parseShardCid, rootOf, TreeHasher, type HashedTree, type TreeShape } from './index.ts';

type Blocks = Map<string, Uint8Array>;

const storeOf = (blocks: Blocks) => ({
  put: (cid: CID, bytes: Uint8Array) => {
    blocks.set(cid.toString(), Uint8Array.from(bytes));
    return cid;
  },
  async *get(cid: CID) {
    const found = blocks.get(cid.toString());
    if (found === undefined) throw new Error(`no block ${cid}`);
    yield found;
  },
});

function treeOf(bytes: Uint8Array, shape: TreeShape): HashedTree {
  const hasher = new TreeHasher(bytes.length, shape);
  hasher.update(bytes);
  return hasher.finish();
}

/** The importer of IPFS can only SHA-256; everything but the names of the blocks is comparable, so they are renamed from the leaves up. */
function renamed(root: CID, blocks: Blocks): CID {
  const bytes = blocks.get(root.toString())!;
  if (root.code !== dagPb.code) return leafCid(blake3(bytes));
  const node = dagPb.decode(bytes);
  const encoded = dagPb.encode({ ...node, Links: node.Links.map((link) => ({ ...link, Hash: renamed(link.Hash, blocks) })) });
  return nodeCid(blake3(encoded));
}

function blocksOf(bytes: Uint8Array, tree: HashedTree, shape: TreeShape): Blocks {
  const blocks: Blocks = new Map();
  for (let leaf = 0; leaf < leafCount(bytes.length, shape); leaf++) {
    blocks.set(leafCid(leafHash(tree.leafHashes, leaf)).toString(), bytes.subarray(leaf * shape.leafBytes, (leaf + 1) * shape.leafBytes));
  }
  for (const node of innerNodes(tree, shape)) blocks.set(node.cid.toString(), node.bytes);
  return blocks;
}

async function readAll(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

const shapes = fc.record({ leafBytes: fc.integer({ min: 1, max: 40 }), maxLinks: fc.integer({ min: 2, max: 5 }) });
const contents = fc.uint8Array({ minLength: 1, maxLength: 600 });

describe('the tree of a shard', () => {
  it('is the one that the UnixFS importer lays out, but for the hash', async () => {
    await fc.assert(fc.asyncProperty(contents, shapes, async (bytes, shape) => {
      const blocks: Blocks = new Map();
      const imported = await importBytes(bytes, storeOf(blocks), {
        cidVersion: 1, rawLeaves: true, chunker: fixedSize({ chunkSize: shape.leafBytes }), layout: balanced({ maxChildrenPerNode: shape.maxLinks }),
      });
      expect(treeOf(bytes, shape).cid).toBe(renamed(imported.cid, blocks).toString());
    }), { numRuns: 200, seed: 1 });
  });

  it('is read by the UnixFS exporter, whole and in part', async () => {
    await fc.assert(fc.asyncProperty(contents, shapes, fc.record({ at: fc.nat(599), length: fc.nat(600) }), async (bytes, shape, { at, length }) => {
      const tree = treeOf(bytes, shape);
      const file = await exporter(CID.parse(tree.cid), storeOf(blocksOf(bytes, tree, shape)));
      expect(Number(file.size)).toBe(bytes.length);
      if (file.type !== 'file' && file.type !== 'raw') throw new Error(`a ${file.type}`);
      expect((await readAll(file.content())).equals(bytes)).toBe(true);
      const offset = at % bytes.length;
      expect((await readAll(file.content({ offset, length }))).equals(bytes.subarray(offset, offset + length))).toBe(true);
    }), { numRuns: 200, seed: 2 });
  });

  it('does not depend on the pieces in which the bytes come', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1 }).filter((pieces) => pieces.some((piece) => piece.length > 0)), shapes, (pieces, shape) => {
      const hasher = new TreeHasher(0, shape);
      for (const piece of pieces) hasher.update(piece);
      expect(hasher.finish()).toEqual(treeOf(Buffer.concat(pieces), shape));
    }), { numRuns: 300, seed: 3 });
  });

  it('says the size of a file right, whatever it is', () => {
    const file = (sizeBytes: number) => ({ sizeBytes, leafHashes: new Uint8Array(leafCount(sizeBytes) * HASH_BYTES) });
    // 2 to 4 GiB are those that ipfs-unixfs cannot write.
    for (const gib of [1.5, 2 - 2 ** -30, 2, 2.5, 3, 4 - 2 ** -30, 4, 5]) {
      const sizeBytes = gib * 2 ** 30;
      const root = [...innerNodes(file(sizeBytes))].at(-1)!;
      const { Data, Links } = dagPb.decode(root.bytes);
      const data = UnixFS.unmarshal(Data!);
      expect([Number(data.fileSize()), data.blockSizes.map(Number).reduce((sum, bytes) => sum + bytes), data.type]).toEqual([sizeBytes, sizeBytes, 'file']);
      expect(Links).toHaveLength(Math.ceil(leafCount(sizeBytes) / 1024));
      expect(rootOf(file(sizeBytes))).toBe(rootOf(file(sizeBytes)));
    }
  });

  it('is, at full size, 1 MiB leaves under one node, and a single leaf where that holds everything', async () => {
    const random = seeded(4);
    const bytes = Buffer.from(Uint32Array.from({ length: (2 * LEAF_BYTES + 400) / 4 }, () => random() * 2 ** 32).buffer);
    const tree = await hashTree(bufferSource(bytes));
    expect(tree.hash).toBe(blake3(bytes).toString('hex'));
    expect(tree.leafHashes).toHaveLength(3 * HASH_BYTES);
    expect(blockOf(CID.parse(tree.cid))?.kind).toBe('node');
    expect(isLeaf(tree, 2, bytes.subarray(2 * LEAF_BYTES))).toBe(true);
    expect(isLeaf(tree, 1, bytes.subarray(0, LEAF_BYTES))).toBe(false);
    const small = await hashTree(bufferSource(bytes.subarray(0, LEAF_BYTES)));
    // Another spelling of the same would be another name in the catalogue.
    expect([small.cid.toUpperCase(), small.cid.replace(/[a-z]$/, (letter) => letter.toUpperCase())].map(parseShardCid)).toEqual([undefined, undefined]);
    expect(parseShardCid(small.cid)).toEqual({ kind: 'leaf', hash: Uint8Array.from(Buffer.from(small.hash, 'hex')) });
    expect([...innerNodes(small)]).toEqual([]);
  });

  it('has the name that it always had', () => {
    const zeros = (sizeBytes: number): string => treeOf(new Uint8Array(sizeBytes), { leafBytes: LEAF_BYTES, maxLinks: 1024 }).cid;
    expect([zeros(1), zeros(LEAF_BYTES), zeros(LEAF_BYTES + 1)]).toMatchInlineSnapshot(`
      [
        "bafkr4ibnhlpn74i3mhyuzcdogwx2anttnxgypj2ne624cuicexiplexccm",
        "bafkr4icirxraf5z33f3n4ttqjd2od442o5wynvmcw42i75j36qzltb74va",
        "bafyb4igly5qv5xtvx6r5k22nrmjb5h4qvnukdmooguamshfnxjripw2nxq",
      ]
    `);
    const manyLeaves = { sizeBytes: 1025 * LEAF_BYTES, leafHashes: new Uint8Array(1025 * HASH_BYTES).fill(7) };
    expect(rootOf(manyLeaves)).toMatchInlineSnapshot(`"bafyb4ihgzewpa6scqpjkp445uxxucyia5xyl7sov3xvpl72gwqxsttws74"`);
    expect([...innerNodes(manyLeaves)].map(({ level }) => level)).toEqual([1, 1, 2]);
  });
});

describe('what is not a tree', () => {
  it.each([0, -1, 1.5, Number.NaN, MAX_TREE_BYTES + 1])('%d bytes', (sizeBytes) => {
    expect(() => leafCount(sizeBytes)).toThrow(expect.objectContaining({ code: 'DAG_BAD_SIZE' }));
  });

  it('refuses leaves outside the file and empty files', async () => {
    for (const leaf of [-1, 2, 0.5]) expect(() => leafLength(LEAF_BYTES + 1, leaf)).toThrow(expect.objectContaining({ code: 'DAG_NO_SUCH_LEAF' }));
    expect(leafLength(LEAF_BYTES + 1, 1)).toBe(1);
    await expect(hashTree(bufferSource(new Uint8Array(0)))).rejects.toMatchObject({ code: 'DAG_BAD_SIZE' });
  });

  it('refuses every change of the list of leaves', () => {
    const tree = treeOf(new Uint8Array(100).fill(1), { leafBytes: LEAF_BYTES, maxLinks: 1024 });
    checkTree(tree);
    fc.assert(fc.property(fc.nat(HASH_BYTES - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const leafHashes = Uint8Array.from(tree.leafHashes, (byte, index) => (index === at ? byte ^ flip : byte));
      expect(() => checkTree({ ...tree, leafHashes })).toThrow(expect.objectContaining({ code: 'DAG_WRONG_LEAVES', fault: 'peer' }));
    }));
    for (const leafHashes of [new Uint8Array(0), tree.leafHashes.subarray(1), new Uint8Array(64)]) {
      expect(() => checkTree({ ...tree, leafHashes })).toThrow(expect.objectContaining({ code: 'DAG_WRONG_LEAVES' }));
    }
    expect(() => checkTree({ ...tree, sizeBytes: 2 * LEAF_BYTES })).toThrow(expect.objectContaining({ code: 'DAG_WRONG_LEAVES' }));
  });

  it.each([
    '', 'bafy', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG', 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
    'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
  ])('knows "%s" for no shard of ours', (text) => {
    expect(parseShardCid(text)).toBeUndefined();
  });
});
