import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askRunningHost } from '../../src-main/host/index.ts';
import { startCliSource } from '../support/cli.ts';
import { openReadyPage, QUIET_ENV, REAL_TIMEOUT_MS, realMissing, RealHosts } from '../support/real-host.ts';
import { openTestBrowser, shots } from '../support/ui.ts';

const why = realMissing('real-contribute');

it.skipIf(why !== undefined)('a new home: first steps, then the page tells that another node was served, until it is switched off', async () => {
  const hosts = await RealHosts.open();
  const home = join(hosts.folder, 'app');
  const browser = await openTestBrowser();
  const signal = new AbortController().signal;
  try {
    const { url } = await hosts.serve({ home, env: QUIET_ENV });
    const page = await openReadyPage(browser, url);
    const steps = page.getByRole('region', { name: 'First steps' });
    await steps.getByRole('button', { name: 'Next' }).click();
    await steps.getByLabel('Let other machines use mine').check();
    await page.screenshot({ path: join(shots, 'real-first-run.png') });
    await steps.getByRole('button', { name: 'Next' }).click();
    await steps.getByRole('button', { name: 'Finish' }).click();
    await steps.getByRole('button', { name: 'Close' }).click();
    await page.keyboard.press('Alt+5');
    await page.getByText('On, nobody asked yet.').waitFor();

    const { addresses = [] } = await askRunningHost(home, signal);
    const ask = (...options: readonly string[]) => startCliSource(['pipeline-infer', 'How does OmniNode split a model?', '--json', '--peer', addresses[0] ?? '', ...options], { ...QUIET_ENV, OMNINODE_HOME: join(hosts.folder, 'other') });
    // What it said it says again: it does not end before the page was looked at.
    const long = ask('--repetition-penalty', '0.1', '--max-tokens', '7000', '--context-tokens', '8192');
    await page.getByText('Serving layers 0–5 of OmniNode Guide to 1 machine.').waitFor();
    expect(await page.getByText(/^Last: /).count()).toBe(0);
    await page.getByRole('row', { name: /0–5/ }).waitFor();
    await page.screenshot({ path: join(shots, 'real-contribute-serving.png') });
    long.child.kill('SIGKILL');
    await page.getByText('On. Nobody is asking now.').waitFor();
    await page.getByText(/^Last: layers 0–5 of OmniNode Guide for .+\. It ended at .+\.$/).waitFor();
    // Over before anybody could count it.
    const short = await ask('--max-tokens', '1').done;
    expect(short.code, short.stderr).toBe(0);
    await page.getByRole('row', { name: /^Sessions 2 2$/ }).waitFor();
    await page.screenshot({ path: join(shots, 'real-contribute.png') });

    await page.getByRole('switch', { name: 'Compute for others' }).click();
    await page.getByText('Off. This machine computes for nobody else.').waitFor();
    expect((await ask().done).stdout).toContain('PIPELINE_STAGE_LEFT');
    await page.reload();
    await page.getByText('Ready', { exact: true }).waitFor();
    expect(await steps.count()).toBe(0);
  } finally {
    await browser.close();
    await hosts.stop();
  }
}, REAL_TIMEOUT_MS);
