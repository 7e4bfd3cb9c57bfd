import type { CodedError } from '../../base/index.ts';

const STATUS: Readonly<Record<string, number>> = {
  API_UNAUTHORIZED: 401, API_WRONG_ORIGIN: 403, API_NOT_FOUND: 404, API_WRONG_HOST: 421, API_RATE_LIMITED: 429, API_INTERNAL: 500, API_TOO_MANY_CLIENTS: 503,
};

/** The HTTP status that says best what a coded error means; 400 for the rest. */
export const statusOf = (error: CodedError): number => STATUS[error.code] ?? 400;
