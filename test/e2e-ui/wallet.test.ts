import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { ACCOUNT, CONFIGURED, DOWN, EMBEDDED, NO_WALLET, NOTHING_EARNED, ScriptedEconomy, SLASH, sum, wallet } from '../support/scripted-economy.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, overflowOf, shots, uiMissing } from '../support/ui.ts';

const why = uiMissing('wallet');
const DAY_MS = 86_400_000;
/** Of the wallet that a test puts into the browser. */
const OUTSIDE = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

describe.skipIf(why !== undefined)('the wallet in Chromium', () => {
  const ui = useChromium();
  let economy: ScriptedEconomy;
  let page: Page;
  beforeEach(async () => {
    const host = new ScriptedHost();
    economy = host.economy = new ScriptedEconomy(host.events);
    await ui.serve(host);
    page = await ui.newPage();
  });

  const open = async (): Promise<void> => {
    await ui.load(page);
    await page.keyboard.press('Alt+6');
    await page.locator('.network-badge').waitFor();
  };
  const card = (name: string) => page.getByRole('region', { name, exact: true });
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
  /** Both, or the one that leaves least room; parts that look alike elsewhere are looked at once. */
  const check = async (name: string, schemes?: 'light' | 'dark'): Promise<void> => {
    await checkLooks(page, name, schemes === undefined ? undefined : [schemes]);
    await page.setViewportSize({ width: 360, height: 760 });
    expect(await overflowOf(page), name).toBe(0);
    await page.screenshot({ path: join(shots, `${name}-360.png`) });
    await page.setViewportSize({ width: 1100, height: 760 });
  };

  it('has the chain opened, says where it cannot be, and tries again when asked', async () => {
    economy.unopened({ status: 'starting' });
    await ui.load(page);
    expect(economy.looked).toBe(0);
    await page.keyboard.press('Alt+6');
    await page.getByText('The chain is starting.').waitFor();
    await expect.poll(() => economy.looked).toBe(1);
    economy.unopened(DOWN(economy.nowMs));
    await page.getByRole('heading', { name: 'The chain could not be opened' }).waitFor();
    await check('wallet-not-opened', 'dark');
    await button('Try again').click();
    await expect.poll(() => economy.looked).toBe(2);
    economy.opened();
    await card('Balance').waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('shows where all SUM lies, exactly, and says on every part that the test chain is worth nothing', async () => {
    economy.cuts = [SLASH(economy.nowMs)];
    await open();
    const badge = page.locator('.network-badge');
    await badge.getByText('Local test chain').waitFor();
    await badge.getByText('SUM is worth nothing here').waitFor();
    await card('Balance').waitFor();
    await page.locator('.recharts-bar-rectangle').first().waitFor();
    const cards = await page.locator('.wallet-card').count();
    expect(cards).toBe(8);
    expect(await page.locator('.wallet-card .test-mark').count()).toBe(cards);
    const liquid = card('Balance').locator('.ledger-place-liquid .amount');
    expect(await liquid.getAttribute('title')).toBe('8,765.432100000000000001 SUM');
    expect(await liquid.innerText()).toContain('8,765.4321…');
    expect(await card('Unbonding').getByRole('row').nth(1).innerText()).toContain('Can be withdrawn');
    expect(await card('Unbonding').locator('.countdown').innerText()).toMatch(/^3 d 1 h \d+ min$/);
    expect(await card('Account').innerText()).toContain(ACCOUNT);
    expect(await card('Slashing').innerText()).toContain('two bills of one session that contradict each other');
    expect(await card('Earnings').innerText()).toContain('7.3 %');
    expect(await card('Earnings').getByRole('row', { name: /can be claimed/ }).count()).toBe(2);
    await check('wallet-ready');
    expect(ui.complaints).toEqual([]);
  });

  it('stakes: plan, decision in a document of the host, and how far it came', async () => {
    await open();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('Stake SUM');
    await page.keyboard.press('Enter');
    const amount = page.locator('#wallet-stake-amount');
    await expect.poll(() => amount.evaluate((input) => input === document.activeElement)).toBe(true);
    await page.keyboard.type('9000');
    await card('Stake SUM for this node').getByText('You have 8,765.432100000000000001 SUM').waitFor();
    await amount.fill('1,5');
    await card('Stake SUM for this node').getByText('Write it in digits').waitFor();
    await check('wallet-fault', 'light');
    await amount.fill('1.000000000000000001');
    await page.keyboard.press('Enter');
    const notice = page.getByRole('region', { name: 'Decide' });
    const link = notice.getByRole('link', { name: /Open the decision/ });
    await link.waitFor();
    expect(await link.evaluate((anchor: HTMLAnchorElement) => [anchor.href, anchor.target, anchor.rel])).toEqual(['http://127.0.0.1:9/consent', '_blank', 'noopener noreferrer']);
    await expect.poll(() => link.evaluate((anchor) => anchor === document.activeElement)).toBe(true);
    expect(economy.plans).toEqual([{ op: 'stake', amount: '1000000000000000001' }]);
    expect(economy.requests.at(-1)).toMatchObject({ method: 'wallet_sendCalls', params: [{ atomicRequired: false, from: ACCOUNT, chainId: '0x7a69', calls: [{ to: EMBEDDED.contracts.stakes, data: '0x12345678' }, { data: '0x12345678' }] }] });
    expect(await button('Stake …').isDisabled()).toBe(true);
    expect(await card('Stake SUM for this node').innerText()).toContain('A decision waits: decide that one first.');
    expect(await page.locator('.place-badge').innerText()).toBe('1');
    expect(await button('1 decision waits').isVisible()).toBe(true);
    await check('wallet-deciding');
    economy.decide(true);
    await notice.waitFor({ state: 'detached' });
    const newest = card('Transactions').locator('.sent-entry').first();
    await newest.getByText('waits to be sent').first().waitFor();
    expect(await card('Stake SUM for this node').innerText()).toContain('A transaction is under way');
    economy.settle('t2', 'sent');
    await expect.poll(() => page.locator('main [role="status"].unseen').first().innerText()).toBe('Stake: sent, not in a block yet');
    economy.settle('t2', 'confirmed');
    economy.setLedger({ liquid: sum(8764), staked: sum(2501) });
    await expect.poll(() => page.locator('main [role="status"].unseen').first().innerText()).toBe('Stake: done');
    await expect.poll(() => button('Stake …').isDisabled()).toBe(false);
    expect(await amount.inputValue()).toBe('');
    expect(ui.complaints).toEqual([]);
  });

  it('says why a form that is blocked does nothing, each time it is sent, and leaves the focus where it was', async () => {
    await open();
    const form = card('Stake SUM for this node');
    const [amount, submit, said] = [form.getByLabel('Amount, SUM'), form.getByRole('button', { name: 'Stake …' }), form.getByRole('alert')];
    const isFocused = (where: typeof amount) => where.evaluate((element) => element === document.activeElement);
    const describedBy = async () => page.locator(`[id="${await submit.getAttribute('aria-describedby')}"]`).innerText();
    await amount.fill('9000');
    await page.keyboard.press('Enter');
    expect(await said.innerText()).toBe('You have 8,765.432100000000000001 SUM that are liquid.');
    expect(await describedBy()).toBe(await said.innerText());
    await amount.fill('5');
    expect(await said.innerText()).toBe('');
    for (const [change, reason] of [
      [() => economy.tell({ wallet: wallet('locked') }), 'The wallet is locked: unlock it under “Account”.'],
      [() => { economy.sent = [...economy.sent, { id: 'late', what: 'claim', status: 'sent', atMs: Date.now(), steps: [] }]; economy.tell({ wallet: wallet('ready') }); }, 'A transaction is under way'],
      [() => economy.tell({ link: DOWN(economy.nowMs) }), 'The chain does not answer.'],
    ] as const) {
      change();
      await form.locator('.wallet-blocked', { hasText: reason }).waitFor();
      expect(await describedBy()).toContain(reason);
      expect(await said.innerText()).toBe('');
      await amount.press('Enter');
      expect(await said.innerText()).toContain(reason);
      expect(await isFocused(amount)).toBe(true);
      // Told again: by another element, which is what readers listen to.
      const before = await said.elementHandle();
      await submit.focus();
      await page.keyboard.press('Space');
      await expect.poll(() => before?.evaluate((element) => element.isConnected)).toBe(false);
      expect(await said.innerText()).toContain(reason);
      expect(await isFocused(submit)).toBe(true);
    }
    const claim = button('Claim rewards');
    await claim.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'The chain does not answer.' }).nth(1).waitFor({ state: 'attached' });
    expect(economy.plans).toEqual([]);
    await check('wallet-blocked');
    expect(ui.complaints).toEqual([]);
  });

  it('says that nothing was sent when the owner refuses, and what the host says against a plan', async () => {
    await open();
    await button('Claim rewards').click();
    const notice = page.getByRole('region', { name: 'Decide' });
    await notice.waitFor();
    economy.decide(false);
    await page.getByText('You refused it. Nothing was sent.').waitFor();
    economy.planned = () => { throw new CodedError({ code: 'ECONOMY_NOT_POSSIBLE', message: 'another stake is under way', next: 'Wait for it.', fault: 'user' }); };
    await button('Withdraw what is matured').click();
    await page.getByText('Another stake is under way.').waitFor();
    // Whoever reloads finds what waits.
    economy.planned = (op) => ({ what: op.op, calls: [{ what: op.op, to: EMBEDDED.contracts.stakes, data: '0x12', value: '0' }] });
    await button('Withdraw what is matured').click();
    await notice.waitFor();
    await page.reload();
    await button('1 decision waits').click();
    await notice.getByRole('link', { name: /Open the decision/ }).waitFor();
    expect(await button('Withdraw what is matured').isDisabled()).toBe(true);
    expect(ui.complaints).toEqual([]);
  });

  it('sends what each button says', async () => {
    await open();
    const after = async (press: () => Promise<void>): Promise<unknown> => {
      await press();
      await page.getByRole('region', { name: 'Decide' }).waitFor();
      economy.decide(false);
      await page.getByRole('region', { name: 'Decide' }).waitFor({ state: 'detached' });
      return economy.plans.at(-1);
    };
    const unstake = card('Take SUM back');
    await unstake.getByLabel('Amount, SUM').fill('2000');
    await unstake.getByText('What stays has to be at least 1,000 SUM').waitFor();
    expect(await after(async () => {
      await unstake.getByRole('button', { name: /^All/ }).click();
      await unstake.getByRole('button', { name: 'Unstake …' }).click();
    })).toEqual({ op: 'unstake', amount: sum(2500) });
    expect(await after(() => button('Cancel unbonding of 350.25 SUM').click())).toEqual({ op: 'cancel', index: 1 });
    expect(await after(() => button('Withdraw what is matured').click())).toEqual({ op: 'withdraw' });
    expect(await after(() => button(/^Collect the pay/).click())).toMatchObject({ op: 'collect', sessionId: `0x${'1'.repeat(64)}` });
    expect(await after(() => button(/^Take back what is left/).click())).toMatchObject({ op: 'refund', sessionId: `0x${'4'.repeat(64)}` });
    await button('Get test SUM').click();
    await card('Transactions').getByText('Test SUM').waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('goes from no wallet over a locked one to a ready one, by documents of the host alone', async () => {
    economy.sent = [];
    economy.tell({ wallet: NO_WALLET });
    await open();
    await card('Account').getByText('This node has no wallet yet').waitFor();
    await check('wallet-none');
    await button('Create a wallet').click();
    const link = page.getByRole('link', { name: /Open: Create a wallet/ });
    await expect.poll(() => link.evaluate((anchor) => anchor === document.activeElement)).toBe(true);
    await check('wallet-create', 'dark');
    expect(await page.locator('input[type="password"]').count()).toBe(0);
    economy.setLedger({ liquid: '0', staked: '0', gas: '0', rewards: '0', escrow: '0', refundable: '0', unbonding: [], isActive: false });
    economy.earned = (windowMs) => ({ sinceMs: economy.nowMs - windowMs, untilMs: economy.nowMs, ...NOTHING_EARNED });
    economy.tell({ wallet: wallet('locked'), node: { nodeId: `0x${'a'.repeat(64)}`, owner: null } });
    await card('Account').getByText('The wallet is locked').or(card('Account').getByText('Locked', { exact: true })).first().waitFor();
    await link.waitFor({ state: 'detached' });
    expect(await button('Stake …').isDisabled()).toBe(true);
    await card('Stake SUM for this node').getByText('The wallet is locked: unlock it under “Account”.').waitFor();
    await page.getByText('Nothing was earned in this time.').waitFor();
    await check('wallet-locked-empty', 'light');
    economy.documents = () => { throw new CodedError({ code: 'WALLET_NOT_HERE', message: 'not from another machine', fault: 'user' }); };
    await button('Unlock').click();
    await page.getByText('This page was opened from another machine.').waitFor();
    await check('wallet-not-here', 'dark');
    economy.documents = () => ({ where: 'window' });
    await button('Unlock').click();
    await page.getByText('Go on in the window that opened.').waitFor();
    economy.tell({ wallet: wallet('ready') });
    await button('Lock').click();
    await button('Unlock').waitFor();
    expect(economy.asked).toEqual(['create', 'unlock', 'unlock']);
    expect(ui.complaints).toEqual([]);
  });

  it('keeps what it knew when the chain is away, says what waits, and what to do on the wrong one', async () => {
    await open();
    await card('Balance').getByText('As of block 1,204').waitFor();
    economy.fault = new CodedError({ code: 'CHAIN_DOWN', message: 'no RPC endpoint answers', fault: 'local' });
    economy.sent = [...economy.sent, { id: 'late', what: 'claim', status: 'queued', atMs: Date.now(), steps: [] }];
    economy.tell({ link: DOWN(economy.nowMs) });
    await page.getByText('The chain does not answer since').waitFor();
    await page.getByText('1 transaction waits and will be sent when the chain answers again. Nothing is sent twice.').waitFor();
    expect(await card('Balance').locator('.ledger-place-staked .amount').innerText()).toContain('2,500');
    expect(await button('Claim rewards').isDisabled()).toBe(true);
    await check('wallet-down');
    economy.tell({ link: { ...DOWN(economy.nowMs), status: 'wrong-network' } as never, network: CONFIGURED });
    await page.getByText('The chain that answers is another one than configured.').waitFor();
    await check('wallet-wrong', 'light');
    economy.fault = undefined;
    economy.tell({ link: { status: 'starting' }, network: EMBEDDED });
    await page.getByText('The chain is starting.').waitFor();
    await check('wallet-starting', 'dark');
    expect(ui.complaints).toEqual([]);
  });

  it('counts down by the chain’s clock, which may jump', async () => {
    await open();
    await card('Unbonding').locator('.countdown').waitFor();
    economy.tell({ link: { status: 'ready', block: 1205, blockTimeMs: economy.nowMs + 3 * DAY_MS } });
    await expect.poll(() => card('Unbonding').locator('.countdown').innerText()).toMatch(/^1 h \d+ min \d+ s$/);
    economy.tell({ link: { status: 'ready', block: 1206, blockTimeMs: economy.nowMs + 4 * DAY_MS } });
    await card('Unbonding').locator('.countdown').waitFor({ state: 'detached' });
    expect(ui.complaints).toEqual([]);
  });

  it('says why a wallet of the browser cannot reach the test chain; on another it brings SUM, for itself and unmistakably', async () => {
    await page.addInitScript(injectWallet, '0x2105');
    await open();
    await card('A wallet of this browser').getByText('a wallet of the browser does not reach it').waitFor();
    expect(await button(/^Connect/).count()).toBe(0);
    expect(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('wagmi')))).toEqual([]);
    economy.tell({ network: CONFIGURED });
    await button('Connect Injected').waitFor();
    expect(await page.locator('.test-mark, .network-test').count()).toBe(0);
    await button('Connect Injected').click();
    const [host, outside] = [page.getByRole('radio', { name: /This app’s wallet/ }), page.getByRole('radio', { name: /Browser wallet: Injected/ })];
    await expect.poll(() => outside.isChecked()).toBe(true);
    await card('Balance').getByText('browser wallet 0x7099…79C8').waitFor();
    // The node is another account's: nothing of it is offered.
    await card('A wallet of this browser').getByText('The node belongs to another account').waitFor();
    expect(await page.locator('#wallet-stake-amount, #wallet-unstake-amount').count()).toBe(0);
    expect(await button(/^Collect the pay/).count()).toBe(0);
    const [bring, amount] = [button('Send to this app’s wallet …'), card('A wallet of this browser').getByLabel('SUM from the browser wallet')];
    // It takes the focus whatever is the matter, and says that when it is pressed.
    economy.tell({ link: DOWN(economy.nowMs) });
    await expect.poll(() => bring.isDisabled()).toBe(true);
    await bring.focus();
    expect(await bring.evaluate((own) => document.activeElement === own)).toBe(true);
    await page.keyboard.press('Enter');
    await card('A wallet of this browser').getByRole('alert').filter({ hasText: 'The chain does not answer.' }).waitFor({ state: 'attached' });
    economy.tell({ link: { status: 'ready', block: 1204, blockTimeMs: economy.nowMs } });
    await expect.poll(() => bring.isDisabled()).toBe(false);
    await bring.click();
    await expect.poll(() => amount.evaluate((own) => document.activeElement === own)).toBe(true);
    expect(economy.plans).toEqual([]);
    await amount.fill('2.5');
    await check('wallet-browser', 'light');
    await bring.click();
    await card('By the browser wallet').getByText('in a block').waitFor();
    expect(economy.plans).toEqual([{ op: 'transfer', to: ACCOUNT, amount: '2500000000000000000', account: OUTSIDE }]);
    const sent = await page.evaluate(() => (globalThis as unknown as { sent: Array<{ to: string; data: string }> }).sent);
    expect(sent).toMatchObject([{ to: CONFIGURED.contracts.stakes, data: '0x12345678', from: OUTSIDE }]);
    expect(economy.requests.filter(({ method }) => method === 'wallet_sendCalls')).toEqual([]);
    await host.check();
    await button('Stake …').waitFor();
    expect(await page.locator('.source-mark').count()).toBe(0);
    // As its owner, and on a chain that the wallet has to look for.
    economy.tell({ node: { nodeId: `0x${'a'.repeat(64)}`, owner: OUTSIDE }, network: { ...CONFIGURED, chainId: 10 } });
    await button('Connect Injected').click();
    await page.getByText('on another chain (8453)').waitFor();
    await page.getByText('add it there by hand: “Example chain”, number 10').waitFor();
    await card('A wallet of this browser').getByText('This account owns the node').waitFor();
    expect(await button('Stake with the browser wallet …').isDisabled()).toBe(true);
    await check('wallet-browser-owner');
    expect(ui.complaints).toEqual([]);
  });
});

/** Runs in the page: a wallet as extensions put it there. */
function injectWallet(chainId: string): void {
  const sent: unknown[] = [];
  const account = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
  const answers: Record<string, (params: unknown[]) => unknown> = {
    eth_chainId: () => chainId, eth_accounts: () => [account], eth_requestAccounts: () => [account], wallet_requestPermissions: () => [{ caveats: [{ value: [account] }] }],
    eth_sendTransaction: ([one]) => { sent.push(one); return `0x${'d'.repeat(64)}`; },
  };
  const request = async ({ method, params }: { method: string; params?: unknown[] }): Promise<unknown> => answers[method]?.(params ?? []) ?? null;
  Object.assign(globalThis, { sent, ethereum: { request, on: () => undefined, removeListener: () => undefined } });
}
