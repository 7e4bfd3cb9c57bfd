import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { findChromium, openBrowser, type TestBrowser } from './browser.ts';

/** What every test of the page in Chromium needs. */

const root = join(import.meta.dirname, '..', '..');
export const renderer = join(root, 'out', 'renderer');
/** Pictures that tests take, to be looked at. */
export const shots = join(root, 'test-results', 'screenshots');
const chromium = findChromium();

function skipped(file: string, parts: readonly string[]): string | undefined {
  const missing = parts.find((path) => !existsSync(join(root, path)));
  const why = chromium === undefined ? 'no Chromium on this machine' : missing === undefined ? undefined : `${missing} is not built (npm run build)`;
  if (why !== undefined) process.stderr.write(`test/e2e-ui/${file} is skipped: ${why}\n`);
  return why;
}

/** Why tests of the page cannot run here, said once for a file; undefined where they can. */
export const uiMissing = (file: string): string | undefined => skipped(file, ['out/renderer/index.html']);

/** The same for tests of the page before a node that computes. */
export const realMissing = (file: string): string | undefined => skipped(file, ['out/renderer/index.html', 'out/main/cli.js', 'resources/models/omni-guide.gguf', 'native/build/Release/omninode.node']);

export function openTestBrowser(): Promise<TestBrowser> {
  mkdirSync(shots, { recursive: true });
  return openBrowser(chromium ?? '');
}

interface Axe {
  run(): Promise<{ violations: ReadonlyArray<{ id: string; impact: string; nodes: ReadonlyArray<{ html: string }> }> }>;
}
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds that is serious or worse. */
export async function seriousViolations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run();
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  });
}

/** Light and dark, unless one is named: nothing serious by axe, and a picture. */
export async function checkLooks(page: Page, name: string, schemes: readonly ('light' | 'dark')[] = ['light', 'dark']): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await seriousViolations(page), `${name}, ${colorScheme}`).toEqual([]);
    await page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) });
  }
}

/** Pixels that the page is wider than the window. */
export const overflowOf = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
