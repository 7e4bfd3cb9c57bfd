import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { CONTRIBUTION, ScriptedContribution, ScriptedSetup, SERVING } from '../support/scripted-contribution.ts';
import { DOWN, ScriptedEconomy } from '../support/scripted-economy.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { overflowOf, checkLooks, shots, uiMissing } from '../support/ui.ts';

const why = uiMissing('contribute');

describe.skipIf(why !== undefined)('contributing in Chromium', () => {
  const ui = useChromium();
  let host: ScriptedHost;
  let contribute: ScriptedContribution;
  let setup: ScriptedSetup;
  let page: Page;
  beforeEach(async () => {
    host = new ScriptedHost();
    contribute = host.contribute = new ScriptedContribution(host.events);
    setup = host.setup = new ScriptedSetup();
    await ui.serve(host);
    page = await ui.newPage();
  });

  const open = () => ui.load(page);
  const check = (name: string) => checkLooks(page, name);
  const checkNarrow = async (name: string): Promise<void> => {
    await page.setViewportSize({ width: 360, height: 760 });
    expect(await overflowOf(page)).toBe(0);
    await page.screenshot({ path: join(shots, `${name}-360.png`) });
    await page.setViewportSize({ width: 1100, height: 760 });
  };
  const status = () => page.locator('#contribute-status');

  it('is switched, paused and limited, and tells what is so', async () => {
    setup.isDue = false;
    await open();
    await page.keyboard.press('Alt+5');
    const toggle = page.getByRole('switch', { name: 'Compute for others' });
    expect(await status().innerText()).toBe('Off. This machine computes for nobody else.');
    expect(await page.getByText('No chain configured.').isVisible()).toBe(true);
    await check('contribute-off');
    await toggle.focus();
    await page.keyboard.press('Space');
    await page.getByText('On, nobody asked yet.').waitFor();
    expect(await toggle.getAttribute('aria-checked')).toBe('true');

    contribute.show(SERVING);
    await page.getByText('Serving layers 3–5 of omni-guide to 2 machines.').waitFor();
    expect(await page.getByRole('row', { name: /studio/ }).innerText()).toContain('1,234');
    expect(await page.getByText('48,213').isVisible()).toBe(true);
    await check('contribute-serving');
    await checkNarrow('contribute-serving');

    await page.getByRole('button', { name: 'Pause for 1 hour' }).click();
    await expect.poll(() => status().innerText()).toMatch(/^Paused until .+\. 2 answers under way may still end/);
    await page.getByRole('button', { name: 'Resume now' }).click();
    await page.getByText('Serving layers').waitFor();
    contribute.show({ hold: { reason: 'battery' }, serving: [], sessions: 0 });
    await page.getByText('On, but waiting: the machine runs on battery.').waitFor();

    await page.getByLabel('Memory for others, GB').fill('2.5');
    await page.getByLabel('CPU threads').fill('');
    await page.getByLabel('Not while other programs use more than').fill('50');
    await page.getByRole('button', { name: 'Add hours' }).click();
    await page.getByLabel('Fri').uncheck();
    await page.getByLabel('From').fill('23:00');
    await page.getByRole('button', { name: 'Save limits' }).click();
    await page.getByText('Saved.').waitFor();
    expect(contribute.changes.at(-1)?.limits).toMatchObject({ memoryBytes: 2.5e9, threads: null, maxLoad: 0.5, schedule: [{ days: ['mon', 'tue', 'wed', 'thu'], from: '23:00', to: '07:00' }] });
    expect(await page.getByLabel('Only after minutes without input').isDisabled()).toBe(true);
    expect(await page.getByText('Cannot be known here').isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Save limits' }).scrollIntoViewIfNeeded();
    await check('contribute-limits');
    expect(ui.complaints).toEqual([]);
  });

  it('tells what an account earned, and why it cannot where the chain is not reached', async () => {
    setup.isDue = false;
    const economy = host.economy = new ScriptedEconomy(host.events);
    await ui.serve(host);
    page = await ui.newPage();
    await open();
    await page.keyboard.press('Alt+5');
    await page.getByRole('row', { name: /^Pay and rewards 148\.75/ }).waitFor();
    await page.getByRole('row', { name: /^Not settled yet 16 SUM$/ }).waitFor();
    await check('contribute-earned');
    economy.fault = new CodedError({ code: 'CHAIN_DOWN', message: 'no RPC endpoint answers', fault: 'local' });
    economy.tell();
    await page.getByText('no RPC endpoint answers').waitFor();
    economy.fault = undefined;
    economy.tell();
    await page.getByRole('row', { name: /^Pay and rewards/ }).waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('tells whether strangers are served for pay, what is missing for it, and leads there', async () => {
    setup.isDue = false;
    const economy = host.economy = new ScriptedEconomy(host.events);
    await ui.serve(host);
    await open();
    await page.keyboard.press('Alt+5');
    const line = page.locator('.pay-line');
    await line.getByText('Strangers would be served for nothing.').waitFor();
    contribute.show({ isOn: true });
    await line.getByText('Strangers are served for nothing.').waitFor();
    contribute.show({ isOn: true, priceUnits: '250000000000000000' });
    await line.getByText('for pay alone: 0.25 SUM for 1,000 tokens of one layer.').waitFor();
    expect(await line.getByRole('button').count()).toBe(0);
    economy.setLedger({ staked: '0', isActive: false });
    await line.getByText('Too little is staked for this node').waitFor();
    await check('contribute-pay');
    await checkNarrow('contribute-pay');
    await line.getByRole('button', { name: 'Open the Wallet' }).click();
    await page.getByRole('heading', { name: 'Stake SUM for this node' }).waitFor();
    await page.keyboard.press('Alt+5');
    economy.tell({ link: DOWN(Date.now()) });
    await line.getByText('nobody new is served until it does').waitFor();
    contribute.show({ reach: 'private', priceUnits: undefined as never });
    await line.getByText('Members of your private zone are served for nothing.').waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('first steps: by keyboard, over a chat that works below them, once', async () => {
    await open();
    const steps = page.getByRole('region', { name: 'First steps' });
    await steps.getByText('Step 1 of 3').waitFor();
    await check('first-run-1');
    await checkNarrow('first-run-1');
    // Nothing waits for a choice.
    await page.getByLabel('Your question').fill('Do you work?');
    await page.getByLabel('Your question').press('Enter');
    await page.getByText('first token').waitFor();

    await steps.getByRole('button', { name: 'Next' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Name your node, and say what it gives');
    await page.keyboard.press('Tab');
    await page.keyboard.type('  desk  ');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    expect(await steps.getByLabel('Memory for others, GB').inputValue()).toBe('4');
    await check('first-run-2');
    await steps.getByLabel('Upload of files, MB/s').fill('2.5');
    await steps.getByText('When: power, idle, hours').click();
    await steps.getByRole('button', { name: 'Add hours' }).click();
    await check('first-run-when');
    await checkNarrow('first-run-when');
    // Hours without a day are no choice: it says so, and stays.
    for (const day of ['Mon', 'Tue', 'Wed', 'Thu', 'Fri']) await steps.getByLabel(day).uncheck();
    await steps.getByLabel('Memory for others, GB').press('Enter');
    await steps.getByText('Choose at least one day').waitFor();
    // Of limits that do not count nothing is said.
    await steps.getByLabel('Let other machines use mine').uncheck();
    await steps.getByText('Choose at least one day').waitFor({ state: 'detached' });
    await steps.getByLabel('Let other machines use mine').check();
    await steps.getByText('When: power, idle, hours').click();
    await steps.getByText('Choose at least one day').waitFor();
    await steps.getByLabel('Sun').check();
    await steps.getByLabel('Memory for others, GB').press('Enter');
    await steps.getByText('Step 3 of 3').waitFor();
    await check('first-run-3');
    await checkNarrow('first-run-3');
    await steps.getByLabel('Only whom I invite').check();
    await steps.getByRole('button', { name: 'Finish' }).click();
    await steps.getByText('quit OmniNode and open it anew').waitFor();
    expect(setup.finished).toEqual([{ name: 'desk', isOn: true, limits: { ...CONTRIBUTION.limits, uploadBytesPerSecond: 2_500_000, schedule: [{ days: ['sun'], from: '22:00', to: '07:00' }] }, reach: 'private' }]);
    await page.reload();
    await page.getByText('Ready', { exact: true }).waitFor();
    expect(await steps.count()).toBe(0);

    setup.isDue = true;
    await page.reload();
    await steps.getByRole('button', { name: 'Skip' }).click();
    await steps.waitFor({ state: 'detached' });
    expect(setup.isDue).toBe(false);
    expect(ui.complaints).toEqual([]);
  });
});
