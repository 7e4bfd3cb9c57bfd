// Where the contracts keep their state, as the compiler says: a change shows in a diff, before somebody's stored addresses and proofs stop fitting.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './ready.mjs';
import { say } from './say.mjs';

const snapshot = join(root, 'contracts', 'storage.json');
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** The contracts of deployment.json, with what is in each slot: the compiler's own numbers, which every other file changes, left out. */
function layouts() {
  const names = readJson(join(root, 'contracts', 'deployment.json')).flatMap((step) => (step.name === undefined ? [] : [step.name]));
  return Object.fromEntries(names.map((name) => [name, layoutOf(name)]));
}

function layoutOf(name) {
  const { storage, types } = readJson(join(root, 'out', 'contracts', 'artifacts', `${name}.sol`, `${name}.json`)).storageLayout;
  const rows = (members) => members.map(({ label, slot, offset, type }) => `${slot}+${offset} ${label}: ${types[type].label}`);
  const structs = Object.values(types ?? {}).filter(({ members }) => members !== undefined).sort((a, b) => (a.label < b.label ? -1 : 1));
  return { state: rows(storage), ...Object.fromEntries(structs.map(({ label, members }) => [label, rows(members)])) };
}

const text = () => `${JSON.stringify(layouts(), null, 2)}\n`;

export function writeStorage() {
  writeFileSync(snapshot, text());
  return 0;
}

/** 0, or 1 where the storage is not laid out as contracts/storage.json says. */
export function checkStorage() {
  if (readFileSync(snapshot, 'utf8') === text()) return 0;
  say('The contracts keep their state elsewhere than contracts/storage.json says. Where that is meant: node scripts/contracts.mjs snapshot');
  return 1;
}
