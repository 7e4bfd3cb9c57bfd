import { randomBytes } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isCoded, toCoded, writeAtomically } from '../../base/index.ts';
import { embedErrors } from './errors.ts';
import { MAX_FILE_BYTES } from './limits.ts';
import { JSON_FILES, openModelFolder, WEIGHT_FILES, type WeightType } from './model-folder.ts';

export interface DownloadOptions {
  /** Address of the folder that holds config.json: for a model hub `https://HOST/OWNER/NAME/resolve/main/`. */
  readonly url: string;
  /** Where the model goes. It appears whole or not at all; when it is whole already, nothing is asked of the network. */
  readonly modelFolder: string;
  /** Default: q8, a quarter of the size. */
  readonly weights?: WeightType;
  /** Silence after which a download is given up; default 30 s. */
  readonly stallMs?: number;
  readonly signal?: AbortSignal;
  /** Bytes of the file so far; the total where the server says it. */
  readonly onProgress?: (file: string, bytes: number, totalBytes: number | undefined) => void;
}

interface Download extends DownloadOptions {
  readonly base: string;
}

/**
 * Fetches a model's four files over HTTP(S) into a temporary folder, each of bounded size, then renames it.
 * Throws EMBED_BAD_URL, EMBED_FOLDER_TAKEN, EMBED_FILE_TOO_LARGE, EMBED_DOWNLOAD_FAILED, EMBED_CANCELLED.
 */
export async function downloadModel(options: DownloadOptions): Promise<void> {
  const { url, weights = 'q8' } = options;
  const folder = resolve(options.modelFolder);
  if (await isThere(folder)) return;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw embedErrors.badUrl({ url });
  const download = { ...options, base: url.endsWith('/') ? url : `${url}/` };
  const partial = `${folder}.${randomBytes(4).toString('hex')}.partial`;
  try {
    for (const file of JSON_FILES) await fetchFile(download, file, { path: join(partial, file), limitBytes: MAX_FILE_BYTES[file] });
    const file = WEIGHT_FILES[weights];
    await fetchFile(download, file, { path: join(partial, file), limitBytes: MAX_FILE_BYTES.weights });
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** Throws EMBED_FOLDER_TAKEN for a folder with something else in it. */
async function isThere(folder: string): Promise<boolean> {
  if ((await stat(folder).catch(() => undefined)) === undefined) return false;
  await openModelFolder(folder).catch((error: unknown) => { throw isCoded(error, 'EMBED_MISSING_FILE') ? embedErrors.folderTaken({ folder }, error) : error; });
  return true;
}

interface Target {
  readonly path: string;
  readonly limitBytes: number;
}

async function fetchFile(download: Download, file: string, target: Target): Promise<void> {
  const url = new URL(file, download.base).href;
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(embedErrors.downloadFailed({ url, detail: 'the server fell silent' })), download.stallMs ?? 30_000);
  const signal = download.signal === undefined ? stall.signal : AbortSignal.any([stall.signal, download.signal]);
  try {
    const response = await fetch(url, { signal, headers: { 'accept-encoding': 'identity' } });
    await save(response, target, (bytes, totalBytes) => {
      timer.refresh();
      download.onProgress?.(file, bytes, totalBytes);
    });
  } catch (error) {
    if (download.signal?.aborted === true) throw embedErrors.cancelled({}, download.signal.reason);
    if (isCoded(error)) throw error;
    throw embedErrors.downloadFailed({ url, detail: toCoded(error).message }, error);
  } finally {
    clearTimeout(timer);
  }
}

// Sizes are checked twice: what the server announces, and what it sends.
async function save(response: Response, { path, limitBytes }: Target, onBytes: (bytes: number, totalBytes: number | undefined) => void): Promise<void> {
  const { url, status, headers, body } = response;
  const announced = Number(headers.get('content-length') ?? Number.NaN);
  const totalBytes = Number.isSafeInteger(announced) ? announced : undefined;
  const fail = async (error: Error): Promise<never> => {
    await body?.cancel();
    throw error;
  };
  if (status !== 200) return fail(embedErrors.downloadFailed({ url, detail: `status ${status}` }));
  if (totalBytes !== undefined && totalBytes > limitBytes) return fail(embedErrors.fileTooLarge({ file: url, limitBytes }));
  await writeAtomically(path, async (file) => {
    let done = 0;
    for await (const chunk of body ?? []) {
      done += chunk.length;
      if (done > limitBytes) throw embedErrors.fileTooLarge({ file: url, limitBytes });
      await file.writeFile(chunk);
      onBytes(done, totalBytes);
    }
    if (totalBytes !== undefined && done !== totalBytes) throw embedErrors.downloadFailed({ url, detail: `${done} of ${totalBytes} bytes came` });
  });
}
