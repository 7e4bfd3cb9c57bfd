import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { zeroHash } from 'viem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { billHash, leafOf, sessionIdOf, type Bill, type Hex } from '../../src-main/chain/index.ts';
import { startHeadless, type HeadlessServer } from '../../src-main/headless/index.ts';
import { appPaths, buildHost, loadSettings, type Host } from '../../src-main/host/index.ts';
import type { EconomyHost } from '../../src-main/host/economy/economy-host.ts';
import { PayChain } from '../../src-main/host/paid/index.ts';
import { accountOn } from '../support/sum-ground.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, renderer, uiMissing } from '../support/ui.ts';
import { CHEAP, PASSWORD } from '../support/wallet-ground.ts';

const why = uiMissing('real-wallet');
const DAY_S = 86_400;
const UNIT = 10n ** 18n;
const KEY = 'key-of-the-real-wallet-test';

describe.skipIf(why !== undefined)('the wallet over the embedded chain, in Chromium', () => {
  const ui = useChromium();
  let home: string;
  let host: Host;
  /** Once somebody wanted the chain. */
  let economyHost: EconomyHost | undefined;
  let server: HeadlessServer;
  let page: Page;
  /** All that crossed the bridge. */
  let frames: string[];

  beforeEach(async () => {
    home = await ui.folder();
    frames = [];
    await start();
    page = await ui.newPage();
    page.on('websocket', (socket) => {
      const keep = ({ payload }: { readonly payload: string | Buffer }): void => void frames.push(String(payload));
      socket.on('framereceived', keep).on('framesent', keep);
    });
  });
  afterEach(async () => {
    await server.stop();
  });

  async function start(): Promise<void> {
    const settings = await loadSettings({ home, dht: false, calibrate: false }, { OMNINODE_UI_TOKEN: KEY });
    host = await buildHost({ settings, paths: appPaths(), mode: 'headless', nodes: 1, economyForTests: { chain: { canTravel: true }, wallet: { costForTests: CHEAP }, onOpened: (opened) => { economyHost = opened; } } });
    server = await startHeadless({ host, settings, renderer });
    await server.started;
  }
  const economy = (): EconomyHost => {
    if (economyHost === undefined) expect.fail('the host has no chain');
    return economyHost;
  };
  const card = (name: string) => page.getByRole('region', { name, exact: true });
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const place = (name: string) => card('Balance').locator(`.ledger-place-${name} .amount`);
  const amountOf = async (name: string): Promise<string> => (await place(name).innerText()).replace(/\s+/g, ' ');
  /** The host's own document, in the tab that its link opens. */
  const documentOf = async (link: RegExp): Promise<Page> => {
    const [opened] = await Promise.all([ui.context.waitForEvent('page'), page.getByRole('link', { name: link }).click()]);
    await opened.waitForLoadState();
    return opened;
  };
  /** Where it is asked for. */
  const approve = async (): Promise<void> => {
    const shown = await documentOf(/Open the decision/);
    const since = performance.now();
    await expect.poll(() => performance.now() - since, { timeout: 10_000 }).toBeGreaterThan(1_100);
    const password = shown.getByLabel('Password', { exact: true });
    if (await password.count() > 0) await password.fill(PASSWORD);
    const read = shown.getByLabel('I have read this, and want it.');
    if (await read.count() > 0) await read.check();
    await shown.getByRole('button', { name: 'Approve' }).click();
    await shown.getByRole('heading', { name: 'Approved' }).waitFor();
    await shown.close();
    await page.getByRole('region', { name: 'Decide' }).waitFor({ state: 'detached' });
  };

  it('create, get test SUM, stake, take back, wait seven days, withdraw, claim; no secret crosses the bridge or lies in a file', async () => {
    await page.goto(server.url);
    await page.getByText('Ready', { exact: true }).waitFor();
    await page.keyboard.press('Alt+6');
    await button('Create a wallet').click();
    const created = await documentOf(/Create a wallet/);
    await created.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await created.getByLabel('New password again').fill(PASSWORD);
    await created.getByRole('button', { name: 'Create the wallet' }).click();
    const phrase = await created.locator('ol.phrase li').allTextContents();
    expect(phrase).toHaveLength(24);
    await created.close();

    await button('Get test SUM').click();
    await expect.poll(() => amountOf('liquid'), { timeout: 60_000 }).toBe('20,000 SUM');
    await page.locator('#wallet-stake-amount').fill('1500');
    // By its button, which waits until the transaction before is done.
    await button('Stake …').click();
    await approve();
    await expect.poll(() => amountOf('staked'), { timeout: 60_000 }).toBe('1,500 SUM');
    expect(await amountOf('liquid')).toBe('18,500 SUM');
    await checkLooks(page, 'real-wallet-staked');
    const session = await workedFor();

    await page.locator('#wallet-unstake-amount').fill('500');
    await button('Unstake …').click();
    await approve();
    await expect.poll(() => amountOf('unbonding'), { timeout: 60_000 }).toBe('500 SUM');
    const countdown = card('Unbonding').locator('.countdown');
    await expect.poll(() => countdown.innerText()).toMatch(/^6 d 23 h \d+ min$|^7 d 0 h 0 min$/);
    expect(await button('Withdraw what is matured').count()).toBe(0);
    const chain = await economy().chain();
    await chain.travel(2 * DAY_S);
    session.settle();
    await approve();
    await expect.poll(() => amountOf('liquid'), { timeout: 60_000 }).toBe('18,509.5 SUM');
    await expect.poll(() => countdown.innerText()).toMatch(/^4 d 23 h \d+ min$|^5 d 0 h 0 min$/);
    await chain.travel(5 * DAY_S);
    await card('Unbonding').getByText('Can be withdrawn').waitFor();
    await button('Withdraw what is matured').click();
    await approve();
    await expect.poll(() => amountOf('liquid'), { timeout: 60_000 }).toBe('19,009.5 SUM');
    await session.distribute();
    await button('Claim rewards').click();
    await approve();
    // 9.5 of the 10, for half a SUM is burned; and of nine tenths of that: half for want of a score, a tenth for 1,000 SUM staked.
    await expect.poll(() => amountOf('liquid'), { timeout: 60_000 }).toBe('19,009.5225 SUM');
    await expectNowhere([phrase.join(' '), PASSWORD]);
    expect(ui.complaints).toEqual([]);
  });

  /** Somebody opens a session with this node and vouches for work of 10 SUM; what is left to do for both sides after it. */
  async function workedFor() {
    const sum = await economy().chain();
    const [chain, payer, nodeId] = [new PayChain(sum), await accountOn(sum), economy().now().node?.nodeId as Hex];
    const salt: Hex = `0x${'07'.repeat(32)}`;
    const place = { chainId: sum.network.chainId, settlement: chain.settlement };
    const sessionId = sessionIdOf(place, { payer: payer.address, salt });
    await payer.send('open', chain.open({ salt, durationS: 60n, nodeIds: [nodeId], caps: [10n * UNIT] }));
    const bill: Bill = { sessionId, workId: `0x${'08'.repeat(32)}`, nodeId, firstLayer: 0, lastLayer: 4, tokens: 1_000n, amount: 10n * UNIT, receiptsRoot: zeroHash };
    const root = leafOf(billHash(bill, place));
    const signature = await payer.wallet.signVoucher({ ...place, sessionId, root, amount: bill.amount });
    await payer.send('post', chain.post(sessionId, { root, signature }));
    return {
      settle: () => void economy().sender.send({ asker: { kind: 'session', name: 'Paid sessions' }, what: 'claim', calls: chain.collect(bill, { root, path: [] }) }),
      distribute: async () => {
        await payer.send('distribute', chain.distribute(sessionId, 1));
        await payer.send('reward', chain.reward(sessionId, nodeId, await chain.allocation(sessionId, nodeId)));
      },
    };
  }

  /** Neither in what page and host told each other nor in a file. */
  async function expectNowhere(secrets: readonly string[]): Promise<void> {
    expect(frames.length).toBeGreaterThan(10);
    const files = (await readdir(home, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
    const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')));
    for (const secret of secrets) expect([...frames, ...texts].some((text) => text.includes(secret))).toBe(false);
  }
});
