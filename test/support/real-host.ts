import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { TestBrowser } from './browser.ts';
import { startCli, startCliSource, type RunningCli } from './cli.ts';

/** What tests need that start the app as its user does, and look at its page in Chromium. */

export { realMissing } from './ui.ts';

/** One thread a stage and nothing done on the side: tests share the machine. */
export const QUIET_ENV = { OMNINODE_THREADS: '1', OMNINODE_CALIBRATE: '0', OMNINODE_SHARE_STORE: '0' } as const;

/** For a whole test: nodes start on a machine that may have other things to do. */
export const REAL_TIMEOUT_MS = 300_000;
export const LOOK_MS = 100_000;

/** The page of a host, once its model answers. */
export async function openReadyPage({ context }: TestBrowser, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(LOOK_MS);
  await page.goto(url);
  await page.getByText('Ready', { exact: true }).waitFor();
  return page;
}

export interface Serving {
  readonly cli: RunningCli;
  /** With the key. */
  readonly url: string;
}

export interface ServeInit {
  readonly home: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `config.json` of the home, where it is to be written. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** From the sources, so that the child is the node itself and dies with SIGKILL. */
  readonly isNode?: boolean;
}

/** Hosts that a test leaves running in folders that go with it. */
export class RealHosts {
  readonly folder: string;
  readonly #running: RunningCli[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<RealHosts> {
    return new RealHosts(await mkdtemp(join(tmpdir(), 'omninode-real-')));
  }

  /** `omninode serve`; resolves once the page can be opened. */
  async serve({ home, args = [], env = {}, config, isNode = false }: ServeInit): Promise<Serving> {
    await mkdir(home, { recursive: true });
    if (config !== undefined) await writeFile(join(home, 'config.json'), JSON.stringify(config));
    const cli = (isNode ? startCliSource : startCli)(['serve', '--json', ...args], { ...env, OMNINODE_HOME: home });
    this.#running.push(cli);
    const { url } = JSON.parse(/\{.*"serving".*\}/.exec(await cli.until(/"serving".*\}/))![0]) as { url: string };
    return { cli, url };
  }

  async stop(): Promise<void> {
    for (const { child } of this.#running) child.kill('SIGTERM');
    await Promise.all(this.#running.map(({ done }) => done));
    await rm(this.folder, { recursive: true, force: true });
  }
}
