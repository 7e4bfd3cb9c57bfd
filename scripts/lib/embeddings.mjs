import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { locked } from './lock.mjs';
import { npm } from './run.mjs';
import { fail } from './say.mjs';
import { fingerprint, isStamped, stamp } from './stamp.mjs';
import { step } from './step.mjs';

/** Platforms that onnxruntime-node brings a binary for; there is none for Macs with Intel processors. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

/**
 * Installs transformers.js and its ONNX runtime into `.runtime/embeddings`, once: versions and integrity from
 * scripts/embeddings/package-lock.json, no install script, no network once done. Has a lock of its own, so that a
 * start of the app does not wait for this download. The signal kills npm, which ignores SIGTERM amid a download; what it
 * did then counts as not done.
 */
export const ensureEmbeddings = (root, node, signal) => locked(root, async () => {
  const folder = join(root, '.runtime', 'embeddings');
  const spec = join(root, 'scripts', 'embeddings');
  const value = fingerprint([spec], [process.platform, process.arch]);
  if (isStamped(join(folder, '.stamp'), value)) return;
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) fail(`ONNX Runtime has no build for ${platform}: embeddings do not work on this machine.`);
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, '.stamp'), { force: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(spec, file), join(folder, file));
  await step('installing what embeddings run on (once, a download of about 116 MB)', 'What embeddings run on could not be installed', () =>
    npm(node, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, signal, killSignal: 'SIGKILL' }));
  keepOwnPlatform(join(folder, 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6'));
  stamp(join(folder, '.stamp'), value);
}, 'embeddings-lock');

/** The package brings the binaries of every platform, 290 MB: only one of them can ever load here. */
function keepOwnPlatform(binaries) {
  const others = (folder, own) => readdirSync(folder).filter((name) => name !== own).map((name) => join(folder, name));
  for (const path of [...others(binaries, process.platform), ...others(join(binaries, process.platform), process.arch)]) rmSync(path, { recursive: true });
}
