import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostService } from '../../src-main/api/index.ts';
import { furnishedHost } from '../support/furnished-host.ts';
import { INVITATION, type ScriptedHost } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { overflowOf, seriousViolations, shots, uiMissing } from '../support/ui.ts';
import { untranslated } from '../support/untranslated.ts';

const root = join(import.meta.dirname, '..', '..');
const images = join(root, 'docs', 'images');
/** Set to 1, the pictures of the documents are written anew. */
const WRITES_IMAGES = process.env['OMNINODE_WRITE_IMAGES'] === '1';
const why = uiMissing('places');

/** Names of machines, models and files that the host made up. */
const OWN = ['scripted', 'studio', 'omni-guide', 'qwen3', 'apache', 'gpt-oss', 'CPU', 'llama', 'Qwen', 'Instruct', 'Llama', 'NVIDIA', 'GeForce', 'RTX', 'Linux', 'macOS', 'arm64', 'tcp', 'tls', 'yamux', 'the only connection', 'MXFP4', 'one-Q8_0', 'devnet', 'SUM'] as const;
const PLACES = ['chat', 'network', 'models', 'pipeline', 'contribute', 'wallet', 'settings'] as const;
const SIZES = [[1100, 760], [800, 760], [360, 740]] as const;
/** What is there once a place has all that it asked for. */
const READY: Readonly<Record<(typeof PLACES)[number], string>> = {
  chat: '.answer-text', network: '.peers-table', models: '.models .model', pipeline: '.recharts-line-curve', contribute: '.contribute .figures', wallet: '.wallet .recharts-bar-rectangle', settings: '.setup-appearance .setting',
};

describe.skipIf(why !== undefined)('every place in Chromium', () => {
  const ui = useChromium();
  let host: ScriptedHost & HostService;
  let page: Page;
  beforeEach(async () => {
    await ui.serve(host = await furnishedHost(await ui.folder()));
    page = await ui.newPage();
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await ui.load(page);
  });

  const ask = async (question: string): Promise<void> => {
    await page.locator('#question').fill(question);
    await page.locator('#question').press('Enter');
    await page.locator('.turn-footer', { hasText: /41/ }).waitFor();
  };
  const go = async (place: (typeof PLACES)[number]): Promise<void> => {
    await page.keyboard.press(`Alt+${PLACES.indexOf(place) + 1}`);
    await page.locator(READY[place]).first().waitFor();
  };
  const shoot = async (name: string, isForDocs = false): Promise<void> => {
    const path = join(shots, `place-${name}.png`);
    await page.screenshot({ path });
    if (isForDocs && WRITES_IMAGES) copyFileSync(path, join(images, `${name}.png`));
  };
  const inTheme = async (theme: 'light' | 'dark'): Promise<void> => {
    // By the page's own switch, against what the system prefers.
    await page.emulateMedia({ colorScheme: theme === 'light' ? 'dark' : 'light', reducedMotion: 'reduce' });
    await host.preferences?.set({ theme });
    await page.evaluate((to) => { document.documentElement.dataset['theme'] = to; }, theme);
  };
  const check = async (name: string, isForDocs = true): Promise<void> => {
    for (const theme of ['light', 'dark'] as const) {
      await inTheme(theme);
      expect(await seriousViolations(page), `${name}, ${theme}`).toEqual([]);
      await shoot(`${name}-${theme}`, isForDocs);
    }
    await inTheme('light');
  };
  const overflow = () => overflowOf(page);

  it('is there by its key, in light and dark, at three widths', async () => {
    await ask('How does OmniNode split a model?');
    for (const place of PLACES) {
      await go(place);
      expect(await page.locator('.rail .place[aria-current="page"]').getAttribute('aria-keyshortcuts')).toBe(`Alt+${PLACES.indexOf(place) + 1}`);
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        expect(await overflow(), `${place} at ${width}`).toBe(0);
        if (width === 1100) await check(place);
        else await shoot(width === 360 ? `${place}-narrow` : `${place}-${width}`, width === 360);
      }
      await page.setViewportSize({ width: 1100, height: 760 });
    }
    expect(ui.complaints).toEqual([]);
  });

  it('goes from place to place by Tab and Enter, in the drawer too', async () => {
    const names = ['Chat', 'Network', 'Models', 'Pipeline', 'Contribute', 'Wallet', 'Settings'];
    expect(await page.locator('.rail .place').allInnerTexts()).toEqual(names);
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByRole('button', { name: 'Conversations and places' }).click();
    await page.locator('.rail .place').first().focus();
    for (const name of names) {
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
      await page.keyboard.press('Tab');
    }
    await shoot('drawer-narrow', true);
    await page.locator('.rail .place').nth(5).focus();
    await page.keyboard.press('Enter');
    await page.locator('.network-test').waitFor();
    await page.locator('.rail').waitFor({ state: 'hidden' });
    await page.setViewportSize({ width: 1100, height: 760 });
    await page.keyboard.press('Control+k');
    const palette = page.getByRole('dialog');
    for (const name of names) await palette.getByRole('option', { name: new RegExp(`^${name} Alt`) }).waitFor();
    await check('palette');
    await page.keyboard.press('Escape');
    expect(ui.complaints).toEqual([]);
  });

  it('says everything in the language of the page, in every place', async () => {
    await host.preferences?.set({ language: 'en-XA' });
    await page.reload();
    await page.locator('.pill-ready').waitFor();
    await host.links.offer(INVITATION.link);
    host.setUpdate({ kind: 'ready', version: '0.2.0' });
    await page.locator('.update-line').waitFor();
    for (const place of PLACES.slice(1)) {
      await go(place);
      if (place === 'network') await page.locator('.row-name').first().click();
      if (place === 'pipeline') await page.locator('.answer-row').click();
      expect(await untranslated(page, OWN), place).toEqual([]);
    }
    await shoot('pseudo-language');
    expect(ui.complaints).toEqual([]);
  });

  it('keeps the question in reach while a chat is set up', async () => {
    await ask('How does OmniNode split a model?');
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      await page.getByRole('button', { name: 'Instructions and parameters' }).click();
      const form = await page.getByRole('form', { name: 'Instructions and parameters' }).boundingBox();
      const composer = await page.locator('.composer').boundingBox();
      expect((form?.y ?? 0) + (form?.height ?? 0), String(width)).toBeLessThanOrEqual(composer?.y ?? 0);
      expect((composer?.y ?? 0) + (composer?.height ?? 0)).toBeLessThanOrEqual(height);
      expect(await overflow()).toBe(0);
      await shoot(`chat-settings-${width}`);
      await page.keyboard.press('Escape');
    }
    expect(ui.complaints).toEqual([]);
  });
});
