import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generateModel } from '../support/models/index.ts';
import { openReadyPage, QUIET_ENV, REAL_TIMEOUT_MS, realMissing, RealHosts } from '../support/real-host.ts';
import { openTestBrowser, shots } from '../support/ui.ts';

const why = realMissing('real-models');

it.skipIf(why !== undefined)('`omninode serve`: a model that is added by its file answers, and is the one after a restart', async () => {
  const hosts = await RealHosts.open();
  const path = join(hosts.folder, 'tiny.gguf');
  await generateModel({ path, architecture: 'qwen3', type: 'Q8_0', targetBytes: 12_000_000, layers: 4, name: 'Tiny one' });
  const home = join(hosts.folder, 'home');
  const browser = await openTestBrowser();
  try {
    const { cli, url } = await hosts.serve({ home, env: QUIET_ENV });
    const page = await openReadyPage(browser, url);
    await page.getByRole('button', { name: 'Models', exact: true }).click();
    await page.getByTestId('model-file').setInputFiles(path);
    await page.getByRole('region', { name: 'Downloads' }).getByText('Here', { exact: true }).waitFor();
    await page.getByRole('heading', { name: 'Tiny one' }).waitFor();
    await page.getByRole('button', { name: 'Who holds the layers of OmniNode Guide' }).click();
    expect(await page.getByRole('row', { name: /This machine/ }).innerText()).toMatch(/holds 0–5, has 0–5 in memory/);
    await page.screenshot({ path: join(shots, 'real-models.png') });
    await page.getByRole('button', { name: 'Chat', exact: true }).click();
    await page.getByRole('button', { name: /^Model: OmniNode Guide/ }).click();
    await page.getByRole('button', { name: /^Tiny one/ }).click();
    await page.getByRole('button', { name: /^Model: Tiny one/ }).waitFor();
    await page.getByText('Ready', { exact: true }).waitFor();
    await page.getByLabel('Your question').fill('Who are you?');
    await page.keyboard.press('Enter');
    await page.getByText(/1 stage · .* · Tiny one$/).waitFor();
    expect(JSON.parse(await readFile(join(home, 'config.json'), 'utf8'))).toEqual({ model: 'tiny' });
    cli.child.kill('SIGTERM');
    await cli.done;
    await page.goto('about:blank');
    await page.goto((await hosts.serve({ home, env: QUIET_ENV })).url);
    await page.getByRole('button', { name: /^Model: Tiny one/ }).waitFor();
  } finally {
    await browser.close();
    await hosts.stop();
  }
}, REAL_TIMEOUT_MS);
