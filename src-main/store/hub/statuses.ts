import type { CodedError } from '../../base/index.ts';
import { hubErrors } from './errors.ts';
import { shownUrl, WEB_LIMITS, type WebAnswer } from './web.ts';

/** What an answer other than 2xx means, for one who asked with or without a token. */
export function statusError(url: string, answer: WebAnswer, hasToken: boolean): CodedError {
  const { status } = answer.response;
  const at = { url: shownUrl(url) };
  if (status === 401 || status === 403) return hubErrors.notAllowed({ ...at, status, hasToken });
  if (status === 404 || status === 410) return hubErrors.notFound(at);
  const retryAfterMs = retryAfter(answer.header('retry-after'));
  const later = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429) return hubErrors.rateLimited({ ...at, ...later });
  if (status === 408 || status >= 500) return hubErrors.serverFailed({ ...at, status, ...later });
  return hubErrors.status({ ...at, status });
}

/** RFC 9110, section 10.2.3: seconds or a date. Undefined for anything else; bounded, because a server may say anything. */
export function retryAfter(value: string | undefined, nowMs: number = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(WEB_LIMITS.maxRetryAfterMs, Math.max(0, ms));
}
