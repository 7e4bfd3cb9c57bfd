import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locked } from './lock.mjs';
import { ensureNode } from './node.mjs';
import { capture, npm, withNode } from './run.mjs';
import { fingerprint, isStamped, stamp } from './stamp.mjs';
import { step } from './step.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * Makes the checkout ready and returns the Node to run it with: runtime, dependencies,
 * native addon, bundles. Each step is skipped when its inputs have the hash they had.
 * Uses built-in modules only, and no network once done.
 */
export const ensureReady = () => locked(root, async () => {
  const node = await ensureNode(root);
  await ensureDependencies(node);
  await ensureNative(node);
  await ensureBundles(node);
  return node;
});

// `install --no-save` takes versions and integrity from the lockfile as `ci` does, and leaves it as it is. `ci` itself
// refuses a lockfile without the packages of other platforms, which not every registry serves in every version.
async function ensureDependencies(node) {
  const file = join(root, 'node_modules', '.omninode-stamp');
  const value = fingerprint([join(root, 'package-lock.json')], [process.platform, process.arch]);
  if (isStamped(file, value)) return;
  await step('installing dependencies (once, about 500 MB on disk)', 'Dependencies could not be installed', () =>
    npm(node, ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: root }));
  stamp(file, value);
}

async function ensureNative(node) {
  const file = join(root, 'native', 'build', '.stamp');
  const value = fingerprint([join(root, 'native', 'src'), join(root, 'native', 'build.mjs'), join(root, 'package-lock.json')]);
  if (isStamped(file, value) && existsSync(join(root, 'native', 'build', 'Release', 'omninode.node'))) return;
  await step('building the stage engine', 'The stage engine could not be built', () =>
    capture(node, [join(root, 'native', 'build.mjs')], { cwd: root, env: withNode(node) }));
  stamp(file, value);
}

async function ensureBundles(node) {
  const inputs = ['src-main', 'src-preload', 'src-renderer', 'electron.vite.config.ts', 'package-lock.json'].map((p) => join(root, p));
  const file = join(root, 'out', '.stamp');
  const value = fingerprint(inputs);
  if (isStamped(file, value)) return;
  const vite = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  await step('bundling the app', 'The app could not be bundled', () => capture(node, [vite, 'build'], { cwd: root, env: withNode(node) }));
  stamp(file, value);
}
