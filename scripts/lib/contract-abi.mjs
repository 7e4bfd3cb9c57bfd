// What of the contracts the app holds: their interfaces as TypeScript (src-main/chain/abi), for types without a cast, and the code that the embedded chain deploys
// (resources/contracts). Both are committed; `npm run contracts:test` compares them with what the compiler makes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './ready.mjs';
import { say } from './say.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const artifact = (name) => readJson(join(root, 'out', 'contracts', 'artifacts', `${name}.sol`, `${name}.json`));
const fileName = (name) => name.replace(/(?<=[a-z])[A-Z]/g, (c) => `-${c}`).toLowerCase();
const constName = (name) => `${name[0].toLowerCase()}${name.slice(1)}Abi`;

/** Types as Solidity's own names of them (`internalType`) say nothing that is used. */
const plain = (value) => {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'internalType').map(([key, inner]) => [key, plain(inner)]));
};

const literal = (value) => {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? `'${value}'` : String(value);
  return `{ ${Object.entries(value).map(([key, inner]) => `${key}: ${literal(inner)}`).join(', ')} }`;
};

const module = (name) => `// Made by \`node scripts/contracts.mjs abi\`.
export const ${constName(name)} = [
${plain(artifact(name).abi).map((entry) => `  ${literal(entry)},`).join('\n')}
] as const;
`;

function index(names) {
  const imports = names.map((name) => `import { ${constName(name)} } from './${fileName(name)}.ts';`);
  return `// Made by \`node scripts/contracts.mjs abi\`.
${imports.join('\n')}

/** The contracts' interfaces by their names in contracts/deployment.json. */
export const abis = {
${names.map((name) => `  ${name}: ${constName(name)},`).join('\n')}
} as const;
`;
}

function files() {
  const steps = readJson(join(root, 'contracts', 'deployment.json'));
  const names = steps.flatMap((step) => (step.name === undefined ? [] : [step.name]));
  const deployed = steps.flatMap((step) => (step.step === 'deploy' ? [step.name] : []));
  const code = Object.fromEntries(deployed.map((name) => [name, artifact(name).bytecode.object]));
  const abi = (file) => join('src-main', 'chain', 'abi', file);
  return [
    ...names.map((name) => [abi(`${fileName(name)}.ts`), module(name)]),
    [abi('index.ts'), index(names)],
    [join('resources', 'contracts', 'code.json'), `${JSON.stringify(code, null, 1)}\n`],
    [join('resources', 'contracts', 'deployment.json'), `${JSON.stringify(steps, null, 1)}\n`],
  ];
}

export function writeAbi() {
  for (const [path, text] of files()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return 0;
}

/** 0, or 1 where the app holds others than the compiler makes. */
export function checkAbi() {
  const stale = files().filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text).map(([path]) => path);
  if (stale.length === 0) return 0;
  say(`${stale.join(', ')}: not what the compiler makes. Where the contracts were meant to change: node scripts/contracts.mjs abi`);
  return 1;
}
