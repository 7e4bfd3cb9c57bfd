import { randomFillSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShardCid } from '../../src-main/base/index.ts';
import { bufferSource, hashTree, LEAF_BYTES, type HashedTree } from '../../src-main/store/index.ts';

export interface ShardFixture {
  readonly cid: ShardCid;
  readonly sizeBytes: number;
  readonly path: string;
  readonly bytes: Buffer;
  readonly tree: HashedTree;
}

/** A file of random bytes: `leaves` whole leaves and 1,000 bytes more. */
export async function writeShard(folder: string, name: string, leaves: number): Promise<ShardFixture> {
  const bytes = randomFillSync(Buffer.allocUnsafe(leaves * LEAF_BYTES + 1000));
  const tree = await hashTree(bufferSource(bytes));
  const path = join(folder, name);
  await writeFile(path, bytes);
  return { cid: tree.cid, sizeBytes: bytes.length, path, bytes, tree };
}
