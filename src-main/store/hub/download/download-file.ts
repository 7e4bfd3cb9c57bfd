import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, CodedError, isCoded, systemClock, type Clock } from '../../../base/index.ts';
import { leafCount, leafLength, LEAF_BYTES, rootOf, type ShardTree } from '../../dag/index.ts';
import { diskFiles, type StoreFiles } from '../../ports.ts';
import { hubErrors } from '../errors.ts';
import { readRange, type RemoteFile } from '../remote-file.ts';
import { shownUrl, type WebOptions } from '../web.ts';
import { takeDownload, type DownloadLeases } from './lease.ts';
import { PartialFile, partialPath, removePartial } from './partial-file.ts';
import { sha256OfFile } from './sha256.ts';
import { etaMs, SpeedEstimate } from './speed.ts';
import { WorkQueue, type LeafRun } from './work-queue.ts';

export interface DownloadProgress {
  /** `resuming` reads back what an earlier run left, `checking` reads all for the checksum. */
  readonly phase: 'resuming' | 'downloading' | 'checking';
  /** Of the phase. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** While downloading, once there is a figure. */
  readonly bytesPerSecond?: number;
  readonly etaMs?: number;
}

export interface DownloadOptions extends WebOptions {
  readonly remote: RemoteFile;
  /** Where the whole file will lie. */
  readonly target: string;
  /** Requests at a time. */
  readonly connections?: number;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** A leaf is on the disk, from this run or an earlier one. */
  readonly onLeaf?: (leaf: number) => void;
  /** Takes as long as so many bytes are to take; without it, they come as fast as they do. */
  readonly pace?: (bytes: number, signal: AbortSignal) => Promise<void>;
  /** Failures in a row, over all connections, after which it is given up. */
  readonly maxFailures?: number;
  /** Before a request is repeated; grows with the failures in a row. */
  readonly firstRetryMs?: number;
  readonly files?: Pick<StoreFiles, 'freeBytes'>;
  readonly clock?: Clock;
  /** Of the catalogue: one process at a time writes a file. */
  readonly leases: DownloadLeases;
}

export interface Downloaded {
  /** Of the file as it lies on the disk: it can be served from there. */
  readonly tree: ShardTree;
  /** Bytes that an earlier run had left and that were not fetched again. */
  readonly resumedBytes: number;
  readonly sha256?: string;
}

/** Kept free beside the file, so that the machine goes on working. */
const SPARE_BYTES = 64 * 1024 * 1024;
const REPORT_EVERY_MS = 100;

/**
 * Fetches a file over several connections into `target`, which appears only when
 * it is whole, synced and has the hub's checksum. What arrived before a failure,
 * cancel or crash is kept and counts next time, after its hashes were compared.
 * Throws HUB_*.
 */
export async function downloadFile(options: DownloadOptions): Promise<Downloaded> {
  const { target } = options;
  await mkdir(dirname(target), { recursive: true }).catch((error: unknown) => { throw hubErrors.writeFailed({ path: target }, error); });
  const lease = takeDownload(options.leases, target);
  try {
    return await new Download(options).run();
  } catch (error) {
    throw translated(error, options);
  } finally {
    lease.release();
  }
}

