import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { encodeFunctionData, parseEther } from 'viem';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src-main/base/index.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, overflowOf, shots, uiMissing } from '../support/ui.ts';
import { NETWORK, PASSWORD, STAKING_ABI, TOKEN_ABI, walletGround, type WalletGround } from '../support/wallet-ground.ts';

/** A busy machine takes long. */
const PATIENT = { timeout: 60_000 };
const why = uiMissing('wallet-documents');
const { SumToken, StakingContract } = NETWORK.contracts;
const amount = parseEther('250');
const STAKE = [
  { to: SumToken, data: encodeFunctionData({ abi: TOKEN_ABI, functionName: 'approve', args: [StakingContract, amount] }) },
  { to: StakingContract, data: encodeFunctionData({ abi: STAKING_ABI, functionName: 'stake', args: [`0x${'9'.repeat(64)}`, amount] }) },
];

describe.skipIf(why !== undefined)('the wallet’s documents, in Chromium', () => {
  const ui = useChromium();
  let ground: WalletGround;
  let clock: ManualClock;
  let page: Page;
  /** Any other page on this machine. */
  let site: Server;
  let siteUrl: string;

  beforeAll(async () => {
    site = createServer((_, reply) => reply.setHeader('content-type', 'text/html').end('<!doctype html><title>other</title><button>press</button>'));
    await new Promise<void>((resolve) => void site.listen(0, '127.0.0.1', resolve));
    siteUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  });
  afterAll(async () => {
    site?.close();
  });
  beforeEach(async () => {
    clock = new ManualClock(Date.UTC(2027, 0, 15));
    ground = await walletGround({ clock });
    page = await ui.newPage();
  });
  afterEach(async () => {
    await ground.stop();
  });

  const open = async (document: Parameters<WalletGround['documents']['open']>[0]): Promise<string> => {
    const { url } = await ground.documents.open(document);
    await page.goto(url);
    return url;
  };
  const askToStake = () => ground.provider.answer({ method: 'wallet_sendCalls', params: [{ version: '2.0.0', chainId: '0x7a69', atomicRequired: false, calls: STAKE }] });
  const waiting = (count: number) => expect.poll(() => ground.consents.waiting().length, PATIENT).toBe(count);
  /** No decision counts in the first second. */
  const readFor = (): void => clock.advance(1_100);
  const narrow = async (name: string): Promise<void> => {
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page), name).toBe(0);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.screenshot({ path: join(shots, `${name}-narrow.png`), fullPage: true });
    await page.setViewportSize({ width: 1100, height: 760 });
  };

  it('create a wallet and show its phrase once, export it, unlock it, set its limit', async () => {
    await open('create');
    await checkLooks(page, 'wallet-create');
    await narrow('wallet-create');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('password');
    await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('New password again').fill('another one of those');
    await page.getByRole('button', { name: 'Create the wallet' }).click();
    await page.getByRole('alert').getByText('not the same').waitFor();
    await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('New password again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create the wallet' }).click();
    await page.getByRole('heading', { name: 'Your phrase' }).waitFor();
    await checkLooks(page, 'wallet-phrase');
    const words = await page.locator('ol.phrase li').allTextContents();
    expect([words.length, ground.wallet.state().status]).toEqual([24, 'ready']);

    ground.wallet.lock();
    await open('unlock');
    await page.getByLabel('Password', { exact: true }).fill('wrong password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('not the password').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'The wallet is unlocked' }).waitFor();
    expect(ground.wallet.state().status).toBe('ready');

    await open('export');
    await page.getByLabel('The phrase').check();
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Show it' }).click();
    await page.getByRole('heading', { name: 'Your phrase' }).waitFor();
    expect(await page.locator('ol.phrase li').allTextContents()).toEqual(words);

    await open('limits');
    await checkLooks(page, 'wallet-limits');
    await narrow('wallet-limits');
    await page.getByLabel('SUM a day').fill('12.5');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Set the limit' }).click();
    await page.getByText('SUM a day: 12.5.').waitFor();
    expect(ground.wallet.state()).toMatchObject({ spend: { perDayUnits: parseEther('12.5') } });
    expect(ui.complaints.filter((text) => !text.includes('422'))).toEqual([]);
  });

  it('import a phrase', async () => {
    await open('import');
    await page.getByLabel('Phrase, private key').fill('test test test test test test test test test test test junk');
    await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('New password again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Import the wallet' }).click();
    await page.getByText('0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266').first().waitFor();
  });

  it('show what is to be sent, and take a decision: read first, then approve or refuse', async () => {
    await ground.wallet.create(PASSWORD);
    const [first, second] = [askToStake(), askToStake()];
    await waiting(2);
    await open('consent');
    await page.getByRole('heading', { name: 'Send this?' }).waitFor();
    await page.getByText('250 SUM', { exact: true }).first().waitFor();
    await page.getByRole('heading', { name: '2. stake' }).waitFor();
    // In words, and as the contract has it.
    expect(await page.getByRole('heading', { name: '1.' }).innerText()).toBe('1. Let a contract take SUM approve');
    expect(await page.locator('section.call').first().locator('dl').innerText()).toMatch(/Who may take it spender\s+0x3[^]*Amount value\s+250 SUM 250000000000000000000/);
    await page.getByText('Works', { exact: true }).waitFor();
    await page.getByText('1 more waits after this one.').waitFor();
    await checkLooks(page, 'wallet-consent');
    await narrow('wallet-consent');
    await page.locator('summary').first().click();
    await page.locator('pre').first().waitFor();
    // Without the box nothing is sent: the browser stops at it.
    await page.getByRole('button', { name: 'Approve' }).click();
    expect(ground.consents.waiting().length).toBe(2);
    await page.getByLabel('I have read this').check();
    readFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'Approved' }).waitFor();
    expect(await first).toMatchObject({ result: { id: expect.any(String) } });
    await page.getByRole('link', { name: 'Show the next one' }).click();
    await page.getByRole('heading', { name: 'Send this?' }).waitFor();
    await page.getByRole('button', { name: 'Refuse' }).click();
    await page.getByRole('heading', { name: 'Refused' }).waitFor();
    expect(await second).toMatchObject({ error: { code: 4001 } });
    expect(ground.outbox.batches.size).toBe(1);
    expect(ui.complaints).toEqual([]);
  });

  it('ask for the password beyond the limit, when locked, and under a warning; a click in the first second counts for nothing', async () => {
    await ground.wallet.create(PASSWORD);
    await ground.wallet.setLimit(parseEther('100'), PASSWORD);
    const answer = askToStake();
    await waiting(1);
    await open('consent');
    await page.getByText('goes beyond what may leave').waitFor();
    await page.getByLabel('Password', { exact: true }).fill('not the password');
    readFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('alert').getByText('not the password').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    readFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'Approved' }).waitFor();
    expect(await answer).toMatchObject({ result: {} });

    ground.wallet.lock();
    const signing = ground.provider.answer({ method: 'personal_sign', params: [`0x${'ff'.repeat(32)}`, ground.wallet.address] });
    await waiting(1);
    await open('consent');
    await page.getByText('no readable text').waitFor();
    await page.getByText('The wallet is locked').waitFor();
    await checkLooks(page, 'wallet-consent-message');
    const { url } = await ground.documents.open('consent');
    // As fast as a program could.
    await page.goto(url);
    await page.evaluate((password) => {
      (document.querySelector('input[type=password]') as HTMLInputElement).value = password;
      (document.querySelector('button[value=approve]') as HTMLButtonElement).click();
    }, PASSWORD);
    await page.getByRole('alert').getByText('within a second').waitFor();
    expect(ground.consents.waiting().length).toBe(1);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    readFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Approved' }).waitFor();
    expect(await signing).toMatchObject({ result: expect.stringMatching(/^0x[0-9a-f]{130}$/) });
  });

  it('are nothing that a script of another page can read, frame, open with a way back, or send', async () => {
    await ground.wallet.create(PASSWORD);
    const answer = askToStake();
    await waiting(1);
    const { url } = await ground.documents.open('consent');
    await page.goto(siteUrl);
    const tried = await page.evaluate(async (target) => {
      const outcome = (run: () => Promise<unknown>) => run().then((value) => String(value), (error: Error) => error.name);
      const frame = (tag: string, attribute: string) => new Promise<string>((resolve) => {
        const element = document.createElement(tag);
        element.setAttribute(attribute, target);
        element.addEventListener('load', () => resolve(String((element as HTMLIFrameElement).contentDocument?.body?.innerText ?? 'nothing to read')));
        element.addEventListener('error', () => resolve('error'));
        document.body.append(element);
      });
      return {
        fetched: await outcome(async () => (await fetch(target)).text()),
        credentialed: await outcome(async () => (await fetch(target, { credentials: 'include' })).text()),
        opaque: await outcome(async () => (await fetch(target, { mode: 'no-cors' })).type),
        posted: await outcome(async () => (await fetch(target, { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'token=x&action=main&decision=approve&read=yes' })).type),
        framed: await frame('iframe', 'src'), embedded: await frame('embed', 'src'), object: await frame('object', 'data'),
        script: await frame('script', 'src'), image: await frame('img', 'src'),
      };
    }, url);
    for (const text of Object.values(tried)) expect(text).not.toContain('250');
    expect([tried.fetched, tried.credentialed]).toEqual(['TypeError', 'TypeError']);
    expect(ground.consents.waiting().length).toBe(1);

    // A window of it: no handle to it, and none in it.
    const [opened] = await Promise.all([ui.context.waitForEvent('page'), page.evaluate((target) => {
      (globalThis as unknown as { its: Window | null }).its = window.open(target, 'document');
    }, url)]);
    await opened.getByRole('heading', { name: 'Send this?' }).waitFor();
    const reach = await page.evaluate(() => {
      const { its } = globalThis as unknown as { its: Window };
      try {
        return [its.closed, its.length, its.document.title];
      } catch (error) {
        return [its.closed, (error as Error).name];
      }
    });
    expect(reach[0]).toBe(true);
    expect(JSON.stringify(reach)).not.toContain('Send');
    expect(await opened.evaluate(() => window.opener)).toBeNull();
    // Nor does code run in it, had somebody brought a line of it there.
    expect(await opened.evaluate(() => {
      const script = document.createElement('script');
      try {
        script.text = 'document.title = "mine"';
        document.body.append(script);
      } catch { /* trusted types */ }
      return document.title;
    })).not.toBe('mine');

    // The very token of the form, sent from elsewhere.
    const token = await opened.locator('input[name=token]').inputValue();
    await page.evaluate(({ target, secret }) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action: target });
      for (const [name, value] of Object.entries({ token: secret, action: 'main', decision: 'approve', read: 'yes' })) form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
      document.body.append(form);
      form.submit();
    }, { target: url, secret: token });
    await page.getByRole('heading', { name: 'Not here' }).waitFor();
    expect(ground.consents.waiting().length).toBe(1);

    // And by no browser: whatever it claims but that.
    const form = new URLSearchParams({ token, action: 'main', decision: 'approve', read: 'yes' });
    expect((await fetch(url)).status).toBe(403);
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(403);
    expect(ground.outbox.batches.size).toBe(0);
    await opened.getByLabel('I have read this').check();
    readFor();
    await opened.getByRole('button', { name: 'Approve' }).click();
    await opened.getByRole('heading', { name: 'Approved' }).waitFor();
    expect(await answer).toMatchObject({ result: {} });
    // The port is closed with the last document.
    await expect.poll(() => fetch(url).then(() => 'open', () => 'closed'), PATIENT).toBe('closed');
    await opened.close();
  });
});
