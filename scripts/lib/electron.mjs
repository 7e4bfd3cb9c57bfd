import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, withNode } from './run.mjs';

const RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * The Electron to open the app with, or why there is none.
 * @returns {Promise<{binary: string} | {reason: string}>}
 */
export async function findElectron(root, node) {
  if (process.env.OMNINODE_HEADLESS === '1') return { reason: 'OMNINODE_HEADLESS=1 is set' };
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return { reason: 'this machine has no display' };
  return electronBinary(root, node);
}

/**
 * Where Electron's binary is, or why there is none. It is not an npm package: Electron's own
 * installer downloads it. A failed download is remembered for a day, so that starts stay quick.
 * @returns {Promise<{binary: string} | {reason: string}>}
 */
export async function electronBinary(root, node) {
  const have = installed(root);
  if (have !== undefined) return { binary: have };
  const failed = join(root, '.runtime', 'electron-failed');
  if (existsSync(failed) && Date.now() - statSync(failed).mtimeMs < RETRY_AFTER_MS) return { reason: readFileSync(failed, 'utf8') };
  const result = await capture(node, [join(root, 'node_modules', 'electron', 'install.js')], { env: withNode(node), timeout: 300_000 });
  const binary = installed(root);
  if (binary !== undefined) {
    rmSync(failed, { force: true });
    return { binary };
  }
  const reason = `Electron's binary could not be downloaded (${/E[A-Z]{4,}/.exec(result.output)?.[0] ?? `exit code ${result.code}`})`;
  writeFileSync(failed, reason);
  return { reason };
}

function installed(root) {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const folder = join(root, 'node_modules', 'electron');
  const name = existsSync(join(folder, 'path.txt')) ? readFileSync(join(folder, 'path.txt'), 'utf8') : 'electron';
  const binary = override === undefined ? join(folder, 'dist', name) : join(override, name);
  return existsSync(binary) ? binary : undefined;
}
