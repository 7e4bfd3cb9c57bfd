import { isIP } from 'node:net';
import { hubErrors } from './errors.ts';

/** A secret that goes to one origin only, never along with a redirect to another. */
export interface WebToken {
  readonly origin: string;
  readonly value: string;
}

export interface WebOptions {
  readonly token?: WebToken;
  readonly signal?: AbortSignal;
  /** Longest silence, before the answer and within it. */
  readonly stallMs?: number;
}

export interface WebRequest extends WebOptions {
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WebAnswer {
  readonly response: Response;
  /** Of the answer and, before it, of those that led here; a later one does not hide an earlier one. */
  header(name: string): string | undefined;
  /** Ends with the silence limit, a broken connection or the caller's signal as a coded error or the signal's reason. */
  body(): AsyncGenerator<Uint8Array>;
  cancel(): Promise<void>;
}

export const WEB_LIMITS = { maxRedirects: 5, stallMs: 15_000, maxJsonBytes: 16 * 1024 * 1024, maxRetryAfterMs: 5 * 60_000 };
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** An address as it may be shown: queries and fragments carry signatures and tokens. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url.replace(/[?#].*$/s, '');
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/**
 * GET that follows a few redirects itself: each address must be https (http only on this machine), and the token stays with
 * its origin. Answers other than 2xx are left to the caller. Throws HUB_INSECURE, HUB_INSECURE_REDIRECT, HUB_REDIRECTS,
 * HUB_UNREACHABLE, HUB_STALLED.
 */
export async function webGet(url: string, request: WebRequest = {}): Promise<WebAnswer> {
  if (!isSafe(url)) throw hubErrors.insecure({ url: shownUrl(url) });
  const patience = new Patience(shownUrl(url), request);
  const seen: Headers[] = [];
  try {
    for (let at = url, hops = 0; ; hops++) {
      const response = await fetchOnce(at, request, patience);
      seen.push(response.headers);
      if (!REDIRECTS.has(response.status)) return answerOf(response, seen, patience);
      await response.body?.cancel();
      if (hops === WEB_LIMITS.maxRedirects) throw hubErrors.redirects({ url: shownUrl(url), max: hops });
      at = nextUrl(at, response.headers.get('location'));
    }
  } catch (error) {
    patience.end();
    throw error;
  }
}

function isSafe(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}

function nextUrl(from: string, location: string | null): string {
  if (location === null || !URL.canParse(location, from)) throw hubErrors.badAnswer({ url: shownUrl(from), problem: 'a redirect without address' });
  const to = new URL(location, from).href;
  const leavesHttps = from.startsWith('https:') && !to.startsWith('https:');
  if (!isSafe(to) || leavesHttps) throw hubErrors.insecureRedirect({ url: shownUrl(from) });
  return to;
}

async function fetchOnce(url: string, request: WebRequest, patience: Patience): Promise<Response> {
  const { token } = request;
  const authorization = token !== undefined && new URL(url).origin === token.origin ? { authorization: `Bearer ${token.value}` } : {};
  patience.goOn();
  try {
    return await fetch(url, { redirect: 'manual', headers: { 'accept-encoding': 'identity', ...request.headers, ...authorization }, signal: patience.signal });
  } catch (error) {
    throw patience.signal.aborted ? patience.signal.reason : hubErrors.unreachable({ url: shownUrl(url), reason: reasonOf(error) }, error);
  }
}

// fetch says only "fetch failed"; what happened is in the cause.
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code ?? (cause instanceof Error ? cause.message : message);
}

function answerOf(response: Response, seen: readonly Headers[], patience: Patience): WebAnswer {
  return {
    response,
    header: (name) => seen.map((headers) => headers.get(name)).find((value) => value !== null) ?? undefined,
    body: () => bodyOf(response, patience),
    cancel: async () => {
      patience.end();
      await response.body?.cancel().catch(() => undefined);
    },
  };
}

async function* bodyOf(response: Response, patience: Patience): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) {
      patience.pause();
      yield chunk;
      patience.goOn();
    }
  } catch (error) {
    throw patience.signal.aborted ? patience.signal.reason : hubErrors.unreachable({ url: shownUrl(response.url), reason: reasonOf(error) }, error);
  } finally {
    patience.end();
  }
}

/** Aborts with the caller's signal, or with HUB_STALLED when nothing happens for too long. */
class Patience {
  readonly #controller = new AbortController();
  readonly #stallMs: number;
  readonly #url: string;
  readonly #parent: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string, { stallMs = WEB_LIMITS.stallMs, signal }: WebOptions) {
    this.#url = url;
    this.#stallMs = stallMs;
    this.#parent = signal;
    if (signal?.aborted === true) this.#follow();
    else signal?.addEventListener('abort', this.#follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  goOn(): void {
    this.pause();
    this.#timer = setTimeout(() => this.#controller.abort(hubErrors.stalled({ url: this.#url, waitedMs: this.#stallMs })), this.#stallMs);
  }

  /** While the reader is busy with what came, silence is not the server's. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.pause();
    this.#parent?.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (): void => this.#controller.abort(this.#parent?.reason);
}
