// `npm run arch`: checks every import against the layer table and draws the domain graph
// into docs/architecture.md. With --check it fails when the drawing there is stale.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import ts from 'typescript';
import { areaOf, domainOf, LEVELS, violation } from './lint/layers.mjs';

const root = join(import.meta.dirname, '..');
const DOC = join(root, 'docs', 'architecture.md');
const [BEGIN, END] = ['<!-- arch:begin -->', '<!-- arch:end -->'];

const files = ['src-main', 'src-preload', 'src-renderer'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => relative(root, join(root, folder, name)).split(sep).join('/'))
    .filter((path) => /\.tsx?$/.test(path) && !/\.(test|d)\.tsx?$/.test(path)));

const importsOf = (path) => ts.preProcessFile(readFileSync(join(root, path), 'utf8'), true, true).importedFiles.map((f) => f.fileName);
const nodeOf = (path) => domainOf(path) ?? (path.startsWith('src-preload/bridge/') ? 'bridge' : areaOf(path));

function collect() {
  const [edges, problems] = [new Set(), []];
  for (const path of files) {
    for (const specifier of importsOf(path)) {
      const why = violation(path, specifier);
      if (why !== undefined) problems.push(`${path}: ${specifier}: ${why}`);
      if (!specifier.startsWith('.')) continue;
      const [from, to] = [nodeOf(path), nodeOf(posix.normalize(posix.join(posix.dirname(path), specifier)))];
      if (from !== to && to !== undefined) edges.add(`${from} --> ${to}`);
    }
  }
  return { edges: [...edges].sort(), problems };
}

function draw(edges) {
  const names = [...new Set(files.map(nodeOf))].sort((a, b) => (LEVELS[b] ?? 9) - (LEVELS[a] ?? 9) || (a < b ? -1 : 1));
  const label = (name) => (name in LEVELS ? `${name}["${name} (${LEVELS[name]})"]` : name);
  return ['```mermaid', 'graph TD', ...names.map((n) => `  ${label(n)}`), ...edges.map((e) => `  ${e}`), '```'].join('\n');
}

const { edges, problems } = collect();
const text = readFileSync(DOC, 'utf8');
const [start, end] = [text.indexOf(BEGIN), text.indexOf(END)];
const next = `${text.slice(0, start + BEGIN.length)}\n${draw(edges)}\n${text.slice(end)}`;
const isStale = next !== text;
if (!process.argv.includes('--check')) writeFileSync(DOC, next);
else if (isStale) problems.push('docs/architecture.md shows an old graph: run `npm run arch` and commit it');
for (const problem of problems) process.stderr.write(`arch: ${problem}\n`);
process.stdout.write(`arch: ${files.length} files, ${edges.length} edges, ${problems.length} problems\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
