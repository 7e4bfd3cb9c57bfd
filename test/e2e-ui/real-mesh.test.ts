import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askRunningHost } from '../../src-main/host/index.ts';
import { QUIET_ENV, REAL_TIMEOUT_MS, realMissing, RealHosts, type ServeInit } from '../support/real-host.ts';
import { openTestBrowser, shots } from '../support/ui.ts';

const why = realMissing('real-mesh');

// Too warm to end by itself, and the same each time.
const OPTIONS = { Temperature: '5', 'Most tokens': '800', Seed: '11' };

it.skipIf(why !== undefined || process.platform === 'win32')('the page chats over two other machines, says who sees it, and an answer survives the loss of one and a reload', async () => {
  const hosts = await RealHosts.open();
  const homeOf = (name: string): string => join(hosts.folder, name);
  // The child is the node itself, to be killed.
  const serve = (name: string, env: Readonly<Record<string, string>>, config: ServeInit['config'] = {}) => hosts.serve({ home: homeOf(name), args: ['--cluster', '2'], env: { ...QUIET_ENV, ...env, OMNINODE_NAME: name }, config, isNode: true });
  const browser = await openTestBrowser();
  try {
    const { url } = await serve('app', { OMNINODE_CHAT_OVER: 'mesh' });
    const page = await browser.context.newPage();
    // Three nodes start on one machine, which may have other things to do.
    page.setDefaultTimeout(100_000);
    await page.goto(url);
    await page.getByText('other machines are to compute omni-guide, and none that is there computes for others').first().waitFor();
    await page.screenshot({ path: join(shots, 'real-mesh-nobody.png') });

    const { addresses = [] } = await askRunningHost(homeOf('app'), new AbortController().signal);
    const member = (name: string) => serve(name, { OMNINODE_CONTRIBUTE: '1', OMNINODE_CONTRIBUTE_MEMORY_BYTES: '5000000' }, { peers: addresses.slice(0, 1) });
    const [b] = await Promise.all([member('b'), member('c')]);
    await page.getByText('Ready', { exact: true }).waitFor();
    await page.getByText('2 strangers’ machines will see hidden states of this chat.').waitFor();
    await page.screenshot({ path: join(shots, 'real-mesh-ready.png') });

    await page.getByRole('button', { name: 'How does OmniNode split a model?' }).click();
    await page.getByText(/^2 stages · [\d.]+ tok\/s · first token/).waitFor();
    await page.getByText('2 strangers’ machines see hidden states of this chat.').waitFor();
    await page.getByRole('button', { name: 'Instructions and parameters' }).click();
    for (const [label, value] of Object.entries(OPTIONS)) await page.getByLabel(label, { exact: true }).fill(value);
    await page.getByRole('button', { name: 'Apply' }).click();
    const text = page.locator('.answer-text');
    const again = page.getByRole('button', { name: 'Try again' });
    await again.click();
    await page.getByText('2/2').waitFor();
    const undisturbed = await text.innerText();

    await again.click();
    await page.locator('.answer-running', { hasText: /\S/ }).waitFor();
    b.cli.child.kill('SIGKILL');
    await page.reload();
    await page.getByText('3/3').waitFor();
    expect(await text.innerText()).toBe(undisturbed);
    await page.getByText('1 stranger’s machine sees hidden states of this chat.').waitFor();
    await page.screenshot({ path: join(shots, 'real-mesh-recovered.png') });
    await page.getByRole('button', { name: '2 stages on 2 machines · ready' }).click();
    await page.getByRole('region', { name: 'Answers' }).getByText('1 stage lost').waitFor();
    await page.screenshot({ path: join(shots, 'real-mesh-history.png') });
  } finally {
    await browser.close();
    await hosts.stop();
  }
}, REAL_TIMEOUT_MS);
