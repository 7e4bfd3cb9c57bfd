import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { cli } from '../support/cli.ts';

/** What the pages show must exist: commands, options, npm scripts, linked files. */
const root = join(import.meta.dirname, '..', '..');
const ownFolders = ['docs', 'src-main', 'src-preload', 'src-renderer', 'native', 'resources', 'test'];
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...ownFolders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true }).map(String).filter((name) => name.endsWith('.md') && !name.includes('build')).map((name) => join(folder, name)))];
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

it('every omninode command and option in the README exists', async () => {
  const lines = [...textOf('README.md').matchAll(/omninode ([a-z-]+)([^`\n#]*)/g)].filter(([line]) => !/^omninode (is|command)/.test(line));
  expect(lines.length).toBeGreaterThan(8);
  // Each page of help once: a start takes seconds on a busy machine.
  const help = new Map<string, string>();
  for (const [, command = ''] of lines) {
    if (help.has(command)) continue;
    const { stdout, code } = await cli([command, '--help']);
    expect({ command, code }).toEqual({ command, code: 0 });
    help.set(command, stdout);
  }
  for (const [, command = '', rest = ''] of lines) for (const [flag] of rest.matchAll(/--[a-z-]+/g)) expect(help.get(command), `${command} ${flag}`).toContain(flag);
}, 180_000);

it('every npm script named exists', () => {
  const { scripts } = JSON.parse(textOf('package.json'));
  const known = new Set([...Object.keys(scripts), 'start', 'test', 'ci', 'install']);
  for (const page of pages) for (const [, name = ''] of textOf(page).matchAll(/npm run (?:-s )?([a-z][a-z:]*)/g)) expect(known, `${page}: npm run ${name}`).toContain(name);
});

it('every linked file exists', () => {
  for (const page of pages) {
    for (const [, target = ''] of textOf(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (!/^[a-z]+:/.test(target)) expect(existsSync(join(root, dirname(page), target)), `${page} -> ${target}`).toBe(true);
    }
  }
});
