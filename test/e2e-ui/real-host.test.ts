import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readInvite } from '../../src-main/mesh/index.ts';
import { makePdf } from '../../src-main/documents/testing/pdf.ts';
import { cli as cliOnce } from '../support/cli.ts';
import { LOOK_MS, openReadyPage, REAL_TIMEOUT_MS, realMissing, RealHosts } from '../support/real-host.ts';
import { openTestBrowser, shots } from '../support/ui.ts';

const why = realMissing('real-host');

it.skipIf(why !== undefined)('`omninode serve`: the model inside answers over three node processes, measured', async () => {
  const hosts = await RealHosts.open();
  const home = join(hosts.folder, 'home');
  const browser = await openTestBrowser();
  try {
    const { cli, url } = await hosts.serve({ home });
    const page = await openReadyPage(browser, url);
    expect(await page.getByRole('heading', { name: 'Ask the model inside' }).isVisible()).toBe(true);
    await page.getByRole('button', { name: 'How does OmniNode split a model?' }).click();
    await page.getByText(/^3 stages · [\d.]+ tok\/s · first token/).waitFor();
    expect((await page.getByTestId('answer').innerText()).length).toBeGreaterThan(40);
    expect(await page.getByText('Only this machine sees this chat.').isVisible()).toBe(true);
    const speed = /[\d.]+ tok\/s/.exec(await page.getByText(/^3 stages · [\d.]+ tok\/s · first token/).innerText())?.[0];
    await page.getByRole('button', { name: '3 stages on this machine · ready' }).click();
    const stages = page.getByRole('region', { name: 'Stages' }).locator('.stage');
    expect(await stages.count()).toBe(3);
    for (const text of await stages.allInnerTexts()) expect(text).toMatch(/Layers? \d.*Compute\s+[\d.]+ ms\/token.*[KM]B CPU/s);
    await page.getByRole('region', { name: 'Answers' }).getByText(`${speed} · first token`).waitFor();
    await page.getByRole('figure', { name: 'Memory' }).getByText(/^[\d.]+ MB$/).first().waitFor();
    await page.getByRole('button', { name: 'Ask the planner' }).click();
    await page.getByText('3 nodes answered.').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(shots, `real-pipeline-${colorScheme}.png`) });
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('button', { name: /peers?$/ }).click();
    await page.getByRole('button', { name: 'Invite another machine' }).click();
    const { inviter, addresses, zone } = await readInvite(await page.getByLabel('Invitation link').inputValue(), Date.now());
    expect(zone).toBe('local');
    expect(addresses).toEqual([expect.stringMatching(`^/ip4/127.0.0.1/tcp/\\d+/p2p/${inviter}$`)]);
    // The command asks the app that runs with this home where it is.
    expect(JSON.parse((await cliOnce(['invite', '--json'], { OMNINODE_HOME: home })).stdout)).toMatchObject({ addresses, zone, reach: 'machine' });
    await page.getByText('Only programs on this machine can use it').waitFor();
    await page.screenshot({ path: join(shots, 'real-invite.png') });
    const why = page.getByRole('region', { name: 'Why can’t I connect?' });
    await why.getByRole('button', { name: 'Find out' }).click();
    await why.getByText(/^Runs as .* \(process \d+\), and was asked$/).waitFor();
    await why.getByRole('button', { name: 'Copy as text' }).waitFor();
    const blocked = page.getByRole('region', { name: 'Blocked' });
    await blocked.getByRole('button', { name: 'Block by id or address' }).click();
    await blocked.getByLabel('Peer id or IP address').fill('203.0.113.7');
    await blocked.getByRole('button', { name: 'Block it' }).click();
    await blocked.getByRole('button', { name: 'Unblock 203.0.113.7' }).waitFor();
    // The command reads the same list.
    expect(JSON.parse((await cliOnce(['ban', 'ls', '--json'], { OMNINODE_HOME: home })).stdout)).toMatchObject({ bans: [{ subject: '203.0.113.7' }] });
    await blocked.getByRole('button', { name: 'Unblock 203.0.113.7' }).click();
    await blocked.getByText('Nobody is blocked.').waitFor();
    await page.getByRole('button', { name: 'Chat', exact: true }).click();
    await page.getByTestId('answer').waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('diagnostics');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Collect diagnostics' }).click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the file' }).click()]);
    const diagnostics = await readFile(await file.path(), 'utf8');
    expect(JSON.parse(diagnostics)).toMatchObject({ configuration: { zone: 'local' }, doctor: expect.arrayContaining([expect.objectContaining({ name: 'stage engine', ok: true })]), network: expect.arrayContaining([expect.objectContaining({ name: 'listen' })]) });
    for (const secret of [new URL(url).hash.slice(5), 'How does OmniNode split a model?']) expect(diagnostics).not.toContain(secret);
    await page.getByRole('button', { name: 'Chat', exact: true }).click();
    await page.getByTestId('answer').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(shots, `real-${colorScheme}.png`) });
    }
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByLabel('Files to attach').setInputFiles([
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('A pangolin is no node.') }, { name: 'page.pdf', mimeType: 'application/pdf', buffer: Buffer.from(makePdf({ pages: ['Nor is an aardvark.'] })) },
    ]);
    // As the model's own tokenizer counts them.
    await expect.poll(() => page.getByText(/ · \d+ tokens$/).count(), { timeout: LOOK_MS }).toBe(2);
    await page.getByLabel('Your question').fill('What is a shard?');
    await page.getByLabel('Your question').press('Enter');
    // The small model may well talk until its context is full, and the line begins with that.
    await page.getByText(/3 stages · [\d.]+ tok\/s · first token/).waitFor();
    await page.locator('.chips-sent').getByRole('button', { name: 'page.pdf' }).click();
    await page.getByRole('dialog').getByText('Nor is an aardvark.').waitFor();
    cli.child.kill('SIGTERM');
    expect((await cli.done).stderr).not.toMatch(/pangolin|aardvark/);
  } finally {
    await browser.close();
    await hosts.stop();
  }
}, REAL_TIMEOUT_MS);
