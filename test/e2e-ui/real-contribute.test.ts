import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askRunningHost } from '../../src-main/host/index.ts';
import { cli as cliOnce, servedUrl, startCli } from '../support/cli.ts';
import { openTestBrowser, realMissing, shots } from '../support/ui.ts';

const why = realMissing('real-contribute');

it.skipIf(why !== undefined)('a new home: first steps, then the page tells that another node was served, until it is switched off', async () => {
  const home = await mkdtemp(join(tmpdir(), 'omninode-home-'));
  const env = { OMNINODE_THREADS: '1', OMNINODE_CALIBRATE: '0', OMNINODE_SHARE_STORE: '0' };
  const cli = startCli(['serve', '--json'], { ...env, OMNINODE_HOME: join(home, 'app') });
  const browser = await openTestBrowser();
  const signal = new AbortController().signal;
  try {
    const page = await browser.context.newPage();
    await page.goto(await servedUrl(cli));
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

    const { addresses = [] } = await askRunningHost(join(home, 'app'), signal);
    const ask = () => cliOnce(['pipeline-infer', 'How does OmniNode split a model between machines, and who sees what?', '--json', '--peer', addresses[0] ?? ''], { ...env, OMNINODE_HOME: join(home, 'other') });
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
    cli.child.kill('SIGTERM');
    await cli.done;
    await rm(home, { recursive: true, force: true });
  }
});
