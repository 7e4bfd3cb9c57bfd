import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostService } from '../../src-main/api/index.ts';
import { CodedError } from '../../src-main/base/index.ts';
import { furnishedHost } from '../support/furnished-host.ts';
import { INVITATION, type ScriptedHost } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, overflowOf, uiMissing } from '../support/ui.ts';

const why = uiMissing('shell');

describe.skipIf(why !== undefined)('what the shell offers, in Chromium', () => {
  const ui = useChromium();
  let host: ScriptedHost & HostService;
  let page: Page;
  beforeEach(async () => {
    host = await furnishedHost(await ui.folder());
    page = await ui.newPage();
  });

  const open = async (): Promise<void> => {
    await ui.serve(host);
    await ui.load(page);
  };
  const settings = async (section: string): Promise<void> => {
    await page.keyboard.press('Alt+7');
    await page.getByRole('navigation', { name: 'Parts of the settings' }).getByRole('button', { name: section, exact: true }).click();
  };
  const check = (name: string) => checkLooks(page, name);
  const overflow = () => overflowOf(page);

  it('shows an invitation that the system handed over, joins by a click alone, and can let it be', async () => {
    await open();
    await host.links.offer(INVITATION.link);
    const panel = page.getByRole('region', { name: 'Invitation', exact: true });
    await panel.getByText('Nothing has changed yet.').waitFor();
    await panel.getByText('for this user alone').waitFor();
    await check('shell-invitation');
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflow()).toBe(0);
    await check('shell-invitation-narrow');
    await page.setViewportSize({ width: 1100, height: 760 });
    expect(await page.content()).not.toContain(INVITATION.link.slice(20));
    await panel.getByRole('button', { name: 'Not now' }).click();
    await panel.waitFor({ state: 'detached' });
    expect([host.links.current(), host.joined]).toEqual([undefined, []]);
    await host.links.offer(INVITATION.link);
    await panel.getByRole('button', { name: 'Join' }).click();
    await panel.getByText('Start OmniNode again to meet the zone.').waitFor();
    expect(host.joined).toEqual([INVITATION.link]);
    await panel.getByRole('button', { name: 'Close' }).click();
    await panel.waitFor({ state: 'detached' });
    await host.links.offer('omni://join/old');
    await panel.getByText('This invitation was good until yesterday.').waitFor();
    expect(await panel.getByRole('button', { name: 'Join' }).count()).toBe(0);
    await check('shell-invitation-refused');
    await panel.getByRole('button', { name: 'Close' }).click();
    await panel.waitFor({ state: 'detached' });
    expect(ui.complaints).toEqual([]);
  });

  it('tells of newer versions: quietly everywhere once one is there, in full under About', async () => {
    host.setUpdate({ kind: 'off', why: 'unconfigured' });
    await open();
    await settings('About');
    const updates = page.getByRole('region', { name: 'Updates' });
    await updates.getByText('Updates are not configured').waitFor();
    expect(await updates.getByRole('button').count()).toBe(0);
    await check('shell-updates-off');
    host.setUpdate({ kind: 'idle' });
    await updates.getByRole('button', { name: 'Look now' }).click();
    await updates.getByText('Looking for a newer version').waitFor();
    host.setUpdate({ kind: 'downloading', version: '0.2.0', progress: 0.4 });
    await updates.getByText('Downloading 0.2.0: 40 %').waitFor();
    host.setUpdate({ kind: 'failed', error: new CodedError({ code: 'ELECTRON_UPDATE_FAILED', message: 'the feed could not be read', next: 'Try again later.', fault: 'peer' }).toWire() });
    await updates.getByText('Try again later.').waitFor();
    await page.keyboard.press('Alt+1');
    expect(await page.locator('.update-line').count()).toBe(0);
    host.setUpdate({ kind: 'ready', version: '0.2.0' });
    const line = page.locator('.update-line');
    await line.getByText('OmniNode 0.2.0 is downloaded.').waitFor();
    await check('shell-update');
    await line.getByRole('button', { name: 'Install and restart' }).click();
    await line.getByText('Nothing was downloaded.').waitFor();
    await line.getByRole('button', { name: 'Not now' }).click();
    await line.waitFor({ state: 'detached' });
    expect(ui.complaints).toEqual([]);
  });

  it('sets up the window where there is one, says where the API is, and keeps the hub’s token unseen', async () => {
    const info = host.info();
    host.info = () => ({ ...info, mode: 'electron', localApi: { kind: 'serving', url: 'http://127.0.0.1:4180/v1' } });
    await open();
    await settings('This node');
    await page.getByRole('switch', { name: 'Keep running when the window is closed' }).check();
    await expect.poll(async () => (await host.desktop.get()).closeToTray).toBe(true);
    await page.getByRole('switch', { name: 'Notifications' }).scrollIntoViewIfNeeded();
    await check('shell-desktop');
    await settings('Local API');
    await page.getByText('http://127.0.0.1:4180/v1').waitFor();
    await check('shell-api');
    await settings('Storage and bandwidth');
    const token = page.getByRole('region', { name: 'Token of the model hub' });
    await token.getByText('None is kept.').waitFor();
    await token.getByLabel('Token', { exact: true }).fill('short');
    await token.getByText('8 to 500 characters').waitFor();
    await token.getByLabel('Token', { exact: true }).fill('hf_a-token-of-nobody');
    await page.keyboard.press('Enter');
    await token.getByText('Kept, sealed by the system.').waitFor();
    expect([await token.getByLabel('Token', { exact: true }).inputValue(), host.hubTokens]).toEqual(['', ['hf_a-token-of-nobody']]);
    expect(await page.content()).not.toContain('hf_a-token');
    await token.scrollIntoViewIfNeeded();
    await check('shell-token');
    await token.getByRole('button', { name: 'Remove' }).click();
    await token.getByText('None is kept.').waitFor();
    expect(host.hubTokens.at(-1)).toBeNull();
    expect(ui.complaints).toEqual([]);
  });

  it('says why the API could not be served, shows nothing of a desktop without one, and what a link loses', async () => {
    const info = host.info();
    host.info = () => ({ ...info, mode: 'electron', localApi: { kind: 'failed', error: new CodedError({ code: 'API_PORT_TAKEN', message: 'port 4180 is taken', next: 'Choose another httpPort.', fault: 'local' }).toWire() } });
    Object.assign(host, { desktop: undefined, hubToken: undefined });
    await open();
    await settings('Local API');
    await page.getByText('Choose another httpPort.').waitFor();
    await settings('This node');
    await page.getByLabel('Context size (tokens)').waitFor();
    expect(await page.getByText('On this computer').count()).toBe(0);
    await page.keyboard.press('Alt+2');
    await page.getByRole('columnheader', { name: 'Loss' }).waitFor();
    await page.getByRole('cell', { name: '0.4 %' }).waitFor();
    await page.locator('.row-name', { hasText: 'studio' }).click();
    await page.getByRole('region', { name: 'Details' }).getByText('0 %').waitFor();
    await check('network-details');
    expect(ui.complaints).toEqual([]);
  });
});
