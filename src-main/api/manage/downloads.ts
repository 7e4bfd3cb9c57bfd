import { randomUUID } from 'node:crypto';
import { Events, Pace, type Logger } from '../../base/index.ts';
import { apiErrors } from '../errors.ts';
import { toWireError } from '../wire-error.ts';
import type { AddSink, ManageService } from './ports.ts';
import { MANAGE_LIMITS, type DownloadRow } from './schema.ts';

interface Download {
  row: DownloadRow;
  /** Of the run under way, or the last one. */
  controller: AbortController;
  ended: Promise<void>;
  readonly work: DownloadWork;
}

/** Brings a model here; stops at the sink's signal, and when run again goes on where it stopped. */
export type DownloadWork = (sink: AddSink) => Promise<{ readonly manifestCid?: string }>;

export interface DownloadEvents {
  /** A download is not as it was. */
  changed: undefined;
  /** One has ended, or was put off: what is here may have changed. */
  ended: DownloadRow;
}

type Asked = { readonly source: string; readonly connections?: number | undefined };
type Kind = DownloadRow['kind'];

/** Models on their way here, whoever asked for them: those under way, those that wait, and the last ones that ended. */
export class Downloads {
  readonly events = new Events<DownloadEvents>();
  readonly #all = new Map<string, Download>();
  readonly #service: Pick<ManageService, 'add'>;
  readonly #logger: Logger;
  readonly #pace = new Pace();

  constructor(service: Pick<ManageService, 'add'>, logger: Logger) {
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

  /** Most that all of them take together; undefined: what the line gives. */
  get bytesPerSecond(): number | undefined {
    return this.#pace.bytesPerSecond;
  }

  throttle(bytesPerSecond: number | undefined): void {
    this.#pace.bytesPerSecond = bytesPerSecond;
    this.events.emit('changed', undefined);
  }

  /** One that is under way, or waits, is not begun a second time. @throws API_TOO_MANY_DOWNLOADS */
  start(request: Asked, kind: Kind = 'download'): DownloadRow {
    const same = [...this.#all.values()].find(({ row }) => row.source === request.source && (row.state === 'running' || row.state === 'paused'));
    if (same !== undefined) return same.row.state === 'paused' ? this.resume(same.row.id) : same.row;
    return this.run({ source: request.source, kind, work: (sink) => this.#service.add(request, sink) });
  }

  /** @throws API_TOO_MANY_DOWNLOADS */
  run({ source, kind, work }: { readonly source: string; readonly kind: Kind; readonly work: DownloadWork }): DownloadRow {
    this.#checkRoom();
    const download: Download = { row: { id: randomUUID(), source, kind, state: 'running' }, controller: new AbortController(), ended: Promise.resolve(), work };
    this.#all.set(download.row.id, download);
    this.#forget();
    return this.#begin(download);
  }

  /** Resolves when it has stopped; what came stays. One that is not under way, or could not be gone on with, stays as it is. @throws API_NOT_FOUND */
  async pause(id: string): Promise<DownloadRow> {
    const download = this.#find(id);
    return download.row.kind === 'upload' ? download.row : this.#end(download, 'paused');
  }

  /** Goes on with one that was put off or failed. @throws API_NOT_FOUND, API_TOO_MANY_DOWNLOADS */
  resume(id: string): DownloadRow {
    const download = this.#find(id);
    if (download.row.kind === 'upload' || (download.row.state !== 'paused' && download.row.state !== 'failed')) return download.row;
    this.#checkRoom();
    const { error: _, ...row } = download.row;
    download.row = { ...row, state: 'running' };
    download.controller = new AbortController();
    return this.#begin(download);
  }

  /** Resolves when it has stopped; what came of a download stays for the next time. @throws API_NOT_FOUND */
  cancel(id: string): Promise<DownloadRow> {
    return this.#end(this.#find(id), 'cancelled');
  }

  /** Takes one that has ended off the list. @throws API_NOT_FOUND */
  dismiss(id: string): void {
    if (this.#find(id).row.state === 'running') return;
    this.#all.delete(id);
    this.events.emit('changed', undefined);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#all.keys()].map((id) => this.cancel(id)));
  }

  async #end(download: Download, state: 'paused' | 'cancelled'): Promise<DownloadRow> {
    if (download.row.state === 'running') {
      download.controller.abort(state);
      await download.ended;
    } else if (download.row.state === 'paused' && state === 'cancelled') this.#put(download, { state });
    return download.row;
  }

  #begin(download: Download): DownloadRow {
    const begun = Promise.withResolvers<void>();
    download.ended = begun.promise.then(() => this.#work(download));
    begun.resolve();
    this.events.emit('changed', undefined);
    return download.row;
  }

  async #work(download: Download): Promise<void> {
    const { signal } = download.controller;
    const put = (change: Partial<DownloadRow>): void => this.#put(download, change);
    try {
      signal.throwIfAborted();
      const { manifestCid } = await download.work({ signal, onOutlook: put, onProgress: (progress) => put({ progress }), pace: (bytes, until) => this.#pace.take(bytes, until) });
      put({ state: 'done', ...(manifestCid === undefined ? {} : { manifestCid }) });
    } catch (error) {
      if (signal.aborted) put({ state: signal.reason === 'paused' ? 'paused' : 'cancelled' });
      else put({ state: 'failed', error: toWireError(error, this.#logger) });
    }
    this.events.emit('ended', download.row);
  }

  #put(download: Download, change: Partial<DownloadRow>): void {
    download.row = { ...download.row, ...change };
    this.events.emit('changed', undefined);
  }

  #find(id: string): Download {
    const found = this.#all.get(id);
    if (found === undefined) throw apiErrors.notFound({ path: `download ${id.slice(0, 100)}` });
    return found;
  }

  #checkRoom(): void {
    const running = this.list().filter(({ state }) => state === 'running').length;
    if (running >= MANAGE_LIMITS.maxDownloads) throw apiErrors.tooManyDownloads({ limit: MANAGE_LIMITS.maxDownloads });
  }

  // One that waits is forgotten last: it is still to be gone on with.
  #forget(): void {
    for (const states of [['done', 'failed', 'cancelled'], ['paused']]) {
      for (const [id, { row }] of this.#all) if (this.#all.size > MANAGE_LIMITS.maxKeptDownloads && states.includes(row.state)) this.#all.delete(id);
    }
  }
}
