import { bufferSource } from '../../gguf/source.ts';
import { hashTree } from '../../dag/index.ts';
import { Catalog } from '../catalog.ts';

/** Adds two files in one transaction, again and again, until it is killed. */
const [path = ''] = process.argv.slice(2);
const catalog = new Catalog(path);
for (let round = catalog.shards.files().length; ; round += 2) {
  const tree = await hashTree(bufferSource(Buffer.from(`shard ${round >> 3}`)));
  catalog.transaction(() => {
    for (const at of [round, round + 1]) catalog.shards.put(tree, { path: `/${String(at).padStart(6, '0')}`, mtimeMs: 0, isOwned: true });
  });
  process.send?.(round);
}
