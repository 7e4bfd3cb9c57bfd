import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestBrowser } from '../support/browser.ts';
import { LOOK_MS, openReadyPage, QUIET_ENV, REAL_TIMEOUT_MS, realMissing, RealHosts, type Serving } from '../support/real-host.ts';
import { checkLooks, openTestBrowser, overflowOf } from '../support/ui.ts';

const why = realMissing('real-chat');

const QUESTION = 'How does OmniNode split a model?';
// What it said it says again: an answer of which no machine sees the end while a test looks.
const ENDLESS = { 'Repetition penalty': '0.1', 'Most tokens': '7000' };
const CONFIG = { contextTokens: 8192 };

// One after the other goes on where the one before ended.
describe.skipIf(why !== undefined || process.platform === 'win32')('chatting with a real host and its three node processes', () => {
  let browser: TestBrowser;
  let hosts: RealHosts;
  let host: Serving;
  let page: Page;

  const home = () => join(hosts.folder, 'home');
  // Restarted with the same key and port, so that the page finds it again.
  const serve = (port: string) => hosts.serve({ home: home(), args: ['--port', port], env: { ...QUIET_ENV, OMNINODE_UI_TOKEN: 'key-of-the-chat-test' }, config: CONFIG, isNode: true });
  beforeAll(async () => {
    [browser, hosts] = await Promise.all([openTestBrowser(), RealHosts.open()]);
    host = await serve('0');
    page = await openReadyPage(browser, host.url);
  }, REAL_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await hosts?.stop();
  });

  const field = () => page.getByLabel('Your question');
  const answer = () => page.locator('.answer-text').last();
  const running = () => page.locator('.answer-running', { hasText: /\S/ });
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
  const said = (): Promise<string> => answer().innerText();
  const ask = async (question: string): Promise<void> => {
    await field().fill(question);
    await field().press('Enter');
  };
  const set = async (options: Readonly<Record<string, string>>): Promise<void> => {
    await page.getByRole('button', { name: 'Instructions and parameters' }).click();
    for (const [label, value] of Object.entries(options)) await page.getByLabel(label, { exact: true }).fill(value);
    await button('Apply').click();
  };
  const stop = async (): Promise<string> => {
    await button('Stop').click();
    await page.getByText('Stopped').waitFor();
    return said();
  };
  const more = async (title: string, what: string): Promise<void> => {
    await page.getByLabel(`More about ${title}`, { exact: true }).first().click();
    await page.getByRole('button', { name: what, exact: true }).click();
  };
  const exported = async (title: string, what: string): Promise<string> => {
    const [file] = await Promise.all([page.waitForEvent('download'), more(title, what)]);
    return readFile(await file.path(), 'utf8');
  };
  /** What of the answer under way is on the disk. */
  const saved = (): string => {
    const db = new DatabaseSync(join(home(), 'chats.db'), { readOnly: true });
    try {
      return String(db.prepare("SELECT content FROM messages WHERE state = 'writing'").get()?.['content'] ?? '');
    } finally {
      db.close();
    }
  };

  it('answers a new chat with the options set before its first question, stops by Escape and goes on', async () => {
    await set(ENDLESS);
    await ask(QUESTION);
    await running().waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Stopped').waitFor();
    const half = await said();
    expect(half).not.toBe('');
    await button('Continue').click();
    await expect.poll(async () => (await said()).length, { timeout: LOOK_MS }).toBeGreaterThan(half.length);
    expect((await stop()).startsWith(half)).toBe(true);
  }, REAL_TIMEOUT_MS);

  it('edits into a branch, writes again, and keeps each variant', async () => {
    const first = await said();
    await set({ 'Repetition penalty': '', 'Most tokens': '12' });
    await button('Edit').click();
    await page.getByLabel('Edited question').fill('What is a shard?');
    await page.getByLabel('Edited question').press('Enter');
    await page.getByRole('group', { name: 'Variants of this question' }).getByText('2/2').waitFor();
    await page.getByText('Cut at the token limit').waitFor();
    const second = await said();
    await button('Try again').click();
    await page.getByRole('group', { name: 'Variants of this answer' }).getByText('2/2').waitFor();
    await page.getByText('Cut at the token limit').waitFor();
    expect(await said()).toBe(second);
    await button('Previous question').click();
    await expect.poll(said, { timeout: LOOK_MS }).toBe(first);
    await checkLooks(page, 'real-chat');
  }, REAL_TIMEOUT_MS);

  it('renames, finds in every branch, exports, and imports the same again', async () => {
    await more(QUESTION, 'Rename');
    await page.getByLabel('New name').fill('Splitting');
    await page.getByLabel('New name').press('Enter');
    await page.getByLabel('Search conversations').fill('shard?');
    await page.getByRole('list', { name: 'Found' }).getByRole('button').first().click();
    await page.getByRole('group', { name: 'Variants of this question' }).getByText('2/2').waitFor();
    await page.getByLabel('Search conversations').fill('');

    const [markdown, json] = [await exported('Splitting', 'Export as markdown'), await exported('Splitting', 'Export as JSON')];
    expect(markdown).toMatch(/^# Splitting\n\n## You\n\nWhat is a shard\?\n\n## Assistant\n\n\S/);
    const whole = JSON.parse(json) as { readonly messages: ReadonlyArray<{ readonly role: string; readonly content: string }> };
    expect(whole.messages.filter(({ role }) => role === 'user').map(({ content }) => content)).toEqual([QUESTION, 'What is a shard?']);
    await page.getByLabel('File to import').setInputFiles({ name: 'again.json', mimeType: 'application/json', buffer: Buffer.from(json.replace('"Splitting"', '"Again"')) });
    expect(JSON.parse(await exported('Again', 'Export as JSON'))).toEqual({ ...whole, title: 'Again' });
    await page.getByLabel('File to import').setInputFiles({ name: 'text.md', mimeType: 'text/markdown', buffer: Buffer.from(markdown.replace('# Splitting', '# Only text')) });
    expect(await exported('Only text', 'Export as markdown')).toBe(markdown.replace('# Splitting', '# Only text'));
  }, REAL_TIMEOUT_MS);

  it('comes back after a host that was killed in mid-answer, with its part and the draft', async () => {
    await button('New chat').click();
    await set(ENDLESS);
    await ask('What is a pipeline?');
    await expect.poll(saved, { timeout: LOOK_MS }).not.toBe('');
    const kept = saved();
    await field().fill('a draft that is kept');
    host.cli.child.kill('SIGKILL');
    await host.cli.done;
    await page.getByText('The connection to your node was lost.').waitFor();
    host = await serve(new URL(host.url).port);
    await page.getByText('The connection to your node was lost.').waitFor({ state: 'detached' });
    await page.getByText('The node was stopped while it wrote this.').waitFor();
    const part = await said();
    expect(part.replaceAll(/\s+/g, '').startsWith(kept.replaceAll(/\s+/g, ''))).toBe(true);
    expect(await field().inputValue()).toBe('a draft that is kept');
    await page.getByText('Ready', { exact: true }).waitFor();
    await button('Continue').click();
    await expect.poll(async () => (await said()).length, { timeout: LOOK_MS }).toBeGreaterThan(part.length);
    const whole = await stop();
    expect(whole.startsWith(part)).toBe(true);

    await page.reload();
    await page.getByText('Stopped').waitFor();
    expect(await said()).toBe(whole);
    expect(await field().inputValue()).toBe('a draft that is kept');
    // A context of another size takes the model anew, not the node.
    await page.keyboard.press('Alt+7');
    await page.getByRole('navigation', { name: 'Parts of the settings' }).getByRole('button', { name: 'This node', exact: true }).click();
    await page.getByLabel('Context size (tokens)').fill('1024');
    await page.getByLabel('Name', { exact: true }).fill('studio');
    await button('Save').click();
    await button('Load it anew now').click();
    await page.locator('.setting-badge').waitFor({ state: 'detached' });
    expect(await page.getByLabel('Context size (tokens)').inputValue()).toBe('1024');
    await button('Chat').click();
    await button('Continue').click();
    await page.getByText('Cut: context is full').waitFor();

    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toBe(0);
    await checkLooks(page, 'real-chat-narrow');
  }, REAL_TIMEOUT_MS);
});
