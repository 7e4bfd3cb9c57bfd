import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { inferPipeline, loadSettings, type InferenceReport, type Settings } from '../../src-main/host/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { CliRuns, type Listening } from '../support/cli.ts';
import { generateModel } from '../support/models/index.ts';

/** The product's own nodes (`omninode listen`), each with a home of its own, under a planned pipeline. */
const home = mkdtempSync(join(tmpdir(), 'omninode-refetch-listen-'));
const model = join(home, 'model.gguf');
const [MAX_TOKENS, AT_TEXT] = [150, 20];
// Up to four nodes and as many transfer processes start on one machine.
const TIMEOUT_MS = 180_000;
const signal = new AbortController().signal;
const runs = new CliRuns();
let settings: Settings;

beforeAll(async () => {
  await generateModel({ path: model, architecture: 'llama', type: 'Q4_0', layers: 6, seed: 9 });
  settings = await loadSettings({ model, home: join(home, 'coordinator'), contextTokens: 512, threads: 1, mdns: false, logLevel: 'silent' }, {});
});
afterEach(() => runs.stop());
afterAll(() => rm(home, { recursive: true, force: true }));

const listen = (name: string, layers?: string): Promise<Listening> =>
  runs.listen(layers === undefined ? [] : ['--model', model, '--layers', layers], { OMNINODE_HOME: join(home, name), OMNINODE_THREADS: '1' });

const infer = (peers: readonly Listening[], watch: { readonly onStatus?: (text: string) => void; readonly onText?: (text: string) => void } = {}): Promise<InferenceReport> => inferPipeline(settings, {
  prompt: { kind: 'text', text: 'the quick brown fox jumps over the lazy dog' }, sampling: GREEDY, maxTokens: MAX_TOKENS, dtype: 'f16', route: { kind: 'peers', addresses: peers.map(({ address }) => address) },
}, { signal, ...watch });

it.runIf(process.platform !== 'win32')('a planned answer goes on over a node that did not hold the lost layers: it fetches them from the coordinator', async () => {
  const [a, b] = await Promise.all([listen('a', '0-2'), listen('b', '3-5')]);
  const undisturbed = await infer([a, b]);
  expect(undisturbed.tokenIds.length).toBeGreaterThan(2 * AT_TEXT);
  const spare = await listen('spare');
  const told: string[] = [];
  let texts = 0;
  const report = await infer([a, b, spare], { onStatus: (text) => void told.push(text), onText: () => { if (++texts === AT_TEXT) a.cli.child.kill('SIGKILL'); } });
  expect(report.tokenIds).toEqual(undisturbed.tokenIds);
  expect(told.join('\n')).toMatch(/takes layers 0-2: nobody else has them on disk, it fetches/);
  expect(told.join('\n')).toMatch(/fetching layers 0-2 from 1 peer, 100 %/);
  expect(report.stages.map(({ layers }) => layers)).toEqual([[0, 2], [3, 5]]);
  // It is held now, and offered: the next plan counts on it.
  told.length = 0;
  expect((await infer([b, spare], { onStatus: (text) => void told.push(text) })).tokenIds.length).toBeGreaterThan(0);
  expect(told.join('\n')).not.toMatch(/[Ff]etching/);
}, TIMEOUT_MS);

it.runIf(process.platform !== 'win32')('layers that no peer holds at first are fetched before the answer', async () => {
  const [a, spare] = await Promise.all([listen('c', '0-2'), listen('spare-2')]);
  const told: string[] = [];
  const report = await infer([a, spare], { onStatus: (text) => void told.push(text) });
  expect(report.tokenIds.length).toBeGreaterThan(0);
  expect(told.join('\n')).toMatch(/Fetching shards takes about \d+ s first/);
  expect(told.join('\n')).toMatch(/fetching layers \d-5 from 1 peer, 100 %/);
}, TIMEOUT_MS);
