// `npm run bench`: lists the benchmarks; `npm run -s bench -- NAME --json` runs one and prints one JSON object.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HEAP_FLAGS } from './lib/heap.mjs';
import { ensureReady, root } from './lib/ready.mjs';
import { foreground, withNode } from './lib/run.mjs';
import { main, say } from './lib/say.mjs';

const folder = join(root, 'test', 'perf');
const names = readdirSync(folder).filter((file) => file.endsWith('.bench.ts')).map((file) => file.slice(0, -'.bench.ts'.length));

await main(async () => {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || !names.includes(name)) {
    say(`omninode: benchmarks: ${names.join(', ')} (npm run -s bench -- NAME --json)`);
    return name === undefined ? 0 : 2;
  }
  const node = await ensureReady();
  return foreground(node, [...HEAP_FLAGS, join(folder, `${name}.bench.ts`), ...args], { env: withNode(node), cwd: root });
});
