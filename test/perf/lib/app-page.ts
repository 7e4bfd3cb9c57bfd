import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import type { ChatPart, ChatRequest } from '../../../src-main/api/index.ts';
import { startHttpServer } from '../../../src-main/api/index.ts';
import { silentLogger } from '../../../src-main/base/index.ts';
import type { Member, Peer } from '../../../src-preload/bridge/index.ts';
import type { TestBrowser } from '../../support/browser.ts';
import { FINISH, MEMBERS, NO_METRICS, PEERS, ScriptedHost } from '../../support/scripted-host.ts';

const PEERS_SHOWN = 200;
const TOKENS_PER_SECOND = 50;
const PUSHES_PER_SECOND = 10;
const KEY = 'key-of-the-app-bench';

export interface Frames {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

export interface PageFigures {
  /** An empty page in the same browser: what the display gives. */
  readonly blank: Frames;
  readonly chat: Frames;
  readonly network: Frames;
  /** From the host's call to the frame after the text is in the page. */
  readonly eventToPixelMs: { readonly count: number; readonly p50: number; readonly p95: number };
}

const at = (values: readonly number[], share: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
const framesOf = (deltas: readonly number[]): Frames => ({ count: deltas.length, p50: at(deltas, 0.5), p95: at(deltas, 0.95), max: Math.max(...deltas) });

/** Times between frames, ms, for so long. */
const watchFrames = async (page: Page, forMs: number): Promise<Frames> => framesOf(await page.evaluate((lastMs) => new Promise<number[]>((resolve) => {
  const deltas: number[] = [];
  let before = performance.now();
  const begun = before;
  const next = (now: number): void => {
    deltas.push(now - before);
    before = now;
    if (now - begun < lastMs) requestAnimationFrame(next);
    else resolve(deltas.slice(1));
  };
  requestAnimationFrame(next);
}), forMs));

/** Writes the time into each token, so that the page can tell how old it is when it is on screen. */
async function* stamped({ signal }: ChatRequest): AsyncGenerator<ChatPart> {
  const begun = performance.now();
  for (let token = 0; !signal.aborted; token++) {
    const dueMs = begun + token * (1_000 / TOKENS_PER_SECOND) - performance.now();
    if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
    yield { text: `${token % 12 === 11 ? '\n\n' : ' '}at${Date.now()}` };
  }
  yield { done: { ...FINISH, finishReason: 'cancelled' } };
}

const collectAges = (page: Page): Promise<void> => page.evaluate(() => {
  const ages: number[] = [];
  let newest = 0;
  const look = (): void => {
    const stamps = document.querySelector('[data-testid="answer"]')?.textContent.match(/at\d{13}/g) ?? [];
    const stamp = Number(stamps.at(-1)?.slice(2) ?? 0);
    if (stamp <= newest) return;
    newest = stamp;
    // A task queued from a frame's callback runs after that frame was given to the screen.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => ages.push(Date.now() - stamp);
      port2.postMessage(undefined);
    });
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  Object.assign(globalThis, { ages });
});

function manyPeers(round: number): { readonly peers: Peer[]; readonly members: Member[] } {
  const idOf = (index: number): string => `12D3KooWBenchPeerNumber${String(index).padStart(29, '1')}`;
  const [peer, member] = [PEERS[0]!, MEMBERS[0]!];
  return {
    peers: Array.from({ length: PEERS_SHOWN }, (_, index) => ({ ...peer, peerId: idOf(index), rttMs: 1 + (index * 7 + round) % 180, jitterMs: (index + round) % 9 })),
    members: Array.from({ length: PEERS_SHOWN }, (_, index) => ({ ...member, peerId: idOf(index), name: `node ${index}` })),
  };
}

/** The page before a host that says what is to be shown: 200 peers whose figures change, 50 tokens a second. */
export async function measurePage(browser: TestBrowser, { renderer, forMs }: { readonly renderer: string; readonly forMs: number }): Promise<PageFigures> {
  const host = new ScriptedHost();
  host.script = stamped;
  const server = await startHttpServer({ host, metrics: NO_METRICS, logger: silentLogger, renderer, options: { key: KEY } });
  const page = await browser.context.newPage();
  let round = 0;
  const push = (): void => {
    const { peers, members } = manyPeers(round++);
    host.setPeers(peers);
    host.setMembers(members);
  };
  const timer = setInterval(push, 1_000 / PUSHES_PER_SECOND);
  try {
    const blank = await watchFrames(page, forMs / 4);
    await page.goto(server.url);
    await page.getByText('Ready', { exact: true }).waitFor();
    await page.getByLabel('Your question').fill('How fast is this page?');
    await page.getByLabel('Your question').press('Enter');
    await page.getByTestId('answer').waitFor();
    await collectAges(page);
    const chat = await watchFrames(page, forMs);
    const ages = await page.evaluate(() => (globalThis as unknown as { ages: number[] }).ages);
    await page.getByRole('navigation').getByRole('button', { name: 'Network', exact: true }).click();
    await page.getByText(/\bnode \d+/).first().waitFor();
    const network = await watchFrames(page, forMs);
    return { blank, chat, network, eventToPixelMs: { count: ages.length, p50: at(ages, 0.5), p95: at(ages, 0.95) } };
  } finally {
    clearInterval(timer);
    await page.close();
    await server.stop();
    await host.conversations.close();
  }
}

/** KiB of the built page: all of it, and packed as a server with gzip would. */
export async function bundleSize(folder: string): Promise<{ readonly allKb: number; readonly scriptsKb: number; readonly gzippedKb: number }> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const contents = await Promise.all(files.map(async (entry) => ({ name: entry.name, bytes: await readFile(join(entry.parentPath, entry.name)) })));
  const sum = (sizes: readonly number[]): number => Math.round(sizes.reduce((all, size) => all + size, 0) / 1024);
  return {
    allKb: sum(contents.map(({ bytes }) => bytes.length)), scriptsKb: sum(contents.filter(({ name }) => /\.(js|css|html)$/.test(name)).map(({ bytes }) => bytes.length)),
    gzippedKb: sum(contents.filter(({ name }) => /\.(js|css|html)$/.test(name)).map(({ bytes }) => gzipSync(bytes).length)),
  };
}
