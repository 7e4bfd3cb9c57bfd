import type { CodedError } from '../../base/index.ts';

const STATUS: Readonly<Record<string, number>> = {
  API_UNAUTHORIZED: 401, API_NO_KEY: 401, API_WRONG_KEY: 401, API_MISSING_SCOPE: 403, API_KEY_RATE_LIMITED: 429, API_KEY_LIST_BROKEN: 500, API_TOO_MANY_DOWNLOADS: 429,
  SPACE_NO_SUCH_MODEL: 404, HOST_MODEL_AMBIGUOUS: 409, SPACE_AMBIGUOUS: 409, SPACE_PINNED: 409, CATALOG_IN_USE: 409, CATALOG_BUSY: 503,
  API_WRONG_ORIGIN: 403, API_NOT_FOUND: 404, API_WRONG_HOST: 421, API_RATE_LIMITED: 429, API_INTERNAL: 500, API_TOO_MANY_CLIENTS: 503,
};

/** The HTTP status that says best what a coded error means; 400 for the rest. */
export const statusOf = (error: CodedError): number => STATUS[error.code] ?? 400;
