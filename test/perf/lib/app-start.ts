import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestBrowser } from '../../support/browser.ts';
import { servedUrl, startCli } from '../../support/cli.ts';

export interface AppStart {
  /** From the start of the command to its link. */
  readonly linkMs: number;
  /** To the page that takes a question. */
  readonly interactiveMs: number;
  /** To the first text of the first answer on the page. */
  readonly firstTokenMs: number;
  /** From sending the question to it. */
  readonly askedToTokenMs: number;
  /** KiB that the page loaded until then, unpacked. */
  readonly loadedKb: number;
  /** MB of memory, shared pages divided among who shares them: the host with all its node processes, and the page's own process. */
  readonly hostMb: number;
  readonly pageMb: number;
}

/** `omninode serve` with a home that was never used, in a browser that is already open. */
export async function startApp(browser: TestBrowser): Promise<AppStart> {
  const home = await mkdtemp(join(tmpdir(), 'omninode-app-bench-'));
  // Who has a name was asked before: the questions of a first run are not what is measured.
  await writeFile(join(home, 'config.json'), '{"name":"bench","calibrate":false}\n');
  const page = await browser.context.newPage();
  const begun = performance.now();
  const cli = startCli(['serve', '--json'], { OMNINODE_HOME: home });
  const since = (): number => Math.round(performance.now() - begun);
  try {
    const url = await servedUrl(cli);
    const linkMs = since();
    await page.goto(url);
    const question = page.getByRole('button', { name: 'How does OmniNode split a model?' });
    await question.click({ trial: true, timeout: 120_000 });
    const interactiveMs = since();
    await question.click();
    await page.waitForFunction(() => (document.querySelector('[data-testid="answer"]')?.textContent ?? '').trim() !== '', undefined, { polling: 'raf' });
    const firstTokenMs = since();
    const loadedKb = await page.evaluate(() => Math.round(performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((sum, entry) => sum + ((entry as PerformanceResourceTiming).decodedBodySize || 0), 0) / 1024));
    await page.getByText('first token').first().waitFor();
    // The browser keeps a process ready for the next page: ours is the one that has grown.
    const pages = processIds().filter((pid) => commandOf(pid).includes('--type=renderer')).map((pid) => memoryMb([pid]));
    return { linkMs, interactiveMs, firstTokenMs, askedToTokenMs: firstTokenMs - interactiveMs, loadedKb, hostMb: memoryMb(descendants(cli.child.pid ?? 0)), pageMb: Math.max(0, ...pages) };
  } finally {
    await page.close();
    cli.child.kill('SIGTERM');
    await cli.done;
    await rm(home, { recursive: true, force: true });
  }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended meanwhile, or this is no Linux.
    return '';
  }
};
const processIds = (): number[] => (process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number) : []);
const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
const parentOf = (pid: number): number => Number(read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1] ?? 0);

function descendants(root: number): number[] {
  const all = processIds().map((pid) => ({ pid, parent: parentOf(pid) }));
  const found = new Set([root]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

const memoryMb = (pids: readonly number[]): number =>
  Math.round(pids.reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0), 0) / 1024);
