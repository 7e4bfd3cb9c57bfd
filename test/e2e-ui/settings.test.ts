import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostService } from '../../src-main/api/index.ts';
import type { Logger } from '../../src-main/base/index.ts';
import { ownedHost } from '../support/furnished-host.ts';
import { ScriptedContribution } from '../support/scripted-contribution.ts';
import { NO_WALLET, ScriptedEconomy } from '../support/scripted-economy.ts';
import { untilStopped, type ScriptedHost } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, overflowOf, shots, uiMissing } from '../support/ui.ts';
import { untranslated } from '../support/untranslated.ts';

const why = uiMissing('settings');

describe.skipIf(why !== undefined)('settings, palette, log and help in Chromium', () => {
  const ui = useChromium('clipboard-read', 'clipboard-write');
  let home: string;
  let host: ScriptedHost & HostService;
  let page: Page;
  let logger: Logger;

  const open = async (): Promise<Page> => {
    const made = await ui.newPage();
    await made.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await ui.load(made);
    return made;
  };
  beforeEach(async () => {
    home = await ui.folder();
    ({ host, logger } = await ownedHost(home, { storeQuotaBytes: 5_000_000_000 }));
    await ui.serve(host);
    page = await open();
  });

  const go = (section: string) => page.getByRole('navigation', { name: 'Parts of the settings' }).getByRole('button', { name: section, exact: true }).click();
  const check = async (name: string): Promise<void> => {
    await checkLooks(page, name);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  };
  const overflow = () => overflowOf(page);
  const ground = (of: Page = page) => of.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const config = async () => JSON.parse(await readFile(join(home, 'config.json'), 'utf8')) as Record<string, unknown>;

  it('looks as its owner wants, in every browser, from the first frame on', async () => {
    const light = await ground();
    await page.keyboard.press('Alt+7');
    await page.getByRole('heading', { name: 'Appearance' }).waitFor();
    await check('settings-appearance');
    await page.getByRole('radio', { name: 'Dark' }).check();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.getByRole('radio', { name: 'Compact' }).check();
    await page.getByRole('radio', { name: 'Large', exact: true }).check();
    await expect.poll(() => readFile(join(home, 'preferences.json'), 'utf8').then((text) => JSON.parse(text) as unknown, () => undefined)).toEqual({ theme: 'dark', density: 'compact', textSize: 'large', language: 'en' });
    // A browser that never saw this page gets it dressed, without any script.
    const elsewhere = await ui.context.browser()?.newContext({ javaScriptEnabled: false }) ?? ui.context;
    const bare = await elsewhere.newPage();
    await bare.goto(ui.server.url);
    expect(await bare.locator('html').getAttribute('data-theme')).toBe('dark');
    expect(await bare.locator('html').getAttribute('data-text-size')).toBe('large');
    await bare.close();
    const other = await open();
    expect(await ground(other)).toBe(dark);
    await other.close();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('radio', { name: 'Light' }).check();
    expect(await ground()).toBe(light);
    await page.keyboard.press('Alt+1');
    await check('compact-chat');
    expect(ui.complaints).toEqual([]);
  });

  it('changes the configuration where the host takes it, and says what is wrong by the field', async () => {
    await page.keyboard.press('Alt+7');
    await go('This node');
    await page.getByLabel('Context size (tokens)').fill('3');
    await page.getByLabel('Name').fill('studio');
    await page.getByText('2 not saved').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.setting-wrong', { hasText: 'Context size' }).getByRole('alert').waitFor();
    expect(existsSync(join(home, 'config.json'))).toBe(false);
    await check('settings-wrong');
    await page.getByLabel('Context size (tokens)').fill('4096');
    await page.keyboard.press('Enter');
    await page.getByText('Saved. What waits is told above.').waitFor();
    expect(await config()).toEqual({ contextTokens: 4096, name: 'studio' });
    // The name counts, the context when the model is loaded.
    expect(await page.locator('.setting-badge').allInnerTexts()).toEqual(['counts when the model is loaded anew']);
    await page.getByText('One setting counts when the model is loaded anew.').waitFor();
    await check('settings-waiting');
    await page.getByRole('button', { name: 'Load it anew now' }).click();
    await page.locator('.setting-badge').waitFor({ state: 'detached' });
    await go('Storage and bandwidth');
    expect(await page.getByLabel('Store quota (GB)').isDisabled()).toBe(true);
    expect(await page.getByLabel('Store quota (GB)').inputValue()).toBe('5');
    await page.getByLabel('Upload limit (MB/s)').fill('2.5');
    await page.getByRole('switch', { name: 'Give stored models to others' }).uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.', { exact: true }).waitFor();
    expect(await config()).toMatchObject({ uploadBytesPerSecond: 2_500_000, shareStore: false });
    await check('settings-storage');
    await go('Network');
    expect(await page.getByLabel('Zone').isDisabled()).toBe(true);
    await page.getByLabel('Relays').fill('nonsense');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('must be an address as').waitFor();
    await check('settings-network');
    expect(ui.complaints).toEqual([]);
  });

  it('sets what is asked and paid in SUM, says what that needs, and goes to the wallet', async () => {
    const contribute = host.contribute = new ScriptedContribution(host.events);
    const economy = host.economy = new ScriptedEconomy(host.events);
    economy.tell({ wallet: NO_WALLET });
    await ui.serve(host);
    await ui.load(page);
    await page.keyboard.press('Alt+7');
    await go('Pay');
    await page.getByText('Strangers would be served for nothing.').waitFor();
    await page.getByLabel('Price (SUM)').fill('1,5');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.setting-wrong', { hasText: 'Price' }).getByRole('alert').filter({ hasText: 'must be an amount of SUM like 0.5' }).waitFor();
    await check('settings-pay-wrong');
    await page.getByLabel('Price (SUM)').fill('0.000000000000000001');
    await page.getByLabel('Most that a session may cost (SUM)').fill('20');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved. What waits is told above.').waitFor();
    // Not through a JavaScript number.
    expect(await config()).toEqual({ payPrice: '0.000000000000000001', payUpTo: '20' });
    expect(await page.locator('.setting-badge').allInnerTexts()).toEqual(['counts after a restart', 'counts when the model is loaded anew']);
    contribute.show({ priceUnits: '1' });
    await page.getByText('This node has no wallet, so nobody is served yet').waitFor();
    await check('settings-pay');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflow()).toBe(0);
    await check('settings-pay-390');
    await page.getByRole('button', { name: 'Open the Wallet' }).click();
    await page.getByRole('button', { name: 'Create a wallet' }).waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('says why the configuration cannot be read, instead of loading it for ever', async () => {
    await writeFile(join(home, 'config.json'), '{ "name": ');
    await page.keyboard.press('Alt+7');
    await go('This node');
    await page.getByRole('alert').filter({ hasText: 'HOST_BAD_CONFIG' }).waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it.each(['headless', 'electron'] as const)('says per field what waits for a restart, and restarts where it can: %s', async (mode) => {
    host.mode = mode;
    host.setStatus({ kind: 'ready' });
    await page.keyboard.press('Alt+7');
    await go('Network');
    await page.getByRole('switch', { name: 'Find nodes of the local network' }).check();
    await page.getByRole('button', { name: 'Save' }).click();
    // It listens on the network then, too.
    await expect.poll(() => page.locator('.setting-badge').allInnerTexts()).toEqual(['counts after a restart', 'counts after a restart']);
    await page.getByText('2 settings wait for the next start of OmniNode.').waitFor();
    expect(await page.getByText('Ctrl-C where').count()).toBe(mode === 'headless' ? 1 : 0);
    await check(`settings-restart-${mode}`);
    if (mode === 'headless') return expect(await page.getByRole('button', { name: 'Restart now' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Restart now' }).click();
    await expect.poll(() => host.restarts).toBe(1);
  });

  it('makes a key, shows it once, and takes it back', async () => {
    await page.keyboard.press('Alt+7');
    await go('Local API');
    await page.getByText('No keys yet.').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('editor');
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByRole('button', { name: 'Copy the key' }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^omni_[0-9a-f]{12}_/);
    await check('settings-api');
    await page.getByRole('button', { name: 'Done' }).click();
    expect(await page.locator('body').innerText()).not.toMatch(/omni_[0-9a-f]{12}_/);
    await page.getByRole('button', { name: 'Remove the key editor' }).click();
    await page.getByRole('group', { name: 'Remove the key editor' }).getByRole('button', { name: 'Remove' }).click();
    await page.getByText('No keys yet.').waitFor();
    expect((await host.apiKeys?.list())?.keys).toEqual([]);
    expect(ui.complaints).toEqual([]);
  });

  it('shows the log as it goes on, and collects diagnostics that are seen before they are saved', async () => {
    logger.info({ peers: 2 }, 'met two others');
    await page.keyboard.press('Alt+7');
    await go('Log');
    await page.getByText('met two others').waitFor();
    logger.warn({ link: `omni://join/${'abcdefgh234567'.repeat(18)}` }, 'a slow link');
    logger.error('the disk is full');
    await page.getByText('the disk is full').waitFor();
    await check('settings-log');
    await page.getByLabel('Level').selectOption('warn');
    await page.getByText('2 lines').waitFor();
    await page.getByLabel('Search the log').fill('DISK');
    await page.getByText('1 line', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused: new lines are not shown.').waitFor();
    logger.error('another disk is full');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('another disk is full').waitFor();
    await page.getByRole('button', { name: 'Copy the lines shown' }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/error the disk is full\n.*another disk is full$/);
    await go('Diagnostics');
    await page.getByRole('button', { name: 'Collect diagnostics' }).click();
    await page.getByText('What is inside').waitFor();
    await page.getByText('Configuration, without secrets').click();
    await page.locator('pre', { hasText: '"storeQuotaBytes": 5000000000' }).waitFor();
    await check('settings-diagnostics');
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the file' }).click()]);
    const text = await readFile(await file.path(), 'utf8');
    expect(text).toContain('a slow link');
    for (const secret of ['key-of-the-browser-test', 'abcdefgh234567']) expect(text).not.toContain(secret);
    expect(ui.complaints).toEqual([]);
  });

  it('explains itself, and reads its documents, without a network', async () => {
    const requested: string[] = [];
    page.on('request', (request) => void requested.push(request.url()));
    await page.keyboard.press('Alt+7');
    await go('Help');
    await page.getByText('One running OmniNode.').waitFor();
    await check('settings-help');
    await go('About');
    await page.getByText('MIT OR Apache-2.0').first().waitFor();
    await page.getByRole('button', { name: 'The local API' }).click();
    await page.getByRole('region', { name: 'The local API' }).first().getByText('omninode key new --scope chat').first().waitFor();
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await page.getByText(/^Made with \d+ libraries$/).click();
    await check('settings-about');
    expect(requested.filter((url) => !url.startsWith(ui.server.address) && !url.startsWith('ws:'))).toEqual([]);
    expect(ui.complaints).toEqual([]);
  });

  it('goes anywhere and does anything by keys alone', async () => {
    host.script = untilStopped('under way');
    const palette = page.getByRole('dialog');
    const field = page.getByLabel('Your question');
    await field.fill('About sourdough bread');
    await field.press('Enter');
    await page.getByText('under way').first().waitFor();
    await page.keyboard.press('Control+k');
    await palette.getByRole('combobox').waitFor();
    await check('palette');
    await page.keyboard.type('stop');
    await palette.getByRole('option', { name: 'Stop the answer' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Stopped').waitFor();
    expect(await palette.count()).toBe(0);
    await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Alt+n');
    await page.getByRole('heading', { name: 'Ask the model inside' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('sourd');
    await palette.getByRole('option', { name: 'About sourdough bread' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('under way').first().waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('theme dark');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('html').getAttribute('data-theme')).toBe('dark');
    await page.keyboard.press('Control+k');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await palette.getByRole('option', { selected: true }).count()).toBe(1);
    expect(await palette.getByRole('combobox').getAttribute('aria-activedescendant')).toBe(await palette.getByRole('option', { selected: true }).getAttribute('id'));
    await page.keyboard.press('Escape');
    await palette.waitFor({ state: 'detached' });
    // In a field a question mark is a letter.
    await field.fill('');
    await field.press('?');
    expect(await field.inputValue()).toBe('?');
    await page.keyboard.press('Control+/');
    await page.getByRole('dialog', { name: 'Shortcuts of the keyboard' }).waitFor();
    await check('shortcuts');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('log');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Log', exact: true }).waitFor();
    await page.getByRole('heading', { name: 'Log', exact: true }).click();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Shortcuts of the keyboard' }).waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('fits 360 px, compact and with the largest text', async () => {
    await host.preferences?.set({ density: 'compact', textSize: 'largest' });
    await page.setViewportSize({ width: 360, height: 740 });
    await page.reload();
    await page.locator('.pill-ready').waitFor();
    await page.keyboard.press('Alt+7');
    for (const section of ['Appearance', 'This node', 'Network', 'Storage and bandwidth', 'Local API', 'Pay', 'Log', 'Diagnostics', 'Help', 'About']) {
      await go(section);
      await page.getByRole('heading', { name: section, exact: true }).waitFor();
      expect(await overflow(), section).toBe(0);
    }
    await go('This node');
    await check('narrow-settings');
    await page.keyboard.press('Control+k');
    expect(await overflow()).toBe(0);
    await check('narrow-palette');
    expect(ui.complaints).toEqual([]);
  });

  it('has no text that is in no language file', async () => {
    await page.getByLabel('Your question').fill('123');
    await page.getByLabel('Your question').press('Enter');
    await page.getByText('first token').waitFor();
    await host.preferences?.set({ language: 'en-XA' });
    await page.reload();
    await page.locator('.pill-ready').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en-XA');
    expect(await untranslated(page), 'chat').toEqual([]);
    await page.keyboard.press('Control+k');
    expect(await untranslated(page), 'palette').toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Alt+7');
    await page.locator('.setup-nav button').first().waitFor();
    for (const [index, part] of ['appearance', 'node', 'network', 'storage', 'api', 'pay', 'logs', 'diagnostics', 'help'].entries()) {
      await page.locator('.setup-nav button').nth(index).click();
      await page.locator(['appearance', 'node', 'network', 'storage', 'api', 'pay'].includes(part) ? `.setup-${part} .setting >> nth=0` : `.setup-${part} > :nth-child(2)`).waitFor();
      expect(await untranslated(page), part).toEqual([]);
    }
    await page.screenshot({ path: join(shots, 'pseudo-language.png') });
    expect(ui.complaints).toEqual([]);
  });
});
