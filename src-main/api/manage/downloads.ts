import { randomUUID } from 'node:crypto';
import type { Logger } from '../../base/index.ts';
import { apiErrors } from '../errors.ts';
import { toWireError } from '../wire-error.ts';
import type { ManageService } from './ports.ts';
import { MANAGE_LIMITS, type DownloadRow } from './schema.ts';

interface Download {
  row: DownloadRow;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** Downloads that were asked for over the API: those under way, and the last ones that ended. */
export class Downloads {
  readonly #all = new Map<string, Download>();
  readonly #service: ManageService;
  readonly #logger: Logger;

  constructor(service: ManageService, logger: Logger) {
    this.#service = service;
    this.#logger = logger;
  }

  list(): DownloadRow[] {
    return [...this.#all.values()].map(({ row }) => row);
  }

  /** @throws API_NOT_FOUND */
  get(id: string): DownloadRow {
    return this.#find(id).row;
  }

  /** @throws API_TOO_MANY_DOWNLOADS */
  start(request: { readonly source: string; readonly connections?: number | undefined }): DownloadRow {
    if (this.#running() >= MANAGE_LIMITS.maxDownloads) throw apiErrors.tooManyDownloads({ limit: MANAGE_LIMITS.maxDownloads });
    const id = randomUUID();
    const controller = new AbortController();
    const begun = Promise.withResolvers<void>();
    const download: Download = { row: { id, source: request.source, state: 'running' }, controller, ended: begun.promise.then(() => this.#run(download, request)) };
    this.#all.set(id, download);
    this.#forget();
    begun.resolve();
    return download.row;
  }

  /** Resolves when it has stopped. @throws API_NOT_FOUND */
  async cancel(id: string): Promise<DownloadRow> {
    const download = this.#find(id);
    download.controller.abort();
    await download.ended;
    return download.row;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#all.keys()].map((id) => this.cancel(id)));
  }

  async #run(download: Download, request: { readonly source: string; readonly connections?: number | undefined }): Promise<void> {
    const { signal } = download.controller;
    const put = (change: Partial<DownloadRow>): void => { download.row = { ...download.row, ...change }; };
    try {
      const { manifestCid } = await this.#service.add(request, { signal, onOutlook: put, onProgress: (progress) => put({ progress }) });
      put({ state: 'done', ...(manifestCid === undefined ? {} : { manifestCid }) });
    } catch (error) {
      if (signal.aborted) put({ state: 'cancelled' });
      else put({ state: 'failed', error: toWireError(error, this.#logger) });
    }
  }

  #find(id: string): Download {
    const found = this.#all.get(id);
    if (found === undefined) throw apiErrors.notFound({ path: `download ${id.slice(0, 100)}` });
    return found;
  }

  #running(): number {
    return this.list().filter(({ state }) => state === 'running').length;
  }

  #forget(): void {
    for (const [id, { row }] of this.#all) if (this.#all.size > MANAGE_LIMITS.maxKeptDownloads && row.state !== 'running') this.#all.delete(id);
  }
}
