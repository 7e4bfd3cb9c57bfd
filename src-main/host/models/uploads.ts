import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AddSink, Downloads } from '../../api/index.ts';
import { syncFolder } from '../../base/index.ts';
import { fileSource, hubErrors, isPlainPath, openGguf, partialPath, partName, type Lease, type LocalStore } from '../../store/index.ts';
import type { DownloadRow } from '../../../src-preload/bridge/index.ts';
import type { HostConfig, Settings } from '../config.ts';
import { hostErrors } from '../errors.ts';
import { modelsFolder, openStore } from '../local-store.ts';
import { addFromHub } from '../model-hub.ts';

/** Between two pieces; a page that was closed sends no more. */
const IDLE_MS = 60_000;
const FOLDER = 'files';

export interface UploadsInit {
  readonly settings: Settings;
  readonly downloads: Downloads;
  readonly idleMs?: number;
}

/** Files that a browser hands over, piece by piece, into the store: under another name until they are whole, and known to be models. */
export class Uploads {
  readonly #init: UploadsInit;
  readonly #running = new Map<string, Upload>();
  /** Files of those that are begun and not over. */
  readonly #targets = new Set<string>();

  constructor(init: UploadsInit) {
    this.#init = init;
  }

  /** Keeps room for the whole file. Throws HOST_UPLOAD_NAME, HOST_MODEL_EXISTS, SPACE_*, API_TOO_MANY_DOWNLOADS. */
  async begin({ name, sizeBytes }: { readonly name: string; readonly sizeBytes: number }): Promise<DownloadRow> {
    const { settings, idleMs = IDLE_MS } = this.#init;
    checkName(name);
    const target = join(modelsFolder(settings.config.home), FOLDER, name);
    if (existsSync(target) || this.#targets.has(target)) throw hostErrors.modelExists({ name });
    this.#targets.add(target);
    try {
      const upload = await Upload.open(settings.config, { name, target, sizeBytes, idleMs });
      try {
        return this.#run(upload);
      } catch (error) {
        await upload.close();
        throw error;
      }
    } catch (error) {
      this.#targets.delete(target);
      throw error;
    }
  }

  #run(upload: Upload): DownloadRow {
    const { settings, downloads } = this.#init;
    const row = downloads.run({
      source: upload.name, kind: 'upload', work: async (sink) => {
        try {
          await upload.whole(sink);
          return await addUploaded(settings, upload, sink);
        } finally {
          this.#running.delete(row.id);
          await upload.close().finally(() => this.#targets.delete(upload.target));
        }
      },
    });
    this.#running.set(row.id, upload);
    return row;
  }

  /** Throws HOST_NO_UPLOAD, HOST_UPLOAD_PLACE. What turns out to be no model fails as a download does. */
  async write(id: string, atByte: number, bytes: Uint8Array): Promise<{ readonly receivedBytes: number }> {
    const upload = this.#running.get(id);
    if (upload === undefined) throw hostErrors.noUpload({ id });
    return { receivedBytes: await upload.write(atByte, bytes) };
  }
}

function checkName(name: string): void {
  const problem = !isPlainPath(name) || name.includes('/') ? 'this name cannot be kept on a disk' : !/\.gguf$/i.test(name) ? 'it is no .gguf file' : partName(name) !== undefined ? 'it is one part of a model' : undefined;
  if (problem !== undefined) throw hostErrors.uploadName({ name: name.slice(0, 200), problem });
}

/** Whole, and a model: gets its name, is hashed and listed. What cannot be listed does not stay. Throws GGUF_*, STORE_*, SHARD_*. */
async function addUploaded(settings: Settings, { target, part }: Upload, { signal, onOutlook, onProgress }: AddSink): Promise<{ readonly manifestCid?: string }> {
  const source = await fileSource(part);
  await openGguf(source, { signal }).finally(() => source.close());
  await rename(part, target);
  await syncFolder(dirname(target));
  try {
    const { manifestCid } = await addFromHub(settings, { source: target, contextTokens: settings.config.contextTokens, peers: [] }, { signal, onOutlook: ({ name, verdict }) => onOutlook({ name, fits: verdict.fits }), onProgress });
    return manifestCid === undefined ? {} : { manifestCid };
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
}

interface UploadTarget {
  readonly name: string;
  readonly target: string;
  readonly sizeBytes: number;
  readonly idleMs: number;
}

/** "GGUF", with which every model begins. */
const MAGIC = Buffer.from('GGUF');

class Upload {
  readonly name: string;
  readonly target: string;
  readonly part: string;
  readonly #sizeBytes: number;
  readonly #idleMs: number;
  readonly #file: FileHandle;
  readonly #store: LocalStore;
  readonly #room: Lease;
  readonly #all = Promise.withResolvers<void>();
  #onBytes: (receivedBytes: number) => void = () => undefined;
  #receivedBytes = 0;
  #isWriting = false;
  #isClosed = false;
  #idle: NodeJS.Timeout | undefined;

  private constructor({ name, target, sizeBytes, idleMs }: UploadTarget, parts: { readonly file: FileHandle; readonly store: LocalStore; readonly room: Lease }) {
    this.name = name;
    this.target = target;
    this.part = partialPath(target);
    this.#sizeBytes = sizeBytes;
    this.#idleMs = idleMs;
    this.#file = parts.file;
    this.#store = parts.store;
    this.#room = parts.room;
    this.#all.promise.catch(() => undefined);
    this.#wait();
  }

  static async open(config: HostConfig, to: UploadTarget): Promise<Upload> {
    await mkdir(dirname(to.target), { recursive: true });
    // Open as long as room is kept in it.
    const store = openStore(config);
    let room: Lease | undefined;
    try {
      room = await store.reserve([{ path: to.target, sizeBytes: to.sizeBytes, origin: to.target }]);
      return new Upload(to, { store, room, file: await open(partialPath(to.target), 'w', 0o644) });
    } catch (error) {
      room?.release();
      store.close();
      throw error;
    }
  }

  async write(atByte: number, bytes: Uint8Array): Promise<number> {
    const isBeside = this.#isWriting || atByte !== this.#receivedBytes || atByte + bytes.length > this.#sizeBytes;
    if (isBeside || this.#isClosed) throw hostErrors.uploadPlace({ wanted: this.#receivedBytes, given: atByte });
    if (atByte === 0 && bytes.length >= MAGIC.length && !MAGIC.equals(bytes.subarray(0, MAGIC.length))) this.#all.reject(hostErrors.uploadName({ name: this.name, problem: 'it is no model: it does not begin with "GGUF"' }));
    this.#isWriting = true;
    try {
      for (let done = 0; done < bytes.length;) done += (await this.#file.write(bytes, done, bytes.length - done, atByte + done)).bytesWritten;
      this.#receivedBytes += bytes.length;
    } catch (error) {
      if (this.#isClosed) throw hostErrors.noUpload({ id: this.name });
      const failure = hubErrors.writeFailed({ path: this.part }, error);
      this.#all.reject(failure);
      throw failure;
    } finally {
      this.#isWriting = false;
    }
    this.#wait();
    this.#onBytes(this.#receivedBytes);
    if (this.#receivedBytes === this.#sizeBytes) this.#all.resolve();
    return this.#receivedBytes;
  }

  /** Resolves when all bytes have come, synced. Rejects with the sink's signal, and when nothing comes for too long. */
  async whole({ signal, onProgress }: AddSink): Promise<void> {
    const begunMs = performance.now();
    const tell = (receivedBytes: number): void => {
      const seconds = (performance.now() - begunMs) / 1000;
      const rate = receivedBytes > 0 && seconds > 0.5 ? receivedBytes / seconds : undefined;
      onProgress({ phase: 'uploading', file: this.name, part: 1, parts: 1, bytesDone: receivedBytes, bytesTotal: this.#sizeBytes, ...(rate === undefined ? {} : { bytesPerSecond: rate, etaMs: (1000 * (this.#sizeBytes - receivedBytes)) / rate }) });
    };
    this.#onBytes = tell;
    tell(this.#receivedBytes);
    const stop = (): void => this.#all.reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await this.#all.promise.finally(() => {
      signal.removeEventListener('abort', stop);
      clearTimeout(this.#idle);
    });
    await this.#file.sync();
  }

  /** Nothing stays under the name of a part. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#idle);
    await this.#file.close();
    await rm(this.part, { force: true });
    this.#room.release();
    this.#store.close();
  }

  #wait(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#all.reject(hostErrors.uploadStopped({ waitedMs: this.#idleMs })), this.#idleMs);
    this.#idle.unref();
  }
}
