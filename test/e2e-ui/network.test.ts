import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { crowd, MEMBERS, PEERS, ScriptedHost, STANDING } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { seriousViolations, shots, uiMissing } from '../support/ui.ts';

const why = uiMissing('network');

const STUDIO = PEERS[0]?.peerId ?? '';
const KNOWN = [{ peerId: STUDIO, isNamed: true, isConnected: true, faults: 0, topicScore: 1.2 }, { peerId: PEERS[1]?.peerId ?? '', isNamed: false, isConnected: true, faults: 2.4, topicScore: -16.8 }];

describe.skipIf(why !== undefined)('the network in Chromium', () => {
  const ui = useChromium('clipboard-read', 'clipboard-write');
  let host: ScriptedHost;
  let page: Page;
  beforeEach(async () => {
    host = new ScriptedHost();
    host.setStanding(STANDING);
    await ui.serve(host);
    page = await ui.newPage();
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  const open = async (): Promise<void> => {
    await ui.load(page);
    await page.keyboard.press('Alt+2');
    await page.getByRole('heading', { name: 'Network' }).waitFor();
  };
  const fill = (count: number): void => {
    const { peers, members, known } = crowd(count);
    host.network.peers = known;
    host.setPeers(peers);
    host.setMembers(members);
    host.setStages(peers.slice(0, 3).map(({ peerId }, index) => ({ ...host.stages()[index]!, peerId, ownership: 'own' as const })));
  };
  const nodes = () => page.locator('.map [role="button"]');
  const shoot = async (name: string): Promise<void> => void await page.screenshot({ path: join(shots, `${name}.png`) });
  const check = async (name: string, schemes: ReadonlyArray<'light' | 'dark'> = ['light', 'dark']): Promise<void> => {
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await seriousViolations(page), `${name}, ${colorScheme}`).toEqual([]);
      await shoot(schemes.length === 1 ? name : `${name}-${colorScheme}`);
    }
  };
  const narrow = async (): Promise<void> => {
    await page.setViewportSize({ width: 360, height: 740 });
    await expect.poll(() => page.evaluate(() => { const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement; return [scrollWidth - clientWidth, scrollHeight - clientHeight]; })).toEqual([0, 0]);
  };
  const bottom = () => page.locator('main.network').evaluate((element) => { element.scrollTop = element.scrollHeight; });

  it('alone: says what to do', async () => {
    host.setPeers([]);
    await open();
    await page.getByText('No other node is here.').waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
    await check('network-alone');
    await narrow();
    await check('network-alone-narrow', ['light']);
    expect(ui.complaints).toEqual([]);
  });

  it('three: map and table say the same, one is opened by keyboard, blocked, and let in again', async () => {
    host.setMembers(MEMBERS);
    host.network.peers = KNOWN;
    host.network.receipts = { due: 1_240, signed: 1_238, checked: 3, failed: 1 };
    host.network.addresses = [{ address: `/ip4/192.168.1.9/tcp/4001/p2p/${STUDIO}`, proof: 'named', failures: 0 }, { address: `/ip4/203.0.113.9/udp/4001/quic-v1/p2p/${STUDIO}`, proof: 'said', failures: 3 }];
    await open();
    await expect.poll(() => nodes().count()).toBe(3);
    await page.getByRole('row', { name: /studio.*41\.5 GB of 64\.0 GB.*RTX 4090.*2–3.*1,380 tok\/s.*0\.4 ms.*TCP, direct.*private.*No faults.*0\.1\.0/ }).waitFor();
    await page.getByRole('cell', { name: '3 faults lately' }).waitFor();
    const studio = page.getByRole('button', { name: /^studio, 0\.4 ms, TCP, direct, stage 2 of this chat, layers 2–3$/ });
    await check('network-three');

    await page.getByRole('img', { name: /^This node, scripted, with 3 nodes around it$/ }).focus();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-node'));
    await page.keyboard.press('ArrowLeft');
    await expect.poll(focused).toBe(STUDIO);
    await page.keyboard.press('ArrowRight');
    await expect.poll(focused).not.toBe(STUDIO);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowLeft');
    await shoot('network-focus');
    await page.keyboard.press('Enter');
    const details = page.getByRole('region', { name: 'Details' });
    await details.getByText('tcp + tls + yamux, direct, dialled from here').waitFor();
    await details.getByText('/ip4/203.0.113.9/udp/4001/quic-v1').waitFor();
    await details.getByText('it says so · 3 tries in vain').waitFor();
    await details.getByText('1,238 of 1,240 parts of your answers signed').waitFor();
    await details.getByText('3 were computed again here, and 1 was not right').waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('studio');
    await details.getByRole('button', { name: 'Copy peer id' }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(STUDIO);
    await check('network-details');
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    await expect.poll(focused).toBe(STUDIO);

    // This machine's own stages are not to be blocked; the one that is only known through others is.
    await studio.press('Enter');
    expect(await details.getByRole('button', { name: 'Block …' }).count()).toBe(0);
    await page.locator('.peers-table tbody tr').last().click();
    await details.getByRole('button', { name: 'Block …' }).click();
    await details.getByLabel('Reason').fill('sends garbage');
    await details.getByLabel('For how long').selectOption('1 day');
    await check('network-block');
    await details.getByRole('button', { name: 'Block it' }).click();
    const blocked = page.getByRole('region', { name: 'Blocked' });
    await blocked.getByText('sends garbage').waitFor();
    expect(host.network.list).toMatchObject([{ subject: '12D3KooWScriptedFarNode', reason: 'sends garbage', untilMs: 1_900_086_400_000 }]);
    await page.getByRole('status').getByText('is blocked. Its connections are closed.').waitFor({ state: 'attached' });
    await page.getByRole('cell', { name: 'Blocked' }).waitFor();
    await shoot('network-blocked');
    await blocked.getByRole('button', { name: /^Unblock / }).click();
    await blocked.getByText('Nobody is blocked.').waitFor();
    await blocked.getByRole('button', { name: 'Block by id or address' }).click();
    await blocked.getByLabel('Peer id or IP address').fill('nobody');
    await blocked.getByRole('button', { name: 'Block it' }).click();
    await blocked.getByText('is neither a peer id nor an IP address').waitFor();
    await blocked.getByRole('button', { name: 'Cancel' }).click();

    host.setMembers([]);
    host.setPeers(PEERS.slice(1));
    await expect.poll(() => nodes().count()).toBe(1);
    await page.getByText('This node is not here any more.').waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('why can’t I connect: piece by piece, to its end or stopped, and of one peer alone', async () => {
    host.network.pieces = [
      [{ name: 'node', verdict: 'ok', detail: 'runs as ...1234abcd (process 7), and was asked' }, { name: 'firewall', verdict: 'hint', detail: 'others need tcp port 4001 to be let in', next: 'Allow it in this machine\'s firewall.' }],
      [{ name: 'node', verdict: 'ok', detail: 'runs as ...1234abcd (process 7), and was asked' }, { name: 'member', verdict: 'fail', detail: 'attic at /ip4/192.168.1.9/tcp/4001: no answer', next: 'Check that the machine is on.' }, { name: 'clocks', verdict: 'unknown', detail: 'no member to compare this machine\'s clock with' }],
    ];
    await open();
    const panel = page.getByRole('region', { name: 'Why can’t I connect?' });
    await panel.getByRole('button', { name: 'Find out' }).click();
    await panel.getByText('Others need tcp port 4001').waitFor();
    await panel.getByRole('progressbar').waitFor();
    await panel.getByText('Trying again 2 nodes').waitFor();
    host.network.step();
    await panel.getByText('Attic at /ip4/192.168.1.9/tcp/4001: no answer').waitFor();
    host.network.step();
    await panel.getByText('1 thing failed: what to do stands below each.').waitFor();
    await bottom();
    await check('network-why');
    await panel.getByRole('button', { name: 'Copy as text' }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain('Failed    A member: attic at /ip4/192.168.1.9/tcp/4001: no answer\n          What to do: Check that the machine is on.');
    await panel.getByRole('button', { name: 'Find out' }).click();
    await panel.getByRole('button', { name: 'Stop' }).click();
    await panel.getByText('Stopped. This is what was found until then.').waitFor();

    await page.locator('.peers-table tbody tr').first().click();
    await page.getByRole('button', { name: 'Test the connection' }).click();
    await panel.getByRole('button', { name: 'Stop' }).waitFor();
    expect(host.network.target).toBe(PEERS[0]?.peerId);
    await panel.getByRole('button', { name: 'Stop' }).click();
    await narrow();
    await check('network-why-narrow', ['light']);
    expect(ui.complaints).toEqual([]);
  });

  it('forty: sorted and filtered, and within 360 px as cards', async () => {
    fill(40);
    await open();
    await expect.poll(() => nodes().count()).toBe(40);
    await check('network-forty', ['dark']);
    const first = () => page.locator('.peers-table tbody tr').first().innerText();
    await page.getByRole('columnheader', { name: 'Speed' }).getByRole('button').click();
    expect(await page.getByRole('columnheader', { name: 'Speed' }).getAttribute('aria-sort')).toBe('descending');
    expect(await first()).toContain('338 tok/s');
    await page.getByRole('columnheader', { name: 'Speed' }).getByRole('button').click();
    expect(await first()).toContain('300 tok/s');
    await page.getByLabel('Filter').fill('quic studio');
    await page.getByText(/^\d of 40 nodes$/).waitFor();
    await page.getByLabel('Filter').fill('nobody at all');
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.locator('.peers-scroll').scrollIntoViewIfNeeded();
    await shoot('network-table');
    await narrow();
    await page.locator('main.network').evaluate((element) => { element.scrollTop = 0; });
    await check('network-forty-narrow', ['light']);
    await page.getByLabel('Sort by').selectOption('Memory free');
    await page.locator('.peers-table').evaluate((element) => element.scrollIntoView());
    await shoot('network-cards');
    expect(await first()).toMatch(/64\.0 GB/);
    expect(ui.complaints).toEqual([]);
  });

  it('two hundred: all on the map, the table whole; on a phone the rest as one', async () => {
    fill(200);
    await open();
    await expect.poll(() => nodes().count()).toBe(200);
    expect(await page.locator('.peers-table tbody tr').count()).toBe(200);
    await shoot('network-200');
    const place = () => page.locator(`[data-node="${crowd(200).peers[50]?.peerId}"]`).getAttribute('style');
    const before = await place();
    const { peers } = crowd(200, 3);
    host.setPeers(peers);
    await page.locator('.peers-table').getByText('0.4 ms ±').first().waitFor();
    expect(await place()).toBe(before);
    await narrow();
    await page.locator('.map-more').first().waitFor();
    await shoot('network-200-narrow');
    await page.locator('.map-more').first().press('Enter');
    expect(await page.getByLabel('Filter').evaluate((element) => element === document.activeElement)).toBe(true);
    expect(ui.complaints).toEqual([]);
  });
});
