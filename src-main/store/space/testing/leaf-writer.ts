import { join } from 'node:path';
import { hashTree, LEAF_BYTES, leafCount } from '../../dag/index.ts';
import { bufferSource } from '../../gguf/source.ts';
import { LocalStore } from '../local-store.ts';

/** Writes the leaves of a shard of `x`, tells each that is written, and lives on until it is killed. */
const [home = '', leaves = '1'] = process.argv.slice(2);
const bytes = Buffer.alloc(Number(leaves) * LEAF_BYTES, 'x');
const store = new LocalStore({ folder: join(home, 'store') });
const tree = await hashTree(bufferSource(bytes));
const writer = await store.open(tree);
for (let leaf = 0; leaf < leafCount(tree.sizeBytes) - 1; leaf++) {
  await writer.write(leaf, bytes.subarray(0, LEAF_BYTES));
  process.send?.(leaf);
}
process.on('message', () => undefined);
