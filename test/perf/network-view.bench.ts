import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { startHttpServer } from '../../src-main/api/index.ts';
import { silentLogger } from '../../src-main/base/index.ts';
import { findChromium, openBrowser } from '../support/browser.ts';
import { crowd, NO_METRICS, ScriptedHost } from '../support/scripted-host.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '3' }, peers: { type: 'string', default: '3,40,200' }, seconds: { type: 'string', default: '5' } } });
const [ROUNDS, SECONDS] = [Number(args.rounds), Number(args.seconds)];
/** The most often that the bridge tells of peers. */
const EVERY_MS = 100;

interface Run {
  readonly peers: number;
  /** `still`: nothing changes. `changing`: a round trip of every peer changes ten times a second. */
  readonly kind: 'still' | 'changing';
  readonly frameMs: { readonly p50: number; readonly p95: number; readonly max: number };
  /** Of the page's main thread, while it was measured. */
  readonly busyShare: number;
}

const at = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** From one frame to the next, ms. */
async function frames(page: Page): Promise<readonly number[]> {
  return page.evaluate((lengthMs) => new Promise<number[]>((resolve) => {
    const deltas: number[] = [];
    const beginMs = performance.now();
    let beforeMs = beginMs;
    const step = (): void => {
      const nowMs = performance.now();
      deltas.push(nowMs - beforeMs);
      beforeMs = nowMs;
      if (nowMs - beginMs < lengthMs) requestAnimationFrame(step);
      else resolve(deltas.slice(1));
    };
    requestAnimationFrame(step);
  }), SECONDS * 1000);
}

async function measure(page: Page, host: ScriptedHost, { count, kind }: { readonly count: number; readonly kind: Run['kind'] }): Promise<Run> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const busySeconds = async (): Promise<number> => (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  let turn = 0;
  const timer = kind === 'changing' ? setInterval(() => host.setPeers(crowd(count, (turn += 1)).peers), EVERY_MS) : undefined;
  const before = await busySeconds();
  const deltas = (await frames(page)).toSorted((a, b) => a - b);
  const busyShare = (await busySeconds() - before) / SECONDS;
  clearInterval(timer);
  return { peers: count, kind, frameMs: { p50: at(deltas, 0.5), p95: at(deltas, 0.95), max: at(deltas, 1) }, busyShare };
}

const executable = findChromium();
if (executable === undefined) throw new Error('no Chromium on this machine');
const browser = await openBrowser(executable);
const runs: Run[] = [];
const facts = hostFacts();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const count of args.peers.split(',').map(Number)) {
    const host = new ScriptedHost();
    const { peers, members, known } = crowd(count);
    host.network.peers = known;
    host.setPeers(peers);
    host.setMembers(members);
    const server = await startHttpServer({ host, metrics: NO_METRICS, logger: silentLogger, renderer: join(import.meta.dirname, '..', '..', 'out', 'renderer'), options: { key: 'key-of-the-benchmark', port: 0 } });
    const page = await browser.context.newPage();
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(server.url);
    await page.getByText('Ready', { exact: true }).waitFor();
    await page.keyboard.press('Alt+2');
    await page.locator('.map [role="button"]').first().waitFor();
    for (const kind of ['still', 'changing'] as const) runs.push(await measure(page, host, { count, kind }));
    await page.close();
    await server.stop();
  }
}
await browser.close();

const rows = args.peers.split(',').map(Number).flatMap((count) => (['still', 'changing'] as const).map((kind) => {
  const of = runs.filter((run) => run.peers === count && run.kind === kind);
  const mid = (value: (run: Run) => number): string => median(of.map(value)).toFixed(1);
  return [count, kind, mid(({ frameMs }) => frameMs.p50), mid(({ frameMs }) => frameMs.p95), mid(({ frameMs }) => frameMs.max), `${(median(of.map(({ busyShare }) => busyShare)) * 100).toFixed(0)} %`];
}));
print({ name: 'network-view', host: facts, seconds: SECONDS, everyMs: EVERY_MS, runs }, table(['peers', 'figures', 'frame p50, ms', 'p95, ms', 'longest, ms', 'main thread busy'], rows));
