import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { toFunctionSelector, type Hex } from 'viem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHeadless, type HeadlessServer } from '../../src-main/headless/index.ts';
import { appPaths, buildHost, loadSettings, type Host } from '../../src-main/host/index.ts';
import type { EconomyHost } from '../../src-main/host/economy/economy-host.ts';
import { OutsideWallet } from '../support/outside-wallet.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, overflowOf, renderer, shots, uiMissing } from '../support/ui.ts';
import { CHEAP } from '../support/wallet-ground.ts';

const why = uiMissing('outside-wallet');
const DAY_S = 86_400;
const PATIENT = { timeout: 60_000 };
const [BIND, APPROVE, STAKE, UNSTAKE, CANCEL, WITHDRAW] = ([
  'bind(bytes32,bytes32,bytes32)', 'approve(address,uint256)', 'stake(bytes32,uint256)', 'unstake(bytes32,uint256)', 'cancelUnbonding(bytes32,uint256)', 'withdraw(bytes32)',
] as const).map((name) => toFunctionSelector(name)) as [Hex, Hex, Hex, Hex, Hex, Hex];

describe.skipIf(why !== undefined)('a wallet of the browser that owns the node, over the embedded chain, in Chromium', () => {
  const ui = useChromium();
  let host: Host;
  let economyHost: EconomyHost | undefined;
  let server: HeadlessServer;
  let page: Page;
  let wallet: OutsideWallet;

  beforeEach(async () => {
    const settings = await loadSettings({ home: await ui.folder(), dht: false, calibrate: false, chain: { kind: 'embedded', rpcPort: 0 } }, { OMNINODE_UI_TOKEN: 'key-of-the-outside-wallet-test' });
    host = await buildHost({ settings, paths: appPaths(), mode: 'headless', nodes: 1, economyForTests: { chain: { canTravel: true }, wallet: { costForTests: CHEAP }, onOpened: (opened) => { economyHost = opened; } } });
    server = await startHeadless({ host, settings, renderer });
    await server.started;
    page = await ui.newPage();
    wallet = await OutsideWallet.in(page);
  });
  afterEach(async () => {
    await server.stop();
  });

  const economy = (): EconomyHost => {
    if (economyHost === undefined) expect.fail('the host has no chain');
    return economyHost;
  };
  const card = (name: string) => page.getByRole('region', { name, exact: true });
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
  const amountOf = async (name: string): Promise<string> => (await card('Balance').locator(`.ledger-place-${name} .amount`).innerText()).replace(/\s+/g, ' ');
  const becomes = (name: string, amount: string) => expect.poll(() => amountOf(name), PATIENT).toBe(amount);
  const steps = () => card('By the browser wallet').getByRole('listitem').allInnerTexts();
  /** Both, or the one that leaves least room; the parts are the same in most places. */
  const check = async (name: string, schemes?: readonly ('light' | 'dark')[]): Promise<void> => {
    await checkLooks(page, name, schemes);
    await page.setViewportSize({ width: 390, height: 760 });
    expect(await overflowOf(page), name).toBe(0);
    await page.screenshot({ path: join(shots, `${name}-390.png`) });
    await page.setViewportSize({ width: 1100, height: 760 });
  };
  const open = async (): Promise<void> => {
    await page.getByText('Ready', { exact: true }).waitFor();
    await page.keyboard.press('Alt+6');
    await button('Connect Injected').click();
    await page.getByText('Browser wallet: Injected').waitFor();
  };
  const fill = async (form: 'stake' | 'unstake', amount: string): Promise<void> => {
    await page.locator(`#wallet-${form}-amount`).fill(amount);
    await button(form === 'stake' ? 'Stake with the browser wallet …' : 'Unstake with the browser wallet …').click();
  };
  /** In the host's own document, which nothing here can press but a person. */
  const approveBinding = async (): Promise<void> => {
    const [shown] = await Promise.all([ui.context.waitForEvent('page'), page.getByRole('link', { name: /Open the decision/ }).click()]);
    await shown.getByRole('heading', { name: 'Give this node to another account?' }).waitFor();
    for (const text of [wallet.account.address, host.api.info().peerId ?? 'its peer id', 'It cannot be undone from here', 'Local test chain']) await shown.getByText(text).first().waitFor();
    await checkLooks(shown, 'wallet-binding');
    await shown.setViewportSize({ width: 390, height: 760 });
    expect(await overflowOf(shown)).toBe(0);
    await shown.screenshot({ path: join(shots, 'wallet-binding-390.png'), fullPage: true });
    const since = performance.now();
    await expect.poll(() => performance.now() - since, PATIENT).toBeGreaterThan(1_100);
    await shown.getByLabel('I have read this, and want it.').check();
    await shown.getByRole('button', { name: 'Approve' }).click();
    await shown.getByRole('heading', { name: 'Approved' }).waitFor();
    await shown.close();
  };

  it('finds the chain, gets the node by its owner’s decision, stakes, cancels, takes back and withdraws; what is refused or left amid the steps is not sent twice', async () => {
    await page.goto(server.url);
    await button('Skip').click();
    await open();
    await page.getByText('on another chain (1)').waitFor();
    expect(await button('Stake with the browser wallet …').isDisabled()).toBe(true);
    await check('outside-other-chain', ['light']);
    await button('Switch it to Local test chain').click();
    await page.getByText('on Local test chain').waitFor();
    const { publicRpc } = await economy().chain();
    expect(wallet.added).toEqual([{ chainId: '0x53554d', chainName: 'Local test chain', rpcUrls: publicRpc, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 } }]);
    await button('Get test SUM').click();
    await becomes('liquid', '20,000 SUM');

    // Without the owner's decision nothing is asked of that wallet.
    await fill('stake', '1500');
    await page.getByRole('region', { name: 'Decide' }).waitFor();
    economy().consents.refuse(economy().consents.current().id);
    await page.getByText('You refused it. Nothing was sent.').waitFor();
    await fill('stake', '1500');
    await approveBinding();
    await becomes('staked', '1,500 SUM');
    expect(wallet.sent).toEqual([BIND, APPROVE, STAKE]);
    expect((await steps()).map((text) => text.replace(/\s+/g, ' '))).toEqual([expect.stringMatching(/^Bind this node to the account in a block 0x/), expect.stringMatching(/^Allow .* in a block/), expect.stringMatching(/^Stake in a block/)]);
    await card('A wallet of this browser').getByText('This account owns the node').waitFor();
    await check('outside-staked');

    // Refused in that wallet: after the first of two steps, then at once.
    wallet.answers.push('agree', 'refuse');
    await fill('stake', '100');
    await page.getByText('You refused a step in that wallet.').waitFor();
    await check('outside-refused', ['dark']);
    await fill('stake', '100');
    await becomes('staked', '1,600 SUM');
    expect(wallet.sent.slice(3)).toEqual([APPROVE, STAKE]);

    await fill('unstake', '600');
    await becomes('unbonding', '600 SUM');
    await button('Cancel unbonding of 600 SUM').click();
    await becomes('staked', '1,600 SUM');
    expect(wallet.sent.slice(5)).toEqual([UNSTAKE, CANCEL]);

    // Left amid the steps, with the wallet's window open.
    wallet.answers.push('agree', 'leave');
    await fill('stake', '400');
    await expect.poll(async () => (await steps()).map((text) => text.replace(/\s+/g, ' ')), PATIENT).toEqual([expect.stringContaining('in a block'), expect.stringContaining('agree to it in that wallet')]);
    await expect.poll(() => wallet.answers.length, PATIENT).toBe(0);
    await page.reload();
    await open();
    await page.getByText('Begun, and not seen to the end: Stake, 400 SUM.').waitFor();
    expect(await button('Stake with the browser wallet …').isDisabled()).toBe(true);
    await check('outside-begun', ['dark']);
    await button('Go on').click();
    await becomes('staked', '2,000 SUM');
    expect(wallet.sent.slice(7)).toEqual([APPROVE, STAKE]);
    expect(await button('Go on').count()).toBe(0);

    await fill('unstake', '2000');
    await becomes('unbonding', '2,000 SUM');
    await (await economy().chain()).travel(7 * DAY_S);
    await button('Withdraw what is matured').click();
    await becomes('liquid', '20,000 SUM');
    expect(wallet.sent.slice(9)).toEqual([UNSTAKE, WITHDRAW]);
    await expect.poll(() => economy().now().node?.owner).toBe(wallet.account.address);
    expect(ui.complaints).toEqual([]);
  });
});
