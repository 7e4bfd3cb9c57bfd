import type { ByteSource, ReadOptions } from '../gguf/source.ts';
import { checkRange } from '../gguf/source.ts';
import { hubErrors } from './errors.ts';
import { statusError } from './statuses.ts';
import { shownUrl, webGet, type WebAnswer, type WebOptions } from './web.ts';

/** A file that can be read in ranges and is known by a version while that happens. */
export interface RemoteFile {
  /** The address asked each time: where it leads to may be signed and expire. */
  readonly url: string;
  readonly sizeBytes: number;
  /** Hash, ETag or date; empty when the server gives none, then nothing tells whether the file changed. */
  readonly version: string;
  /** 64 hex digits, where the hub gives it. */
  readonly sha256?: string;
  /** The commit that a branch stood for, where the hub says. */
  readonly commit?: string;
}

export interface ByteRange {
  readonly first: number;
  /** Inclusive, as in the header. */
  readonly last: number;
}

/** Asks for the first byte, and learns size, version and checksum. Throws HUB_*. */
export async function locateFile(url: string, options: WebOptions = {}): Promise<RemoteFile> {
  const answer = await askRange(url, { first: 0, last: 0 }, options);
  const { totalBytes } = checkedHeader(url, { first: 0, last: 0 }, answer);
  let lengthBytes = 0;
  for await (const chunk of answer.body()) {
    lengthBytes += chunk.length;
    if (lengthBytes > 1) throw hubErrors.badAnswer({ url: shownUrl(url), problem: 'more bytes than asked for' });
  }
  const linked = unquoted(answer.header('x-linked-etag'));
  const commit = answer.header('x-repo-commit');
  return {
    url, sizeBytes: totalBytes, version: versionOf(answer),
    ...(linked !== undefined && /^[0-9a-f]{64}$/.test(linked) ? { sha256: linked } : {}),
    ...(commit !== undefined && /^[0-9a-f]{40}$/.test(commit) ? { commit } : {}),
  };
}

/**
 * The bytes of a range as they arrive, never more than were asked for.
 * Throws HUB_CHANGED when the file is not the one located, HUB_BROKEN_OFF when bytes are missing at the end, HUB_*.
 */
export async function* readRange(file: RemoteFile, range: ByteRange, options: WebOptions = {}): AsyncGenerator<Uint8Array> {
  const answer = await askRange(file.url, range, options);
  const { totalBytes } = checkedHeader(file.url, range, answer);
  if (totalBytes !== file.sizeBytes || versionOf(answer) !== file.version) {
    await answer.cancel();
    throw hubErrors.changed({ url: shownUrl(file.url) });
  }
  let leftBytes = range.last - range.first + 1;
  for await (const chunk of answer.body()) {
    if (chunk.length > leftBytes) throw hubErrors.badAnswer({ url: shownUrl(file.url), problem: 'more bytes than asked for' });
    leftBytes -= chunk.length;
    yield chunk;
  }
  if (leftBytes > 0) throw hubErrors.brokenOff({ url: shownUrl(file.url), missingBytes: leftBytes });
}

/** The same file for a reader of headers. */
export function remoteSource(file: RemoteFile, options: WebOptions = {}): ByteSource {
  const name = shownUrl(file.url);
  const read = async (offset: number, lengthBytes: number, { signal = options.signal }: ReadOptions = {}): Promise<Uint8Array> => {
    checkRange({ name, sizeBytes: file.sizeBytes }, offset, lengthBytes);
    const bytes = Buffer.allocUnsafeSlow(lengthBytes);
    let done = 0;
    if (lengthBytes === 0) return bytes;
    for await (const chunk of readRange(file, { first: offset, last: offset + lengthBytes - 1 }, signal === undefined ? options : { ...options, signal })) {
      bytes.set(chunk, done);
      done += chunk.length;
    }
    return bytes;
  };
  return { name, sizeBytes: file.sizeBytes, read, close: async () => undefined };
}

async function askRange(url: string, range: ByteRange, options: WebOptions): Promise<WebAnswer> {
  const answer = await webGet(url, { ...options, headers: { range: `bytes=${range.first}-${range.last}` } });
  const { status } = answer.response;
  if (status === 206) return answer;
  await answer.cancel();
  throw status === 200 ? hubErrors.noRanges({ url: shownUrl(url) }) : statusError(url, answer, options.token !== undefined);
}

// RFC 9110, section 14.4.
function checkedHeader(url: string, range: ByteRange, answer: WebAnswer): { readonly totalBytes: number } {
  const given = answer.response.headers.get('content-range') ?? '';
  const [first, last, totalBytes] = (/^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/.exec(given) ?? []).slice(1).map(Number);
  if (first === range.first && last === range.last && totalBytes !== undefined && Number.isSafeInteger(totalBytes) && totalBytes > range.last) return { totalBytes };
  void answer.cancel();
  throw hubErrors.badAnswer({ url: shownUrl(url), problem: `asked for bytes ${range.first}-${range.last}, got "${given.slice(0, 80)}"` });
}

// The hub names large files by their hash on the redirect; what the storage behind it says may differ from server to server.
const versionOf = (answer: WebAnswer): string =>
  unquoted(answer.header('x-linked-etag')) ?? unquoted(answer.header('etag')) ?? answer.header('last-modified') ?? '';

const unquoted = (etag: string | undefined): string | undefined => etag?.replace(/^(?:W\/)?"?/, '').replace(/"$/, '').slice(0, 256);
