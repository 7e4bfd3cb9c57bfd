import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger, LogLines } from '../../src-main/base/index.ts';
import { makePdf } from '../../src-main/documents/testing/pdf.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, overflowOf, uiMissing } from '../support/ui.ts';

const why = uiMissing('attachments');

const SECRET = 'the pangolin sleeps at dawn';
const text = (name: string, content: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
const LONG = Array.from({ length: 120 }, (_, index) => `Paragraph ${index} tells of ${index === 60 ? 'pangolins' : 'something else'}, at some length.`).join('\n\n');

describe.skipIf(why !== undefined)('attachments in Chromium', () => {
  const ui = useChromium();
  let host: ScriptedHost;
  let page: Page;
  let lines: LogLines;
  beforeEach(async () => {
    lines = new LogLines(() => []);
    page = await ui.show(host = new ScriptedHost(), { logger: createLogger('debug', undefined, lines) });
  });
  afterEach(() => {
    expect(JSON.stringify(lines.lines())).not.toContain('pangolin');
    expect(ui.complaints).toEqual([]);
  });

  const field = () => page.getByLabel('Your question');
  const chips = () => page.locator('.composer').getByRole('list', { name: 'Attached files' });
  const choose = (...files: Parameters<ReturnType<Page['getByLabel']>['setInputFiles']>[0][]) => page.locator('.composer').getByLabel('Files to attach').setInputFiles(files.flat() as ReturnType<typeof text>[]);
  const overflow = () => overflowOf(page);
  const check = (name: string) => checkLooks(page, name);

  it('are chosen, priced, sent, shown, opened, kept over a reload, found and edited away', async () => {
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Attach files' }).press('Enter')]);
    await chooser.setFiles([text('notes.txt', `Know that ${SECRET}.`), { name: 'report.pdf', mimeType: 'application/pdf', buffer: Buffer.from(makePdf({ pages: ['Page one', 'Page two'] })) }]);
    await chips().getByText('38 B · 10 tokens').waitFor();
    await chips().getByText('5 tokens').waitFor();
    await check('attached');
    await field().fill('What sleeps?');
    await field().press('Enter');
    await page.getByText('first token').waitFor();
    expect(host.requests[0]?.messages[0]?.content).toBe(`The file "notes.txt":\n\`\`\`\nKnow that ${SECRET}.\n\`\`\`\n\nThe file "report.pdf":\n\`\`\`\nPage one\n\nPage two\n\`\`\`\n\nWhat sleeps?`);
    expect(await chips().count()).toBe(0);
    await page.reload();
    const sent = page.locator('.chips-sent');
    await sent.getByRole('button', { name: 'report.pdf' }).click();
    await page.getByRole('dialog', { name: 'report.pdf' }).getByText('Page two').waitFor();
    await check('attachment-text');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByLabel('Search conversations').fill('pangol');
    await page.getByRole('list', { name: 'Found' }).getByText('In notes.txt:').waitFor();
    await check('attachment-found');
    await page.getByLabel('Search conversations').fill('');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Remove notes.txt' }).press('Enter');
    await page.getByLabel('Edited question').fill('How many pages?');
    await page.getByLabel('Edited question').press('Enter');
    await page.getByText('2/2').waitFor();
    await sent.getByText('report.pdf').waitFor();
    expect(await sent.getByText('notes.txt').count()).toBe(0);
    expect(host.requests[1]?.messages[0]?.content).not.toContain('pangolin');
  });

  it('say what is wrong, are removed by keys, come by drop and by a long paste, and fit 360 px', async () => {
    await choose(text('program.exe', 'MZ\u0000\u0001'), { name: 'scan.pdf', mimeType: 'application/pdf', buffer: Buffer.from(makePdf({ pages: [''] })) });
    await chips().getByText('This PDF has only pictures on its page. Run it through text recognition').waitFor();
    await chips().getByText('This file is not text.').waitFor();
    await field().fill('q');
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflow()).toBe(0);
    await check('narrow-attachment-errors');
    await page.getByRole('button', { name: 'Remove program.exe' }).press('Delete');
    await expect.poll(() => page.getByRole('button', { name: 'Remove scan.pdf' }).evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Backspace');
    await expect.poll(() => field().evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await page.getByRole('button', { name: 'Send' }).isEnabled()).toBe(true);
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(['dropped text'], 'dropped.md'));
      document.querySelector('.chat-turns')?.dispatchEvent(new DragEvent('dragover', { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await page.getByText('Drop files to attach them').waitFor();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(['dropped text'], 'dropped.md'));
      document.querySelector('.chat-turns')?.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await chips().getByText('12 B · 3 tokens').waitFor();
    await page.getByText('Drop files to attach them').waitFor({ state: 'detached' });
    await field().evaluate((element) => {
      const data = new DataTransfer();
      data.setData('text/plain', 'word '.repeat(2_000));
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    });
    await chips().getByText('Pasted text.txt').waitFor();
    expect(await field().inputValue()).toBe('q');
  });

  it('that are too long are refused before they are sent, or read in passages, which the answer says', async () => {
    await choose(text('book.md', LONG));
    const tokens = Math.ceil(LONG.length / 4).toLocaleString('en');
    await page.getByRole('alert').getByText(`${tokens} tokens attached, and the model has room for 768: too long to send.`).waitFor();
    await field().fill('Where are they?');
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await check('attachment-too-long');
    host.reader = { ...host.reader, rank: async (_, passages) => passages.map((passage) => Number(passage.includes('pangolins'))) };
    await page.getByRole('button', { name: 'Remove book.md' }).click();
    await choose(text('book.md', LONG));
    await page.getByText('the passages that fit your question best are read').waitFor();
    await check('attachment-passages');
    await field().press('Enter');
    await page.getByText(/^\d+ of \d+ passages of book\.md were read\.$/).waitFor();
    expect(host.requests[0]?.messages[0]?.content).toContain('tells of pangolins');
    await check('attachment-readings');
  });

  it('bring a large file in parts', async () => {
    const line = 'All work and no play makes a long file.\n';
    await choose(text('large.log', line.repeat(Math.floor(399_000 / line.length))), text('huge.log', 'x'.repeat(1_200_000)));
    await chips().getByText('tokens').waitFor();
    await chips().getByText('This file has more than 400,000 characters of text.').waitFor();
    await page.locator('.composer').getByRole('button', { name: 'large.log', exact: true }).click();
    const shown = page.getByRole('dialog').locator('pre');
    await expect.poll(() => shown.evaluate((element) => element.textContent?.length)).toBe(120_000);
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => shown.evaluate((element) => element.textContent?.length)).toBe(240_000);
  });
});