function translated(error: unknown, { remote, target, signal }: DownloadOptions): unknown {
  if (signal?.aborted === true) return hubErrors.cancelled({ name: shownUrl(remote.url) }, error);
  if (error instanceof CodedError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return hubErrors.diskFull({ path: target, needBytes: remote.sizeBytes }, error);
  return code === undefined ? error : hubErrors.writeFailed({ path: target }, error);
}

class Download {
  readonly #options: DownloadOptions;
  readonly #clock: Clock;
  readonly #speed: SpeedEstimate;
  /** Ends all connections when one of them gives up. */
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  #bytesDone = 0;
  #reportedMs = -Infinity;
  #trailing: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#speed = new SpeedEstimate(this.#clock);
    this.#signal = options.signal === undefined ? this.#end.signal : AbortSignal.any([this.#end.signal, options.signal]);
  }

  async run(): Promise<Downloaded> {
    const { remote, target } = this.#options;
    const partial = await PartialFile.open(target, remote, { signal: this.#signal, onBytes: this.#counter('resuming') });
    try {
      const resumedBytes = this.#bytesOf(partial);
      for (const leaf of partial.present) this.#options.onLeaf?.(leaf);
      await this.#reserve(remote.sizeBytes - resumedBytes);
      this.#begin('downloading', resumedBytes);
      await this.#fetchAll(partial);
      const sha256 = await this.#checked(partial);
      await partial.finish(target);
      const tree = { sizeBytes: remote.sizeBytes, leafHashes: partial.leafHashes };
      return { tree: { cid: rootOf(tree), ...tree }, resumedBytes, ...(sha256 === undefined ? {} : { sha256 }) };
    } catch (error) {
      await partial.close().catch(() => undefined);
      if (isCoded(error, 'HUB_CHECKSUM') || isCoded(error, 'HUB_CHANGED')) await removePartial(target);
      throw error;
    } finally {
      clearTimeout(this.#trailing);
    }
  }

  #bytesOf({ present }: PartialFile): number {
    let bytes = present.count * LEAF_BYTES;
    const last = leafCount(this.#options.remote.sizeBytes) - 1;
    if (present.has(last)) bytes -= LEAF_BYTES - leafLength(this.#options.remote.sizeBytes, last);
    return bytes;
  }

  async #reserve(missingBytes: number): Promise<void> {
    const { target, files = diskFiles } = this.#options;
    const freeBytes = await files.freeBytes(dirname(target));
    if (missingBytes > 0 && freeBytes < missingBytes + SPARE_BYTES) throw hubErrors.diskFull({ path: partialPath(target), needBytes: missingBytes + SPARE_BYTES, freeBytes });
  }

  async #fetchAll(partial: PartialFile): Promise<void> {
    const { connections = 4 } = this.#options;
    const queue = new WorkQueue(partial.present, connections);
    const all = Array.from({ length: connections }, () => this.#connection(partial, queue).catch((error: unknown) => {
      this.#end.abort(error);
      throw error;
    }));
    // All must have let go of the file before it is closed.
    await Promise.allSettled(all);
    await Promise.all(all);
  }

  async #connection(partial: PartialFile, queue: WorkQueue): Promise<void> {
    for (let run = queue.claim(); run !== undefined; run = queue.claim()) {
      const at = { leaf: run.first };
      try {
        await this.#fetchRun(partial, run, at);
      } catch (error) {
        queue.giveBack({ first: at.leaf, last: run.last });
        await this.#waitAfter(error);
      }
    }
  }

  /** `at.leaf` is the first leaf that is not written yet, also after a failure. */
  async #fetchRun(partial: PartialFile, run: LeafRun, at: { leaf: number }): Promise<void> {
    const { remote } = this.#options;
    const range = { first: run.first * LEAF_BYTES, last: Math.min(remote.sizeBytes, (run.last + 1) * LEAF_BYTES) - 1 };
    const buffer = Buffer.allocUnsafeSlow(LEAF_BYTES);
    let filled = 0;
    try {
      for await (const chunk of readRange(remote, range, { ...this.#options, signal: this.#signal })) {
        await this.#options.pace?.(chunk.length, this.#signal);
        for (let taken = 0; taken < chunk.length;) {
          const length = leafLength(remote.sizeBytes, at.leaf);
          const part = chunk.subarray(taken, taken + length - filled);
          buffer.set(part, filled);
          filled += part.length;
          taken += part.length;
          this.#count(part.length);
          if (filled < length) continue;
          await partial.write(at.leaf, buffer.subarray(0, length));
          this.#options.onLeaf?.(at.leaf);
          [filled, this.#failures] = [0, 0];
          at.leaf++;
        }
      }
    } finally {
      this.#count(-filled);
    }
  }

  async #waitAfter(error: unknown): Promise<void> {
    this.#signal.throwIfAborted();
    const { maxFailures = 8, firstRetryMs = 500 } = this.#options;
    if (!(error instanceof CodedError) || !error.retryable || error.code === 'HUB_CHANGED' || ++this.#failures > maxFailures) throw error;
    const { retryAfterMs } = error.meta as { readonly retryAfterMs?: number };
    const waitMs = retryAfterMs ?? backoffMs(this.#failures - 1, { firstMs: firstRetryMs, maxMs: 30_000 });
    await delay(waitMs, undefined, { signal: this.#signal }).catch(() => { throw this.#signal.reason; });
  }

  async #checked(partial: PartialFile): Promise<string | undefined> {
    const { remote } = this.#options;
    if (remote.sha256 === undefined) return undefined;
    const actual = await sha256OfFile(partial.path, { signal: this.#signal, onBytes: this.#counter('checking') });
    if (actual !== remote.sha256) throw hubErrors.checksum({ url: shownUrl(remote.url), expected: remote.sha256, actual });
    return actual;
  }

  #begin(phase: DownloadProgress['phase'], bytesDone: number): void {
    this.#bytesDone = bytesDone;
    this.#report(phase);
  }

  readonly #count = (bytes: number): void => {
    this.#bytesDone += bytes;
    this.#speed.add(bytes);
    this.#reportNowAndThen('downloading');
  };

  #counter(phase: DownloadProgress['phase']): (bytes: number) => void {
    let isFirst = true;
    return (bytes) => {
      if (isFirst) this.#bytesDone = 0;
      isFirst = false;
      this.#bytesDone += bytes;
      this.#reportNowAndThen(phase);
    };
  }

  #reportNowAndThen(phase: DownloadProgress['phase']): void {
    const waitMs = this.#reportedMs + REPORT_EVERY_MS - this.#clock.monotonicMs();
    if (waitMs <= 0 || this.#bytesDone === this.#options.remote.sizeBytes) return this.#report(phase);
    // The last bytes before a stall are told as well.
    this.#trailing ??= setTimeout(() => this.#report(phase), waitMs);
  }

  #report(phase: DownloadProgress['phase']): void {
    clearTimeout(this.#trailing);
    this.#trailing = undefined;
    this.#reportedMs = this.#clock.monotonicMs();
    const bytesTotal = this.#options.remote.sizeBytes;
    const speed = phase === 'downloading' ? this.#speed.bytesPerSecond : undefined;
    const left = etaMs(bytesTotal - this.#bytesDone, speed);
    this.#options.onProgress?.({ phase, bytesDone: this.#bytesDone, bytesTotal, ...(speed === undefined ? {} : { bytesPerSecond: speed }), ...(left === undefined ? {} : { etaMs: left }) });
  }
}
