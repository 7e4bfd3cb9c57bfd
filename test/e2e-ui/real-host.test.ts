import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readInvite } from '../../src-main/mesh/index.ts';
import { findChromium, openBrowser } from '../support/browser.ts';
import { cli as cliOnce, startCli } from '../support/cli.ts';

const root = join(import.meta.dirname, '..', '..');
const shots = join(root, 'test-results', 'screenshots');
const chromium = findChromium();
const missing = ['out/renderer/index.html', 'out/main/cli.js', 'resources/models/omni-guide.gguf', 'native/build/Release/omninode.node'].find((path) => !existsSync(join(root, path)));
const why = chromium === undefined ? 'no Chromium on this machine' : missing === undefined ? undefined : `${missing} is not built (npm run build)`;
if (why !== undefined) process.stderr.write(`test/e2e-ui/real-host is skipped: ${why}\n`);

it.skipIf(why !== undefined)('`omninode serve`: the model inside answers over three node processes, measured', async () => {
  mkdirSync(shots, { recursive: true });
  const home = await mkdtemp(join(tmpdir(), 'omninode-home-'));
  const cli = startCli(['serve', '--json'], { OMNINODE_HOME: home });
  const browser = await openBrowser(chromium ?? '');
  try {
    const { url } = JSON.parse(/\{.*"serving".*\}/.exec(await cli.until(/"serving".*\}/))![0]) as { url: string };
    const page = await browser.context.newPage();
    await page.goto(url);
    await page.getByText('Ready', { exact: true }).waitFor();
    expect(await page.getByRole('heading', { name: 'Ask the model inside' }).isVisible()).toBe(true);
    await page.getByRole('button', { name: 'How does OmniNode split a model?' }).click();
    await page.getByText(/^3 stages · [\d.]+ tok\/s · first token/).waitFor();
    expect((await page.getByTestId('answer').innerText()).length).toBeGreaterThan(40);
    const stages = page.getByRole('region', { name: 'Pipeline' }).getByRole('listitem');
    expect(await stages.count()).toBe(3);
    for (const text of await stages.allInnerTexts()) expect(text).toMatch(/Layers? \d.*[KM]B · CPU · [\d.]+ ms\/token/s);
    expect(await page.getByText('Only this machine sees this chat.').isVisible()).toBe(true);
    await page.getByRole('button', { name: /peers?$/ }).click();
    await page.getByRole('button', { name: 'Invite another machine' }).click();
    const { inviter, addresses, zone } = await readInvite(await page.getByLabel('Invitation link').inputValue(), Date.now());
    expect(zone).toBe('local');
    expect(addresses).toEqual([expect.stringMatching(`^/ip4/127.0.0.1/tcp/\\d+/p2p/${inviter}$`)]);
    // The command asks the app that runs with this home where it is.
    expect(JSON.parse((await cliOnce(['invite', '--json'], { OMNINODE_HOME: home })).stdout)).toMatchObject({ addresses, zone, reach: 'machine' });
    await page.getByText('Only programs on this machine can use it').waitFor();
    await page.screenshot({ path: join(shots, 'real-invite.png') });
    await page.getByRole('button', { name: 'Chat', exact: true }).click();
    await page.getByTestId('answer').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(shots, `real-${colorScheme}.png`) });
    }
  } finally {
    await browser.close();
    cli.child.kill('SIGTERM');
    await cli.done;
    await rm(home, { recursive: true, force: true });
  }
});
