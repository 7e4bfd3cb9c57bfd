import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { askContribution, askRunningHost, inferPipeline, loadSettings, type Contribution, type InferenceReport } from '../../src-main/host/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { CliRuns, startCliSource } from '../support/cli.ts';

/** The app itself (`omninode serve`) and a second node whose answers run through its layers: real processes, the model inside. */
const root = mkdtempSync(join(tmpdir(), 'omninode-contribute-'));
const home = join(root, 'app');
const env = { OMNINODE_HOME: home, OMNINODE_THREADS: '1', OMNINODE_CALIBRATE: '0', OMNINODE_SHARE_STORE: '0' };
const TIMEOUT_MS = 180_000;
const signal = new AbortController().signal;
const runs = new CliRuns();

afterEach(() => runs.stop());
afterAll(() => rm(root, { recursive: true, force: true }));

async function serve(): Promise<{ readonly address: string; readonly kill: () => Promise<void> }> {
  const cli = runs.start(['serve', '--json'], env);
  await cli.until(/"event":"serving"/);
  return {
    address: await until(async () => {
      const { status, addresses = [] } = await askRunningHost(home, signal);
      return status.kind === 'ready' ? addresses[0] : undefined;
    }),
    kill: async () => {
      cli.child.kill('SIGKILL');
      await cli.done;
    },
  };
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
}

const contributed = (fits: (now: Contribution) => boolean): Promise<Contribution> => until(async () => {
  const now = await askContribution(home, signal);
  return fits(now) ? now : undefined;
});

async function infer(address: string, onText: () => void = () => undefined): Promise<InferenceReport> {
  const settings = await loadSettings({ home: join(root, 'other'), threads: 1, mdns: false, logLevel: 'silent', calibrate: false }, {});
  return inferPipeline(settings, { prompt: { kind: 'text', text: 'OmniNode is' }, sampling: GREEDY, maxTokens: 60, dtype: 'f16', route: { kind: 'peers', addresses: [address] } }, { signal, onText });
}

const contribute = async (...order: readonly string[]): Promise<Contribution> => JSON.parse((await startCliSource(['contribute', ...order, '--json'], env).done).stdout) as Contribution;

it.runIf(process.platform !== 'win32')('an app serves others while its owner lets it, says whom and how much, and keeps limits and sums through a kill', async () => {
  const app = await serve();
  // Nobody is served before the owner says so.
  expect(await askContribution(home, signal)).toMatchObject({ isOn: false, serving: [], total: { tokens: 0, sessions: 0 } });
  await expect(infer(app.address)).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LEFT', message: expect.stringContaining('switched that off') });

  const on = await contribute('on');
  expect(on).toMatchObject({ isOn: true, reach: 'machine', offers: [{ layers: [[0, 5]] }] });
  const { tokenIds, promptTokens, stages, finishReason } = await infer(app.address);
  expect(stages.map(({ layers }) => layers)).toEqual([[0, 5]]);
  // Each token of the prompt and of the answer went through all six layers once; the last one is fed in only where an end followed.
  const rows = promptTokens + tokenIds.length - (finishReason === 'length' ? 1 : 0);
  const after = await contributed(({ total, sessions }) => sessions === 0 && total.tokens >= rows);
  // However short it was.
  expect(after.lastServed).toMatchObject({ layers: [0, 5], model: on.offers[0]?.model });
  expect(after.loaded[0]).toMatchObject({ layers: [0, 5] });
  expect(after.total).toMatchObject({ tokens: rows, layerTokens: rows * 6, sessions: 1 });
  expect(after.sinceStart.tokens).toBe(rows);

  const paused = await contribute('pause', '--minutes', '30');
  expect(paused).toMatchObject({ isOn: true, hold: { reason: 'paused' } });
  await expect(infer(app.address)).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LEFT', message: expect.stringContaining('pauses') });
  await contributed(({ loaded }) => loaded.length === 0);

  await app.kill();
  const again = await serve();
  const kept = await contributed(() => true);
  expect(kept).toMatchObject({ isOn: true, hold: { reason: 'paused', until: paused.hold?.until }, total: { tokens: rows, sessions: 1 }, sinceStart: { tokens: 0 } });
  expect(JSON.parse(await readFile(join(home, 'config.json'), 'utf8'))).toEqual({ contribute: true });
  expect(await contribute('resume')).toMatchObject({ isOn: true });
  expect((await infer(again.address)).tokenIds).toEqual(tokenIds);
  expect(await contribute('off')).toMatchObject({ isOn: false });
  await expect(infer(again.address)).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LEFT' });
}, TIMEOUT_MS);
