import { readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import type { RatedAnswer } from '../../src-main/chats/index.ts';
import type { Paying } from '../../src-preload/bridge/index.ts';
import { FINISH, INVITATION, ScriptedHost, STAGES, STANDING, untilStopped } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, overflowOf, shots, uiMissing } from '../support/ui.ts';

const why = uiMissing('chat');

const LONG = 'OmniNode cuts a model into shards of whole layers. Each node loads only its own shard, runs its layers and sends the hidden states on to the next node.\n\nThe last node picks the next token and hands it back, so the answer appears here word by word.';

/** What three machines ask before a session is open. */
const AHEAD: Paying = { state: 'ahead', machines: 3, most: `${6n * 10n ** 17n}`, per1000: `${3n * 10n ** 18n}` };

const RICH = `## What it can write

A **bold** word, \`code\`, [a page](https://example.org/), [no page](javascript:alert(1)) and ![a picture](https://example.org/x.png).

| layer | ms |
|---|---|
| 0 | 7.9 |
| 1 | 8.1 |

\`\`\`ts
const layers: number = 6;
\`\`\`

The time is \\(t = C + 2r\\), or

\\[ t = \\sum_{i=1}^{S} \\frac{c_i}{2} \\]

1. one
2. two

<script>alert(1)</script>`;

