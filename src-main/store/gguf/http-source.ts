import { storeErrors } from '../errors.ts';
import { checkRange, type ByteSource, type ReadOptions } from './source.ts';

export interface HttpSourceOptions extends ReadOptions {
  /** Limit for one request, from its start to its last byte. */
  readonly timeoutMs?: number;
  /** Largest range asked for at once; longer reads become several requests. */
  readonly maxRequestBytes?: number;
}

interface Range {
  readonly first: number;
  /** Inclusive, as in the header. */
  readonly last: number;
}

interface Request {
  /** Gets the bytes: as long as the range. */
  readonly into: Uint8Array;
  readonly signal: AbortSignal;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

interface Answer {
  readonly totalBytes: number;
  readonly etag: string | null;
}

/**
 * Reads a remote file by HTTP ranges (RFC 9110, section 14). Every answer must be
 * 206 with the range that was asked for and the same total size and ETag as the
 * first one; a server that sends the whole file is cut off, not read.
 * Throws STORE_HTTP_STATUS, STORE_HTTP_RANGE, STORE_READ_FAILED.
 */
export async function httpSource(url: string, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const { timeoutMs = 30_000, maxRequestBytes = 8 * 1024 * 1024 } = options;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw storeErrors.badUrl({ url });
  const first = await requestRange(url, { first: 0, last: 0 }, { into: Buffer.alloc(1), signal: deadline(timeoutMs, options.signal) });
  const sizeBytes = first.totalBytes;
  const read = async (offset: number, lengthBytes: number, readOptions: ReadOptions = {}): Promise<Uint8Array> => {
    checkRange({ name: url, sizeBytes }, offset, lengthBytes);
    const bytes = readOptions.into?.subarray(0, lengthBytes) ?? Buffer.allocUnsafeSlow(lengthBytes);
    for (let done = 0; done < lengthBytes; done += maxRequestBytes) {
      const start = offset + done;
      const range = { first: start, last: Math.min(offset + lengthBytes, start + maxRequestBytes) - 1 };
      const into = bytes.subarray(done, done + range.last - start + 1);
      const answer = await requestRange(url, range, { into, onBytes: readOptions.onBytes, signal: deadline(timeoutMs, readOptions.signal) });
      if (answer.totalBytes !== sizeBytes || answer.etag !== first.etag) throw storeErrors.httpChanged({ url });
    }
    return bytes;
  };
  return { name: url, sizeBytes, read, close: async () => undefined };
}

const deadline = (timeoutMs: number, signal?: AbortSignal): AbortSignal =>
  signal === undefined ? AbortSignal.timeout(timeoutMs) : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);

async function requestRange(url: string, range: Range, request: Request): Promise<Answer> {
  const { signal } = request;
  try {
    const response = await fetch(url, { headers: { range: `bytes=${range.first}-${range.last}`, 'accept-encoding': 'identity' }, signal });
    const answer = await checkedAnswer(url, range, response);
    await readBody(response, url, request);
    return answer;
  } catch (error) {
    if (signal.aborted && signal.reason?.name !== 'TimeoutError') throw signal.reason;
    if (error instanceof TypeError || signal.aborted) throw storeErrors.readFailed({ name: url, offset: range.first }, error);
    throw error;
  }
}

async function checkedAnswer(url: string, range: Range, response: Response): Promise<Answer> {
  const given = response.headers.get('content-range') ?? '';
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/.exec(given);
  const [start, end, totalBytes] = (match ?? []).slice(1).map(Number);
  const matches = start === range.first && end === range.last && totalBytes !== undefined && Number.isSafeInteger(totalBytes) && totalBytes > range.last;
  if (response.status !== 206 || !matches) {
    await response.body?.cancel();
    if (response.status !== 206) throw storeErrors.httpStatus({ url, status: response.status });
    throw storeErrors.httpRange({ url, asked: `${range.first}-${range.last}`, given });
  }
  return { totalBytes, etag: response.headers.get('etag') };
}

// The body may be longer or shorter than the header promised: never hold more than was asked for.
async function readBody(response: Response, url: string, { into, onBytes }: Request): Promise<void> {
  let done = 0;
  for await (const chunk of response.body ?? []) {
    if (done + chunk.length > into.length) throw storeErrors.httpRange({ url, asked: `${into.length} bytes`, given: 'more bytes' });
    into.set(chunk, done);
    done += chunk.length;
    onBytes?.(chunk.length);
  }
  if (done < into.length) throw storeErrors.httpRange({ url, asked: `${into.length} bytes`, given: `${done} bytes` });
}
