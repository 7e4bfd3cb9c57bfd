import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { en } from '../language/en/index.ts';
import { SHORTCUTS } from '../stores/shortcuts.ts';
import { PLACES } from './places.tsx';

const root = join(import.meta.dirname, '..', '..');
const images = readdirSync(join(root, 'docs', 'images'));
/** Pictures that a document shows or links to, by its own folder. */
const shown = (file: string, folder: string): string[] => [...readFileSync(join(root, file), 'utf8').matchAll(/\]\(([^)\s]+\.png)\)/g)].flatMap(([, path = '']) => (path.startsWith(folder) ? [path.slice(folder.length)] : []));

it('has pictures of every place, in light, dark and narrow', () => {
  for (const { place } of PLACES) expect(images).toEqual(expect.arrayContaining([`${place}-light.png`, `${place}-dark.png`, `${place}-narrow.png`]));
});

it('shows every picture in a document, and none that is not there', () => {
  const used = [...shown('README.md', 'docs/images/'), ...shown('docs/app.md', 'images/')];
  expect([...new Set(used)].toSorted()).toEqual(images.toSorted());
});

it('names as many keys as there are places', () => {
  expect(SHORTCUTS.find(({ what }) => what(en.palette) === en.palette.keyPlaces)?.keys[0]?.[1]).toBe(`1…${PLACES.length}`);
  expect(new Set(PLACES.map(({ name }) => name(en))).size).toBe(PLACES.length);
});
