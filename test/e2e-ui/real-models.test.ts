import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findChromium, openBrowser } from '../support/browser.ts';
import { startCli } from '../support/cli.ts';
import { generateModel } from '../support/models/index.ts';

const root = join(import.meta.dirname, '..', '..');
const shots = join(root, 'test-results', 'screenshots');
const chromium = findChromium();
const missing = ['out/renderer/index.html', 'out/main/cli.js', 'resources/models/omni-guide.gguf', 'native/build/Release/omninode.node'].find((path) => !existsSync(join(root, path)));
const why = chromium === undefined ? 'no Chromium on this machine' : missing === undefined ? undefined : `${missing} is not built (npm run build)`;
if (why !== undefined) process.stderr.write(`test/e2e-ui/real-models is skipped: ${why}\n`);

it.skipIf(why !== undefined)('`omninode serve`: a model that is added by its file answers, and is the one after a restart', async () => {
  mkdirSync(shots, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'omninode-add-'));
  const path = join(folder, 'tiny.gguf');
  await generateModel({ path, architecture: 'qwen3', type: 'Q8_0', targetBytes: 12_000_000, layers: 4, name: 'Tiny one' });
  const env = { OMNINODE_HOME: join(folder, 'home'), OMNINODE_THREADS: '1', OMNINODE_CALIBRATE: 'false' };
  let cli = startCli(['serve', '--json'], env);
  const serving = async (): Promise<string> => (JSON.parse(/\{.*"serving".*\}/.exec(await cli.until(/"serving".*\}/))![0]) as { url: string }).url;
  const browser = await openBrowser(chromium ?? '');
  try {
    const page = await browser.context.newPage();
    await page.goto(await serving());
    await page.getByText('Ready', { exact: true }).waitFor();
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
    expect(JSON.parse(await readFile(join(folder, 'home', 'config.json'), 'utf8'))).toEqual({ model: 'tiny' });
    cli.child.kill('SIGTERM');
    await cli.done;
    cli = startCli(['serve', '--json'], env);
    await page.goto('about:blank');
    await page.goto(await serving());
    await page.getByRole('button', { name: /^Model: Tiny one/ }).waitFor();
  } finally {
    await browser.close();
    cli.child.kill('SIGTERM');
    await cli.done;
    await rm(folder, { recursive: true, force: true });
  }
});
