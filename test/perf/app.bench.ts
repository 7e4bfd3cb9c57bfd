import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium, openBrowser } from '../support/browser.ts';
import { bundleSize, measurePage } from './lib/app-page.ts';
import { startApp, type AppStart } from './lib/app-start.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '10' } } });
const renderer = join(import.meta.dirname, '..', '..', 'out', 'renderer');

async function main(): Promise<void> {
  const chromium = findChromium();
  if (chromium === undefined || !existsSync(join(renderer, 'index.html'))) throw new Error(chromium === undefined ? 'no Chromium on this machine' : 'the page is not built (npm run build)');
  const host = hostFacts();
  const browser = await openBrowser(chromium);
  try {
    const starts: AppStart[] = [];
    // The first one warms the file cache, and is not counted.
    for (let round = 0; round <= Number(args.rounds); round++) starts.push(await startApp(browser));
    const counted = starts.slice(1);
    const of = (pick: (start: AppStart) => number): number => median(counted.map(pick));
    const page = await measurePage(browser, { renderer, forMs: Number(args.seconds) * 1_000 });
    const bundle = await bundleSize(renderer);
    const result = {
      coldStartMs: of((start) => start.interactiveMs), firstTokenMs: of((start) => start.firstTokenMs), askedToTokenMs: of((start) => start.askedToTokenMs), linkMs: of((start) => start.linkMs),
      frameMsP95: Math.max(page.chat.p95, page.network.p95), eventToPixelMs: page.eventToPixelMs, bundleKb: bundle.allKb, bundle: { ...bundle, loadedKb: of((start) => start.loadedKb) },
      rssMb: { host: of((start) => start.hostMb), page: of((start) => start.pageMb) }, frames: page, ratios: { frameP95ToBlank: Math.max(page.chat.p95, page.network.p95) / page.blank.p95 },
    };
    const rows = Object.entries({ 'an empty page': page.blank, 'chat, 50 tokens/s': page.chat, 'network, 200 peers': page.network }).map(([name, { p50, p95, max }]) => [name, p50.toFixed(1), p95.toFixed(1), max.toFixed(1)]);
    print({ name: 'app', host, ...result, starts: counted, runs: counted.length },
      `page ready after ${result.coldStartMs} ms, first text after ${result.firstTokenMs} ms; host ${result.rssMb.host} MB, page ${result.rssMb.page} MB; text on screen ${result.eventToPixelMs.p50} ms after the host's call (p95 ${result.eventToPixelMs.p95})\n\n`
      + table(['frames', 'p50 ms', 'p95 ms', 'longest ms'], rows));
  } finally {
    await browser.close();
  }
}

await main();
process.exit();
