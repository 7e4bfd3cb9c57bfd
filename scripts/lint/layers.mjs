// The layer table: imports go only to a lower number, and only through a domain's index.
import { posix } from 'node:path';

export const LEVELS = {
  base: 0,
  store: 1, inference: 1, mesh: 1, chain: 1, proofs: 1, chats: 1, documents: 1,
  trust: 2, fabric: 2,
  pipeline: 3,
  onex: 4, federated: 4,
  api: 5,
  host: 6,
  electron: 7, headless: 7,
  // `omninode serve` starts headless.
  cli: 8,
};

/** The domain of a repo-relative path: `src-main/store/gguf/x.ts` -> `store`; undefined outside src-main. */
export const domainOf = (path) => /^src-main\/([^/]+)\//.exec(path)?.[1];

export const areaOf = (path) => /^(src-main|src-renderer|src-preload|native|test|scripts|contracts)\//.exec(path)?.[1];

const packageOf = (specifier) => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');

/** Why `from` (repo-relative) must not import `specifier`; undefined when it may. */
export function violation(from, specifier) {
  if (!specifier.startsWith('.')) return packageViolation(from, specifier);
  const to = posix.normalize(posix.join(posix.dirname(from), specifier));
  return areaViolation(from, to) ?? domainViolation(from, to);
}

function packageViolation(from, specifier) {
  const name = packageOf(specifier);
  if (name === 'electron' && domainOf(from) !== 'electron' && areaOf(from) !== 'src-preload') return 'only src-main/electron and src-preload import electron';
  if (areaOf(from) === 'src-renderer' && (specifier.startsWith('node:') || name === 'electron')) return 'the renderer has no Node and no Electron';
  if (name === 'node-llama-cpp' && domainOf(from) !== 'inference') return 'only src-main/inference imports node-llama-cpp';
  if (areaOf(from) === 'src-main' && (name === 'libp2p' || name.startsWith('@libp2p/')) && domainOf(from) !== 'mesh') return 'only src-main/mesh imports libp2p';
  return undefined;
}

function areaViolation(from, to) {
  const [a, b] = [areaOf(from), areaOf(to)];
  if (a === 'src-renderer' && b === 'src-main') return 'the renderer sees the host only through src-preload/bridge';
  if (a === 'src-main' && b === 'src-renderer') return 'the host never imports the renderer';
  if (b === 'native' && domainOf(from) !== 'inference' && a !== 'native' && a !== 'test') return 'only src-main/inference imports native';
  if (a === 'src-main' && b === 'src-preload' && !to.startsWith('src-preload/bridge/')) return 'of src-preload only bridge/ is shared';
  return undefined;
}

function domainViolation(from, to) {
  const [a, b] = [domainOf(from), domainOf(to)];
  if (a === undefined || b === undefined || a === b) return undefined;
  if (!(a in LEVELS) || !(b in LEVELS)) return `${a in LEVELS ? b : a} is not in the layer table (scripts/lint/layers.mjs)`;
  if (LEVELS[a] <= LEVELS[b]) return `${a} (${LEVELS[a]}) may not import ${b} (${LEVELS[b]}): imports go to a lower level`;
  if (to !== `src-main/${b}/index.ts`) return `import ${b} through its index.ts`;
  return undefined;
}
