import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { startHttpServer, type HostService, type HttpServer } from '../../src-main/api/index.ts';
import { silentLogger, type Logger } from '../../src-main/base/index.ts';
import type { TestBrowser } from './browser.ts';
import { NO_METRICS } from './scripted-host.ts';
import { openTestBrowser, renderer } from './ui.ts';

interface Serving {
  readonly key?: string;
  readonly port?: number;
  readonly logger?: Logger;
}

/** A browser for all tests of a file, and what one of them opens, released after it. */
class TestUi {
  #browser: TestBrowser | undefined;
  #server: HttpServer | undefined;
  #pages: Page[] = [];
  #folders: string[] = [];
  #complaints: string[] = [];

  get context(): BrowserContext {
    return there(this.#browser).context;
  }

  /** What `serve` began last. */
  get server(): HttpServer {
    return there(this.#server);
  }

  /** What the pages of this test complained of on their consoles, and threw. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  async openBrowser(permissions: readonly string[]): Promise<void> {
    this.#browser = await openTestBrowser();
    await this.#browser.context.grantPermissions([...permissions]);
  }

  async closeBrowser(): Promise<void> {
    await this.#browser?.close();
  }

  /** Serves the page of a host; a server before it must have been stopped. */
  async serve(host: HostService, { key = 'key-of-the-browser-test', port = 0, logger = silentLogger }: Serving = {}): Promise<void> {
    this.#server = await startHttpServer({ host, metrics: NO_METRICS, logger, renderer, options: { key, port } });
  }

  /** An empty one. */
  async newPage(): Promise<Page> {
    const [page, complaints] = [await this.context.newPage(), this.#complaints];
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
    page.on('pageerror', (error) => complaints.push(error.message));
    this.#pages.push(page);
    return page;
  }

  /** Goes to what is served, until the host is ready. */
  async load(page: Page): Promise<void> {
    await page.goto(this.server.url);
    await page.locator('.pill-ready').waitFor();
  }

  /** A page that is loaded from this host. */
  async show(host: HostService, serving?: Serving): Promise<Page> {
    await this.serve(host, serving);
    const page = await this.newPage();
    await this.load(page);
    return page;
  }

  /** An empty one, which outlives the server. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'omninode-ui-'));
    this.#folders.push(folder);
    return folder;
  }

  async release(): Promise<void> {
    for (const page of this.#pages.splice(0)) await page.close();
    await this.#server?.stop();
    for (const folder of this.#folders.splice(0)) await rm(folder, { recursive: true, force: true });
    this.#server = undefined;
    this.#complaints = [];
  }
}

function there<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('only a test and its hooks may ask for this, after it was opened');
  return part;
}

/** Call it first in a `describe`: vitest runs the hooks after a test last to first, so later ones find the pages open. */
export function useChromium(...permissions: string[]): TestUi {
  const ui = new TestUi();
  beforeAll(() => ui.openBrowser(permissions));
  afterAll(() => ui.closeBrowser());
  afterEach(() => ui.release());
  return ui;
}
