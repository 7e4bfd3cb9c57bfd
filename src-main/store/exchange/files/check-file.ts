import type { FileHandle } from 'node:fs/promises';
import { isLeaf, LEAF_BYTES, leafCount, leafLength, type ShardTree } from '../../dag/index.ts';
import { bitmapBytes, setBit } from '../schedule/holdings.ts';

/** Reads `length` bytes or as many as the file has from there. */
export async function readFully(file: FileHandle, into: Uint8Array, at: { readonly offset: number; readonly length: number }): Promise<Uint8Array> {
  let done = 0;
  while (done < at.length) {
    const { bytesRead } = await file.read(into, done, at.length - done, at.offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return into.subarray(0, done);
}

/** Which leaves of a file are what the tree says: every byte is read and hashed. */
export async function checkFile(file: FileHandle, tree: ShardTree, signal?: AbortSignal): Promise<{ readonly bits: Uint8Array; readonly count: number }> {
  const leaves = leafCount(tree.sizeBytes);
  const bits = new Uint8Array(bitmapBytes(leaves));
  const buffer = Buffer.allocUnsafeSlow(LEAF_BYTES);
  const { size } = await file.stat();
  let count = 0;
  for (let leaf = 0; leaf < leaves && leaf * LEAF_BYTES < size; leaf++) {
    signal?.throwIfAborted();
    const bytes = await readFully(file, buffer, { offset: leaf * LEAF_BYTES, length: leafLength(tree.sizeBytes, leaf) });
    if (!isLeaf(tree, leaf, bytes)) continue;
    setBit(bits, leaf);
    count++;
  }
  return { bits, count };
}
