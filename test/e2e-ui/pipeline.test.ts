import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { ScriptedHost, STAGES } from '../support/scripted-host.ts';
import { ANSWER, PLACEMENT, samplesUntil } from '../support/scripted-pipeline.ts';
import { useChromium } from '../support/test-ui.ts';
import { checkLooks, overflowOf, shots, uiMissing } from '../support/ui.ts';

const why = uiMissing('pipeline');

const MEASURED = STAGES.map((stage) => ({ ...stage, waitMsPerToken: 0.12, wireMsPerToken: 0.38, mostWaiting: 1 }));

describe.skipIf(why !== undefined)('the pipeline in Chromium', () => {
  const ui = useChromium();
  let host: ScriptedHost;
  let page: Page;
  beforeEach(async () => {
    page = await ui.show(host = new ScriptedHost());
    await page.emulateMedia({ reducedMotion: 'no-preference' });
  });

  const check = (name: string) => checkLooks(page, name);
  const shoot = async (name: string): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) });
    }
  };
  const overflow = () => overflowOf(page);
  const go = () => page.getByRole('navigation', { name: 'Places' }).getByRole('button', { name: 'Pipeline' }).click();
  const section = (name: string) => page.getByRole('region', { name, exact: true });
  const show = (name: string) => section(name).evaluate((element) => element.scrollIntoView({ block: 'start' }));

  it('says in the chat in one line what answers, which opens the pipeline; there stages, time per token, tokens that flow, and a loss', async () => {
    const line = page.getByRole('button', { name: '3 stages on this machine · ready' });
    await line.waitFor();
    host.setActivity({ answering: 1, waiting: 2 });
    await page.getByRole('button', { name: '3 stages on this machine · writing an answer · 2 waiting' }).click();
    await section('Stages').getByText('9.9 ms/token').waitFor();
    expect(await section('Stages').getByText(/wire$/).count()).toBe(0);
    host.setStages(MEASURED.map((stage) => ({ ...stage, state: 'busy' })));
    host.setActivity({ answering: 1, waiting: 2, ttftMs: 120, itlMs: { p50: 8.2, p99: 31 }, tokens: 1_200 });
    await expect.poll(() => section('Stages').getByText('computing').count()).toBe(3);
    await page.getByTestId('activity').getByText('1 answer under way · 2 waiting · first token 120 ms · 8.2 ms between tokens (1 in 100 over 31 ms)').waitFor();
    await expect.poll(() => section('Stages').getByText('0.4 ms wire').count()).toBe(3);
    expect(await page.getByRole('img', { name: /Layers 0–1: compute, 7.9 ms; Layers 0–1: wire, 0.4 ms/ }).count()).toBe(1);
    const pulse = page.waitForSelector('.pulse', { state: 'attached' });
    host.setActivity({ answering: 1, waiting: 2, tokens: 1_204 });
    await pulse;
    await page.getByTestId('tokens').getByText('1,204 tokens since the model was loaded').waitFor();
    await page.locator('.pulse').first().waitFor({ state: 'detached' });
    await check('pipeline-stages');
    host.setActivity({ answering: 1, waiting: 0, tokens: 1_300 });
    await page.getByText('1,300 tokens').waitFor();
    expect(await page.locator('.pulse').count()).toBe(0);
    host.setStages(MEASURED.map((stage, index) => ({ ...stage, state: index === 1 ? 'lost' : 'busy' })));
    await section('Stages').getByText('lost', { exact: true }).waitFor();
    await shoot('pipeline-lost');
    await page.keyboard.press('Alt+1');
    await page.getByRole('button', { name: 'a stage was lost, others take over' }).waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('draws what was measured, with gaps, goes on while it is shown, and tells the same in tables', async () => {
    const endMs = Date.now();
    host.pipeline.kept = samplesUntil(endMs - 2_000, 60);
    await go();
    const speed = page.getByRole('figure', { name: 'Tokens per second' });
    await speed.locator('path.recharts-line-curve').waitFor();
    host.pipeline.sample({ atMs: endMs, spanMs: 2_000, tokensPerSecond: 77, hostBytes: 190_000_000 });
    await speed.getByText('77 tok/s').first().waitFor();
    await show('Over time');
    await check('pipeline-charts');
    await page.getByRole('button', { name: '1 hour' }).click();
    // The gap of 6 minutes: the line begins twice.
    await expect.poll(async () => ((await speed.locator('path.recharts-line-curve').getAttribute('d')) ?? '').match(/M/g)?.length).toBe(2);
    await shoot('pipeline-hour');
    await speed.getByText('Tokens per second as a table').click();
    expect(await speed.getByRole('row').nth(1).innerText()).toMatch(/tok\/s$/);
    await page.keyboard.press('Alt+1');
    await page.getByLabel('Your question').waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('asks the planner when told to: what runs against what it would do, why, who is left out, and what it refuses', async () => {
    await go();
    await page.getByRole('button', { name: 'Ask the planner' }).click();
    await page.getByText('4 nodes answered, 1 did not.').waitFor();
    await section('As it runs now').getByText('12 % slower than predicted').waitFor();
    await section('As the planner would place it').getByText('61 tok/s').waitFor();
    await section('Placement').getByText('splitting would be slower: 52.1 vs 61.0 tok/s').waitFor();
    await show('Placement');
    await check('pipeline-placement');
    host.pipeline.planned = () => {
      const { plan: _, record: __, ...rest } = PLACEMENT;
      return { ...rest, refusal: new CodedError({ code: 'PIPELINE_DOES_NOT_FIT', message: 'layers 0-5 need 8.00 GB with their context, 2.20 GB are free: 5.80 GB are missing', next: 'Add a node with more memory.', fault: 'user' }).toWire() };
    };
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('5.80 GB are missing').waitFor();
    await page.getByText('What runs now was loaded anyway').waitFor();
    await shoot('pipeline-refused');
    host.pipeline.planned = () => { throw new CodedError({ code: 'HOST_ANSWERING', message: 'an answer is under way, and planning would disturb it', next: 'Ask again when it is done.', fault: 'local' }); };
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('Ask again when it is done.').waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('lists answers as they end, opens one, and forgets them all when told to', async () => {
    await go();
    await page.getByText('No answer yet.').waitFor();
    for (let id = 1; id <= 30; id += 1) {
      const { failovers: _, pausedMs: __, ...plain } = ANSWER;
      host.pipeline.ended(id === 29 ? { ...ANSWER, id } : { ...plain, id, failovers: 0, losses: [], ...(id === 28 ? { finishReason: 'failed', errorCode: 'PIPELINE_NOT_RECOVERED' } : {}) });
    }
    await section('Answers').getByText('25 of 30').waitFor();
    await page.getByRole('button', { name: 'Show older' }).click();
    await section('Answers').getByText('30 of 30').waitFor();
    await page.getByRole('button', { name: /1 stage lost, paused 640 ms/ }).click();
    await page.getByText('Layers 2–3 on …stNode were lost after 52 tokens; the answer went on 640 ms later, taken over by …umber1 (layers 2–3).').waitFor();
    await section('Answers').getByRole('row').nth(3).getByText('9.9 ms').waitFor();
    await show('Answers');
    await check('pipeline-answers');
    await page.getByRole('button', { name: 'Clear the history' }).click();
    await page.getByRole('button', { name: 'Clear it for good' }).click();
    await page.getByText('No answer yet.').waitFor();
    expect(ui.complaints).toEqual([]);
  });

  it('fits 360 px; and the wallet says that there is no chain, with no figure', async () => {
    host.setStages(MEASURED);
    host.pipeline.kept = samplesUntil(Date.now(), 5);
    host.pipeline.ended(ANSWER);
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByRole('button', { name: '3 stages on this machine · ready' }).click();
    await page.getByRole('figure').first().waitFor();
    await page.getByRole('button', { name: 'Ask the planner' }).click();
    await page.getByText('4 nodes answered').waitFor();
    expect(await overflow()).toBe(0);
    await check('narrow-pipeline');
    for (const [name, file] of [['Over time', 'charts'], ['Placement', 'placement'], ['Answers', 'answers']] as const) {
      if (name === 'Answers') await page.getByRole('button', { name: /1 stage lost/ }).click();
      await show(name);
      expect(await overflow()).toBe(0);
      await shoot(`narrow-pipeline-${file}`);
    }
    await page.setViewportSize({ width: 1100, height: 760 });
    await page.getByRole('navigation', { name: 'Places' }).getByRole('button', { name: 'Wallet' }).click();
    await page.getByRole('heading', { name: 'No chain is configured' }).waitFor();
    expect(await page.getByRole('main').innerText()).not.toMatch(/\d/);
    await check('wallet');
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflow()).toBe(0);
    await shoot('narrow-wallet');
    expect(ui.complaints).toEqual([]);
  });
});
