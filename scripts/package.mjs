// `npm run package`: the app as it is installed, unpacked, in release/; `npm run package -- --installers` also makes what is handed out;
// `--updates=https://...` says where the app looks for newer versions of itself: without it nowhere.
import { electronBinary } from './lib/electron.mjs';
import { ensureReady, root } from './lib/ready.mjs';
import { capture, withNode } from './lib/run.mjs';
import { fail, main, say } from './lib/say.mjs';
import { step } from './lib/step.mjs';
import { join } from 'node:path';

await main(async () => {
  const node = await ensureReady();
  const args = process.argv.slice(2);
  const unknown = args.find((arg) => arg !== '--installers' && !arg.startsWith('--updates=https://'));
  if (unknown !== undefined) fail(`${unknown} is not known; use npm run package -- with --installers, --updates=https://ADDRESS or neither.`);
  const run = (script, more) => capture(node, [join(root, 'scripts', 'package', script), ...more], { cwd: root, env: withNode(node) });
  await step('checking the configuration', 'The configuration does not hold to electron-builder\'s schema', () => run('check.mjs', []));
  const electron = await electronBinary(root, node);
  if ('reason' in electron) {
    say(`omninode: nothing was packed, because ${electron.reason}; the configuration is right by electron-builder's schema. Not run: packing, fuses, signing.`);
    return 0;
  }
  await step('packing the app', 'The app could not be packed', () => run('pack.mjs', [electron.binary, ...args]));
  say('omninode: packed into release/');
  return 0;
});
