import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { useChromium } from '../support/test-ui.ts';
import { overflowOf, checkLooks, shots, uiMissing } from '../support/ui.ts';

const why = uiMissing('models');

describe.skipIf(why !== undefined)('the models of the page in Chromium', () => {
  const ui = useChromium();
  let host: ScriptedHost;
  let page: Page;
  beforeEach(async () => {
    page = await ui.show(host = new ScriptedHost());
  });

  const check = (name: string) => checkLooks(page, name);
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });

  it('shows what is here, what it takes and who has which layers; pins, removes with a question', async () => {
    await page.keyboard.press('Alt+3');
    await page.getByRole('heading', { name: 'Qwen3 4B Instruct' }).waitFor();
    for (const text of ['22.4 GB of 40.0 GB allowed', 'Fits here', 'Needs 1 more machine', /counted with 2 other machines, 1 did not answer/, /Only some of its layers are here/]) expect(await page.getByText(text).first().isVisible(), String(text)).toBe(true);
    await button('Who holds the layers of gpt-oss 20B').click();
    const map = page.getByRole('region', { name: 'Layers of gpt-oss 20B' });
    expect(await map.getByRole('row').allInnerTexts()).toEqual(expect.arrayContaining([expect.stringMatching(/This machine\s+holds 0–23, has 0–7 in memory/), expect.stringMatching(/studio\s+holds 8–23, has 8–23 in memory/)]));
    await check('models');
    await button(/^Unpin Qwen3 4B/).click();
    await button(/^Pin Qwen3 4B/).waitFor();
    await button('Remove Qwen3 4B Instruct').click();
    await page.getByText('Remove Qwen3 4B Instruct? This frees 2.5 GB.').waitFor();
    expect(await button('Yes, remove it').evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Qwen3 4B Instruct' }).waitFor({ state: 'detached' });
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toBe(0);
    await check('models-narrow');
    await page.setViewportSize({ width: 1100, height: 760 });
    expect(ui.complaints).toEqual([]);
  });

  it('finds models, downloads with progress, pause, limit and cancel, and says what to do offline', async () => {
    await button('Models').click();
    await page.getByText('Well-known models').waitFor();
    host.models.isOffline = true;
    await page.getByLabel('Search the model hub').fill('qwen3');
    await page.keyboard.press('Enter');
    await page.getByText('Check the connection, then search again.').waitFor();
    expect(await page.getByText('The list below comes with the app').isVisible()).toBe(true);
    host.models.isOffline = false;
    await button('Search').click();
    await page.getByText('2 repositories').waitFor();
    await button('Show files: Qwen/Qwen3-8B-GGUF').click();
    await page.getByText('Too large').last().waitFor();
    await button('Download Qwen3-8B-Q4_K_M, 5.0 GB').click();
    const downloads = page.getByRole('region', { name: 'Downloads' });
    await downloads.getByText('Asking what it is').waitFor();
    host.models.put({ id: 'd1', progress: { phase: 'downloading', file: 'a.gguf', part: 1, parts: 1, bytesDone: 1_500_000_000, bytesTotal: 5_030_000_000, bytesPerSecond: 21_000_000, etaMs: 168_000 } });
    await downloads.getByText('1.5 GB of 5.0 GB · 21.0 MB/s · 3 min left').waitFor();
    await downloads.getByLabel('Limit all downloads to').selectOption({ label: '5.0 MB/s' });
    expect((await new Promise<number | undefined>((resolve) => { host.events.on('models', ({ bytesPerSecond }) => resolve(bytesPerSecond)); resolve(host.models.now().bytesPerSecond); })) ?? 5_000_000).toBe(5_000_000);
    await check('models-downloads');
    await button('Pause: Qwen3-8B-Q4_K_M').click();
    await downloads.getByText('Paused').waitFor();
    await button('Resume: Qwen3-8B-Q4_K_M').click();
    await button('Pause: Qwen3-8B-Q4_K_M').waitFor();
    await page.reload();
    await button('Models').click();
    await downloads.getByText('1.5 GB of 5.0 GB').waitFor();
    await button('Cancel: Qwen3-8B-Q4_K_M').click();
    await button('Dismiss: Qwen3-8B-Q4_K_M').click();
    await button('Resume: one-Q8_0').click();
    expect(host.models.asked).toContainEqual({ download: 'hf:me/one@cccc/one-Q8_0.gguf' });
    expect(ui.complaints).toEqual([]);
  });

  it('takes files by button, by drop and by path, and says why not', async () => {
    await button('Models').click();
    const file = { name: 'mine.gguf', mimeType: 'application/octet-stream', buffer: Buffer.alloc(9_000_000, 'GGUF') };
    const choosing = page.waitForEvent('filechooser');
    await button('Choose a file').click();
    await (await choosing).setFiles(file);
    const downloads = page.getByRole('region', { name: 'Downloads' });
    await downloads.getByText('Here', { exact: true }).waitFor();
    await expect.poll(() => host.models.asked).toEqual([{ name: 'mine.gguf', sizeBytes: 9_000_000 }, { id: 'u1', atByte: 0, bytes: 8_388_608 }, { id: 'u1', atByte: 8_388_608, bytes: 611_392 }]);
    const dropped = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['no model'], 'notes.txt'));
      data.items.add(new File(['GGUF'.padEnd(40)], 'after.gguf'));
      return data;
    });
    await page.dispatchEvent('main', 'dragover', { dataTransfer: dropped });
    await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
    await page.getByText('notes.txt is no .gguf file.').waitFor();
    await expect.poll(() => host.models.asked).toContainEqual({ name: 'after.gguf', sizeBytes: 40 });
    await page.getByLabel('or give its path on the node’s machine').fill('/models/mine.gguf');
    await page.keyboard.press('Enter');
    await expect.poll(() => host.models.asked.at(-1)).toEqual({ path: '/models/mine.gguf' });
    expect(ui.complaints).toEqual([]);
  });

  it('chooses the model in the chat: waits for answers or stops them, says when it fails', async () => {
    const picker = button(/^Model: OmniNode Guide/);
    await picker.click();
    await button(/^gpt-oss 20B/).waitFor();
    expect(await button(/^gpt-oss 20B/).isDisabled()).toBe(true);
    await check('model-picker');
    host.setActivity({ answering: 1, waiting: 0 });
    await button(/^Qwen3 4B Instruct/).click();
    await page.getByText('1 answer is being written.').waitFor();
    await button('Stop and switch').click();
    await page.getByRole('group', { name: 'Which model answers' }).waitFor({ state: 'detached' });
    expect(host.models.asked).toEqual([{ use: 'qwen3-4b-Q4_K_M', running: 'cancel' }]);
    host.setActivity({ answering: 0, waiting: 0 });
    host.models.onUse = async () => { throw new CodedError({ code: 'HOST_NOT_SWITCHED', message: 'x could not be loaded, y answers again: no memory', next: 'Choose a smaller model.', fault: 'local' }); };
    await picker.click();
    await button(/^OmniNode Guide/).click();
    await page.getByText('Choose a smaller model.').waitFor();
    await page.keyboard.press('Escape');
    expect(await picker.evaluate((element) => element === document.activeElement)).toBe(true);
    await picker.click();
    await page.setViewportSize({ width: 360, height: 740 });
    await page.screenshot({ path: join(shots, 'model-picker-narrow.png') });
    await button('Get more models …').click();
    await page.getByRole('region', { name: 'Get more models' }).waitFor();
    await page.setViewportSize({ width: 1100, height: 760 });
    expect(ui.complaints).toEqual([]);
  });
});
