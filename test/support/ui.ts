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

/** Why tests of the page cannot run here, said once for a file; undefined where they can. */
export function uiMissing(file: string): string | undefined {
  const why = chromium === undefined ? 'no Chromium on this machine' : existsSync(join(renderer, 'index.html')) ? undefined : 'the page is not built (npm run build)';
  if (why !== undefined) process.stderr.write(`test/e2e-ui/${file} is skipped: ${why}\n`);
  return why;
}

export function openTestBrowser(): Promise<TestBrowser> {
  mkdirSync(shots, { recursive: true });
  return openBrowser(chromium ?? '');
}

export interface WatchedPage {
  readonly page: Page;
  /** What it complained of on its console, and what it threw. */
  readonly complaints: string[];
}

/** `complaints`: where they go, for several pages of one test. */
export async function openPage(browser: TestBrowser, complaints: string[] = []): Promise<WatchedPage> {
  const page = await browser.context.newPage();
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, complaints };
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
