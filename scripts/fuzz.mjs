// `npm run fuzz`: the tests of test/fuzz with 200,000 damaged inputs of each kind; `npm run fuzz -- 1000000` for more.
import { join } from 'node:path';
import { ensureReady, root } from './lib/ready.mjs';
import { foreground, withNode } from './lib/run.mjs';
import { main } from './lib/say.mjs';

await main(async () => {
  const [cases = '200000'] = process.argv.slice(2);
  const node = await ensureReady();
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  return foreground(node, [vitest, 'run', 'test/fuzz', '--testTimeout', '3600000'], { env: { ...withNode(node), OMNINODE_FUZZ_CASES: cases }, cwd: root });
});
