import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.css'));
const rulesOf = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
/** Classes that a sheet gives a look wherever they stand: `.a`, `.a:hover`, `.a[b]`, not `.a .b`. */
const classesOf = (name: string): ReadonlySet<string> => new Set([...rulesOf(name).matchAll(/([^{}]+)\{/g)].flatMap(([, selectors = '']) => selectors.split(',').flatMap((selector) => /^\s*\.([\w-]+)(?:[:[]\S*)?\s*$/.exec(selector)?.[1] ?? [])));

it('gives a class its look in one sheet only, so that views do not change each other', () => {
  const owners = new Map<string, string[]>();
  for (const name of files) for (const one of classesOf(name)) owners.set(one, [...owners.get(one) ?? [], name]);
  expect(owners.size).toBeGreaterThan(100);
  expect([...owners].filter(([, sheets]) => sheets.length > 1)).toEqual([]);
});

it('leaves light and dark to the pairs of base.css, which the theme of the page switches', () => {
  for (const name of files) {
    expect(rulesOf(name), name).not.toMatch(/prefers-color-scheme/);
    if (name !== 'base.css') expect(rulesOf(name), name).not.toMatch(/light-dark\(|#[0-9a-f]{3,8}\b/i);
  }
});