describe.skipIf(why !== undefined)('the chat page in Chromium', () => {
  const ui = useChromium('clipboard-read', 'clipboard-write');
  let host: ScriptedHost;
  let page: Page;
  beforeEach(async () => {
    page = await ui.show(host = new ScriptedHost());
  });

  const field = () => page.getByLabel('Your question');
  const ask = async (question: string): Promise<void> => {
    await field().fill(question);
    await field().press('Enter');
  };
  const check = (name: string) => checkLooks(page, name);
  const overflow = () => overflowOf(page);

  it('hides the key, keeps the policy, asks a suggestion by click', async () => {
    expect(page.url()).toBe(ui.server.address);
    await check('empty');
    await page.getByRole('button', { name: 'How does OmniNode split a model?' }).click();
    await page.getByText('3 stages · 41 tok/s · first token 120 ms').waitFor();
    expect(host.requests[0]?.messages).toEqual([{ role: 'user', content: 'How does OmniNode split a model?' }]);
    expect(await page.getByText('Only this machine sees this chat.').isVisible()).toBe(true);
    expect(ui.complaints).toEqual([]);
  });

  it('says what is thought of an answer that was paid for, by keys too, and nothing of one that was not', async () => {
    const rated: RatedAnswer[] = [];
    host.rate = (one) => void rated.push(one);
    await ask('for nothing');
    await page.getByText('first token').waitFor();
    expect(await page.locator('.thumb').count()).toBe(0);
    host.script = async function* () {
      yield { text: 'paid' };
      yield { done: FINISH, paidSession: 'session-1' };
    };
    await ask('for pay');
    const thumbs = page.getByRole('group', { name: 'Was this answer good?' });
    const [good, bad] = [thumbs.getByRole('button', { name: 'Good answer' }), thumbs.getByRole('button', { name: 'Bad answer' })];
    await good.waitFor();
    const pressed = async () => [await good.getAttribute('aria-pressed'), await bad.getAttribute('aria-pressed')];
    expect(await pressed()).toEqual(['false', 'false']);
    expect(await page.locator(`#${await bad.getAttribute('aria-describedby')}`).textContent()).toContain('counts for the reward of the machines');
    await bad.focus();
    await page.keyboard.press('Space');
    await expect.poll(pressed).toEqual(['false', 'true']);
    expect(await bad.evaluate((button) => document.activeElement === button)).toBe(true);
    await check('thumbs');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflow()).toBe(0);
    await check('thumbs-390');
    await page.reload();
    await expect.poll(pressed).toEqual(['false', 'true']);
    await good.click();
    await expect.poll(pressed).toEqual(['true', 'false']);
    await good.click();
    await expect.poll(pressed).toEqual(['false', 'false']);
    expect(rated.map(({ session, rating }) => [session, rating])).toEqual([['session-1', 'bad'], ['session-1', 'good'], ['session-1', null]]);
    host.rate = () => { throw new CodedError({ code: 'PAY_SCORED', message: 'in the words of the node', fault: 'user', meta: { session: 'session-1' } }); };
    await bad.click();
    await page.getByText('session is on the chain already').waitFor();
    expect(await pressed()).toEqual(['false', 'false']);
    expect(ui.complaints).toEqual([]);
  });

  it('renders what a model writes as text', async () => {
    await ask('<img src=x onerror="document.title=1"> & <b>bold</b>\nsecond line');
    await page.getByText('first token').waitFor();
    expect(await page.getByTestId('answer').locator('img, b').count()).toBe(0);
    expect(await page.getByTestId('answer').innerText()).toContain('<b>bold</b>\nsecond line');
    expect(await page.title()).toBe('OmniNode');
  });

  it('works by keyboard alone: lines, sending, stopping, focus', async () => {
    host.script = untilStopped('begun');
    await field().press('a');
    await field().press('Shift+Enter');
    await field().press('b');
    await field().press('Enter');
    await page.getByText('begun').first().waitFor();
    expect(host.requests[0]?.messages.at(-1)?.content).toBe('a\nb');
    await page.keyboard.press('Escape');
    await page.getByText('Stopped').waitFor();
    await expect.poll(() => field().evaluate((element) => element === document.activeElement)).toBe(true);
    expect(ui.complaints).toEqual([]);
  });

  it('shows an answer being written, and how many wait, and is not broken by it', async () => {
    host.script = untilStopped(LONG);
    await ask('How does OmniNode split a model?');
    await page.locator('.answer-text', { hasText: 'word by word' }).waitFor();
    host.setActivity({ answering: 1, waiting: 2 });
    await page.getByRole('button', { name: '3 stages on this machine · writing an answer · 2 waiting' }).waitFor();
    await check('streaming');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped').waitFor();
  });

  it('says what holds an answer up, and goes on', async () => {
    const steps = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    host.script = async function* () {
      yield { progress: { kind: 'waiting', ahead: 2 } };
      await steps[0]?.promise;
      yield { progress: { kind: 'answering' } };
      yield { text: 'The first half, ' };
      yield { progress: { kind: 'recovering' } };
      await steps[1]?.promise;
      yield { progress: { kind: 'answering' } };
      yield { text: 'and the second.' };
      yield { done: FINISH };
    };
    await ask('Is there room?');
    await page.getByRole('status').getByText('2 answers come before yours').waitFor();
    await check('waiting');
    steps[0]?.resolve();
    await page.getByText('A node was lost.').waitFor();
    expect(await page.getByTestId('answer').innerText()).toContain('The first half');
    await check('recovering');
    steps[1]?.resolve();
    await page.getByText('The first half, and the second.', { exact: false }).first().waitFor();
    await page.getByText('A node was lost.').waitFor({ state: 'detached' });
  });

  it('copies an answer, asks again, begins anew', async () => {
    await ask('copy me');
    await page.getByRole('button', { name: 'Copy answer' }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe('copy me');
    host.script = async function* () { yield { text: 'another answer' }; yield { done: FINISH }; };
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.answer-text', { hasText: 'another answer' }).waitFor();
    expect(await page.getByTestId('answer').count()).toBe(1);
    await page.getByRole('button', { name: 'New chat' }).click();
    expect(await page.getByTestId('answer').count()).toBe(0);
  });

  it('says what failed and what to do', async () => {
    host.script = () => { throw new CodedError({ code: 'PIPELINE_STAGE_LOST', message: 'the peer with layers 2-3 is gone', next: 'Ask again: another peer takes over.', fault: 'peer' }); };
    await ask('fail');
    await page.getByText('The peer with layers 2-3 is gone.').waitFor();
    expect(await page.getByRole('alert').innerText()).toContain('Ask again: another peer takes over.');
    await check('error');
  });

  it('tells how the model loads, and lets nobody ask before', async () => {
    host.setStatus({ kind: 'loading', model: 'omni-guide', progress: 0.4 });
    await page.getByText('Loading the model 40 %').waitFor();
    await field().fill('too early');
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    host.setStatus({ kind: 'error', code: 'ENGINE_NO_MEMORY', message: 'the model does not fit', next: 'Choose a smaller one.' });
    await page.getByText('Choose a smaller one.').waitFor();
    host.setStatus({ kind: 'ready' });
    await expect.poll(() => page.getByRole('button', { name: 'Send' }).isEnabled()).toBe(true);
    expect(await field().inputValue()).toBe('too early');
  });

  it('warns when strangers take part, and lists the peers', async () => {
    host.setStages([STAGES[0]!, { ...STAGES[1]!, ownership: 'stranger' }]);
    await page.getByText('1 stranger’s machine will see hidden states of this chat.').waitFor();
    expect(await page.getByText('sees hidden states').count()).toBe(0);
    await ask('who sees this?');
    await page.getByText('1 stranger’s machine sees hidden states of this chat.').waitFor();
    await page.getByText('2 peers').click();
    await page.getByRole('row', { name: /…umber1.*0\.4 ms.*TCP, direct/ }).waitFor();
    await check('peers');
  });

  it('invites: the link is shown when asked for, copied, and gone from the page with the panel', async () => {
    await page.getByText('2 peers').click();
    await page.getByRole('button', { name: 'Invite another machine' }).click();
    await page.getByRole('img', { name: 'The link as a QR code' }).waitFor();
    expect(await page.getByLabel('Invitation link').inputValue()).toBe(INVITATION.link);
    await page.getByText('It holds the key of your private zone').waitFor();
    await check('invite');
    await page.getByRole('button', { name: 'Copy the link' }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(INVITATION.link);
    await page.keyboard.press('Escape');
    await page.getByLabel('Invitation link').waitFor({ state: 'detached' });
    const kept = await page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...sessionStorage, ...localStorage }));
    expect(kept).not.toContain(INVITATION.link.slice(20));
    expect(ui.complaints).toEqual([]);
  });

  it('joins by a link: says what it would do first, what is wrong with a bad one, and what to do then', async () => {
    await page.getByText('2 peers').click();
    const link = page.getByLabel('Join by a link');
    await link.fill('omni://join/old');
    await link.press('Enter');
    await page.getByText('This invitation was good until yesterday.').waitFor();
    await check('join-refused');
    await link.fill(INVITATION.link);
    expect(await page.getByText('This invitation was good until yesterday.').count()).toBe(0);
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('for this user alone').waitFor();
    expect(host.joined).toEqual([]);
    await check('join-plan');
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.getByText('Start OmniNode again to meet the zone.').waitFor();
    expect(host.joined).toEqual([INVITATION.link]);
    expect(await link.inputValue()).toBe('');
    expect(ui.complaints).toEqual([]);
  });

  it('invites and joins within 360 px', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByText('2 peers').click();
    await page.getByRole('button', { name: 'Invite another machine' }).click();
    await page.getByRole('img', { name: 'The link as a QR code' }).waitFor();
    await page.getByLabel('Join by a link').fill(INVITATION.link);
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('for this user alone').waitFor();
    expect(await overflow()).toBe(0);
    await check('narrow-invite');
  });

  it('says whom the node meets and from where it is reached, as that becomes known', async () => {
    await page.getByText('2 peers').click();
    const standing = page.getByLabel('This node in the mesh');
    await standing.getByText('nobody has found out').waitFor();
    expect(await standing.getByText('this machine and its networks').isVisible()).toBe(true);
    host.setStanding(STANDING);
    await standing.getByText('could not reach /ip4/203.0.113.7/tcp/4001').waitFor();
    expect(await standing.locator('dt').allInnerTexts()).toEqual(['Zone', 'Reached', 'Relays']);
    expect(await standing.getByText('0123456789abcdef').isVisible()).toBe(true);
    await check('standing');
    host.setStanding({ ...STANDING, reachability: { kind: 'public', reason: 'peer 12D3KooWScriptedPeerNumber1 reached /ip4/203.0.113.7/tcp/4001' }, relays: [] });
    await standing.getByText('from the internet', { exact: true }).waitFor();
    expect(await standing.locator('dt').allInnerTexts()).toEqual(['Zone', 'Reached']);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflow()).toBe(0);
    await check('narrow-standing');
    expect(ui.complaints).toEqual([]);
  });

  it('fits 360 px', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflow()).toBe(0);
    await check('narrow-empty');
    await ask(`A long word: ${'x'.repeat(300)}`);
    await page.getByText('first token').waitFor();
    expect(await overflow()).toBe(0);
    expect(await field().isVisible()).toBe(true);
    await check('narrow');
  });

  it('keeps the conversation over a reload, in mid-answer too', async () => {
    host.script = untilStopped('still being written');
    await ask('question before the reload');
    await page.locator('.answer-text', { hasText: 'still being written' }).waitFor();
    await page.reload();
    await page.locator('.answer-text', { hasText: 'still being written' }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped').waitFor();
  });

  it('reconnects after the node was away, with the draft kept', async () => {
    await field().fill('draft');
    await ui.server.stop();
    await page.getByText('The connection to your node was lost.').waitFor();
    await check('lost');
    await ui.serve(host, { port: ui.server.port });
    await page.getByText('The connection to your node was lost.').waitFor({ state: 'detached' });
    expect(await field().inputValue()).toBe('draft');
    await field().press('Enter');
    await page.getByText('first token').waitFor();
  });

  it('renders markdown, highlights and copies code, and opens nothing by itself', async () => {
    const requested: string[] = [];
    page.on('request', (request) => void requested.push(request.url()));
    host.script = async function* () {
      yield { text: RICH };
      yield { done: FINISH };
    };
    await ask('Show me what you can write');
    await page.getByText('first token').waitFor();
    const answer = page.getByTestId('answer');
    expect(await answer.locator('.hljs-keyword').count()).toBeGreaterThan(0);
    expect(await answer.locator('table td').count()).toBe(4);
    expect(await answer.locator('.katex').count()).toBe(2);
    expect(await answer.locator('a').evaluateAll((links) => links.map((link) => [link.getAttribute('href'), link.getAttribute('rel')]))).toEqual([['https://example.org/', 'noopener noreferrer nofollow']]);
    expect(await answer.locator('img, script, iframe').count()).toBe(0);
    await page.getByRole('button', { name: 'Copy code' }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe('const layers: number = 6;\n');
    await check('markdown');
    expect(requested.filter((url) => !url.startsWith(ui.server.address) && !url.startsWith('ws:'))).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflow()).toBe(0);
    expect(ui.complaints).toEqual([]);
  });

  it('edits into a branch, switches between branches, and continues what was stopped', async () => {
    await ask('first question');
    await page.getByText('first token').waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Edited question').fill('better question');
    const { conversations } = host;
    const send = conversations.send.bind(conversations);
    conversations.send = () => { throw new CodedError({ code: 'CHATS_BUSY', message: 'too many answers are under way', next: 'Wait for one of them.', fault: 'local' }); };
    await page.getByLabel('Edited question').press('Enter');
    await page.getByText('Wait for one of them.').waitFor();
    expect(await page.getByLabel('Edited question').inputValue()).toBe('better question');
    conversations.send = send;
    await page.getByLabel('Edited question').press('Enter');
    await page.locator('.answer-text', { hasText: 'better question' }).waitFor();
    await page.getByText('2/2').waitFor();
    await page.getByRole('button', { name: 'Previous question' }).click();
    await page.locator('.answer-text', { hasText: 'first question' }).waitFor();
    await page.getByText('1/2').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('group', { name: 'Variants of this answer' }).getByText('2/2').waitFor();
    await page.getByText('first token').waitFor();
    await check('branches');
    host.script = untilStopped('half of it');
    await ask('stop me');
    await page.locator('.answer-text', { hasText: 'half of it' }).waitFor();
    await page.keyboard.press('Escape');
    host.script = async function* () { yield { text: ', and the rest' }; yield { done: FINISH }; };
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.locator('.answer-text', { hasText: 'half of it, and the rest' }).waitFor();
    expect(host.requests.at(-1)?.messages.at(-1)).toEqual({ role: 'assistant', content: 'half of it' });
    expect(ui.complaints).toEqual([]);
  });

  it('finds, renames, pins, files and deletes conversations', async () => {
    await ask('About pipelines of layers');
    await page.getByText('first token').waitFor();
    await page.getByRole('button', { name: 'New chat' }).click();
    await ask('About sourdough bread');
    await page.getByText('first token').waitFor();
    await page.getByLabel('Search conversations').fill('pipel');
    await page.getByRole('list', { name: 'Found' }).getByRole('button').last().click();
    await page.locator('.answer-text', { hasText: 'pipelines' }).waitFor();
    await check('search');
    await page.getByLabel('Search conversations').fill('');
    const more = (name: string) => page.getByLabel(`More about ${name}`);
    await more('About sourdough bread').click();
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByLabel('New name').fill('Bread');
    await page.getByLabel('New name').press('Enter');
    await more('Bread').click();
    await page.getByRole('button', { name: 'Folder' }).click();
    await page.getByLabel('Folder', { exact: true }).fill('Kitchen');
    await page.getByLabel('Folder', { exact: true }).press('Enter');
    await page.getByRole('region', { name: 'Kitchen' }).getByRole('button', { name: 'Bread', exact: true }).waitFor();
    await more('About pipelines of layers').click();
    await page.getByRole('button', { name: 'Pin', exact: true }).click();
    await page.getByRole('region', { name: 'Pinned' }).getByText('About pipelines of layers').waitFor();
    await check('sidebar');
    await more('Bread').click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByRole('region', { name: 'Kitchen' }).waitFor({ state: 'detached' });
    expect(ui.complaints).toEqual([]);
  });

  it('exports a file and imports it again', async () => {
    await ask('take me along');
    await page.getByText('first token').waitFor();
    await page.getByLabel('More about take me along').click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export as JSON' }).click()]);
    expect(file.suggestedFilename()).toBe('take me along.json');
    const path = join(shots, '..', 'export.json');
    await file.saveAs(path);
    await page.getByLabel('File to import').setInputFiles(path);
    await expect.poll(() => page.locator('.conversation').count()).toBe(2);
    await page.locator('.answer-text', { hasText: 'take me along' }).waitFor();
    await page.getByLabel('File to import').setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') });
    await page.getByText('This is no conversation that OmniNode exported').waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('exports a conversation of 10,000 messages, and imports the same again', async () => {
    const messages = Array.from({ length: 10_000 }, (_, index) => ({ parent: index === 0 ? null : index - 1, role: index % 2 === 0 ? 'user' : 'assistant', content: `Message number ${index}. ${'Some words more. '.repeat(8)}`, createdAt: 1, isChosen: true }));
    const { id } = host.conversations.import({ text: JSON.stringify({ format: 'omninode-conversation', version: 1, title: 'Long', system: '', options: {}, messages }) });
    await page.getByLabel('More about Long').click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export as JSON' }).click()]);
    const path = join(shots, '..', 'long.json');
    await file.saveAs(path);
    await page.getByLabel('File to import').setInputFiles(path);
    await page.locator('.conversation').nth(1).waitFor();
    await page.getByText('Message number 9999.').waitFor();
    const copy = host.conversations.list({ offset: 0, limit: 10 }).conversations.find((entry) => entry.id !== id);
    expect(JSON.parse(host.conversations.export({ id: copy?.id ?? '', format: 'json' }).text)).toEqual(JSON.parse(await readFile(path, 'utf8')));
    // Said before a byte of it travels.
    await truncate(path, 64_000_001);
    await page.getByLabel('File to import').setInputFiles(path);
    await page.getByText('This file has more than 64').waitFor();
    await rm(path);
    expect(ui.complaints).toEqual([]);
  });

  it('tells the model what the conversation says, and keeps presets', async () => {
    await page.getByRole('button', { name: 'Instructions and parameters' }).click();
    await page.getByLabel('What the model is told first').fill('Be short.');
    await page.getByLabel('Temperature').fill('0.5');
    await page.getByLabel('Preset', { exact: true }).fill('Short');
    await page.getByRole('button', { name: 'Save preset' }).click();
    await page.getByRole('button', { name: 'Delete preset' }).waitFor();
    await check('settings');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('button', { name: 'Instructions and parameters •' }).waitFor();
    await ask('hello');
    await page.getByText('first token').waitFor();
    expect(host.requests[0]).toMatchObject({ sampling: { temperature: 0.5 }, messages: [{ role: 'system', content: 'Be short.' }, { role: 'user', content: 'hello' }] });
    expect(ui.complaints).toEqual([]);
  });

  it('holds only a screenful of a conversation of 10,000 messages, and shows its end and its beginning', async () => {
    const messages = Array.from({ length: 10_000 }, (_, index) => ({ parent: index === 0 ? null : index - 1, role: index % 2 === 0 ? 'user' : 'assistant', content: `Message number ${index}.`, createdAt: 1, isChosen: true }));
    const { id } = host.conversations.import({ text: JSON.stringify({ format: 'omninode-conversation', version: 1, title: 'Long', system: '', options: {}, messages }) });
    await page.getByRole('button', { name: 'Long', exact: true }).click();
    await page.getByText('Message number 9999.').waitFor();
    expect(await page.locator('.chat-row').count()).toBeLessThan(60);
    await page.locator('.chat-turns').evaluate((element) => { element.scrollTop = 0; });
    await page.getByText('Message number 0.').waitFor();
    expect(await page.locator('.chat-row').count()).toBeLessThan(60);
    await page.getByLabel('Search conversations').fill('number 5001');
    await page.getByRole('list', { name: 'Found' }).getByRole('button').first().click();
    await page.getByText('Message number 5001.').first().waitFor();
    expect(host.conversations.open({ id, limit: 1 }).total).toBe(10_000);
    expect(ui.complaints).toEqual([]);
  });

  it('shows the same in two pages, the answer under way too', async () => {
    host.script = untilStopped('seen twice');
    await ask('for both');
    const other = await ui.context.newPage();
    await other.goto(ui.server.url);
    await other.getByRole('button', { name: 'for both' }).first().click();
    await other.locator('.answer-text', { hasText: 'seen twice' }).waitFor();
    await other.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped').waitFor();
    await other.close();
  });

  it('says who will see the chat before the first question', async () => {
    await page.getByTestId('privacy').getByText('Only this machine will see this chat.').waitFor();
    host.setStages([STAGES[0]!, { ...STAGES[1]!, ownership: 'stranger' }]);
    await page.getByTestId('privacy').getByText('1 stranger’s machine will see hidden states of this chat.').waitFor();
  });

  it('says what strangers are paid: before, while the owner decides, and after', async () => {
    host.setStages([]);
    host.setPaying(AHEAD);
    const ahead = '3 strangers’ machines that are paid will see hidden states of this chat. They ask 3 SUM for 1,000 tokens. A session costs 0.6 SUM at most, and you are asked before it begins.';
    await page.getByTestId('privacy').getByText(ahead).waitFor();
    await check('paid-ahead');
    const decided = Promise.withResolvers<void>();
    host.script = async function* () {
      await decided.promise;
      yield { text: 'computed' };
      yield { done: { ...FINISH, paid: { soFar: `${243n * 10n ** 15n}` } } };
    };
    await ask('what is it worth?');
    await page.getByText('Waiting for the first word').waitFor();
    host.setStatus({ kind: 'loading', model: 'omni-guide', step: { kind: 'paying', machines: 3, most: AHEAD.most } });
    await page.getByTestId('answer').getByText('Your decision is awaited in Wallet: at most 0.6 SUM for the 3 machines that compute').waitFor();
    host.setStages(STAGES.map((stage) => ({ ...stage, ownership: 'stranger' as const })));
    host.setPaying({ ...AHEAD, state: 'open', spent: `${243n * 10n ** 15n}` });
    host.setStatus({ kind: 'ready' });
    decided.resolve();
    await page.getByText('first token 120 ms · the session had cost 0.243 SUM by then').waitFor();
    await page.getByText(/They are paid 3 SUM for 1,000 tokens\. This session has cost 0\.243 SUM so far, of 0\.6 SUM at most\.$/).waitFor();
    await check('paid-answered');
    expect(ui.complaints).toEqual([]);
  });

  it('has its menu aside in 360 px', async () => {
    await ask('a question');
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByLabel('Search conversations').waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Conversations and places' }).click();
    await page.getByLabel('Search conversations').waitFor();
    await check('narrow-menu');
    await page.keyboard.press('Escape');
    await page.getByLabel('Search conversations').waitFor({ state: 'hidden' });
  });

  it('asks for the link when the key is not the node’s', async () => {
    await ui.server.stop();
    await ui.serve(host, { port: ui.server.port, key: 'a-new-key-after-the-restart' });
    await page.getByText('This page has no valid key.').waitFor();
  });
});
