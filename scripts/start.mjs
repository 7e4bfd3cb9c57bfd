// `npm start`: makes the checkout ready, then opens the app. Built-in modules only.
import { join } from 'node:path';
import { findElectron } from './lib/electron.mjs';
import { HEAP_FLAGS } from './lib/heap.mjs';
import { ensureReady, root } from './lib/ready.mjs';
import { foreground, withNode } from './lib/run.mjs';
import { main, say } from './lib/say.mjs';

await main(async () => {
  const node = await ensureReady();
  const electron = await findElectron(root, node);
  if ('binary' in electron) return foreground(electron.binary, [root, ...process.argv.slice(2)], { env: withNode(node), cwd: root });
  say(`omninode: no window, because ${electron.reason}; serving the same app to your browser.`);
  return foreground(node, [...HEAP_FLAGS, join(root, 'out', 'main', 'cli.js'), 'serve', ...process.argv.slice(2)], { env: withNode(node) });
});
