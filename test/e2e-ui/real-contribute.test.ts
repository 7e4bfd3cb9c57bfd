import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askRunningHost } from '../../src-main/host/index.ts';
import { cli as cliOnce } from '../support/cli.ts';
import { QUIET_ENV, realMissing, RealHosts } from '../support/real-host.ts';
import { openTestBrowser, shots } from '../support/ui.ts';

const why = realMissing('real-contribute');

it.skipIf(why !== undefined)('a new home: first steps, then the page tells that another node was served, until it is switched off', async () => {
  const hosts = await RealHosts.open();
  const home = join(hosts.folder, 'app');
  const browser = await openTestBrowser();
  const signal = new AbortController().signal;
  try {
    const { url } = await hosts.serve({ home, env: QUIET_ENV });
    const page = await browser.context.newPage();
    await page.goto(url);
    await page.getByText('Ready', { exact: true }).waitFor();
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
    const ask = () => cliOnce(['pipeline-infer', 'How does OmniNode split a model between machines, and who sees what?', '--json', '--peer', addresses[0] ?? ''], { ...QUIET_ENV, OMNINODE_HOME: join(hosts.folder, 'other') });
    const served = await ask();
    expect(served.code, served.stderr).toBe(0);
    await page.getByText('On. Nobody is asking now.').waitFor();
    await page.getByRole('row', { name: /^Sessions 1 1$/ }).waitFor();
    await page.screenshot({ path: join(shots, 'real-contribute.png') });

    await page.getByRole('switch', { name: 'Compute for others' }).click();
    await page.getByText('Off. This machine computes for nobody else.').waitFor();
    expect(`${(await ask()).stdout}`).toContain('PIPELINE_STAGE_LEFT');
    await page.reload();
    await page.getByText('Ready', { exact: true }).waitFor();
    expect(await steps.count()).toBe(0);
  } finally {
    await browser.close();
    await hosts.stop();
  }
});
