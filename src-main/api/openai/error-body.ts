import { isCoded, type CodedError, type Logger } from '../../base/index.ts';
import { toWireError } from '../wire-error.ts';

/** As OpenAI's servers answer. */
export interface OpenaiErrorBody {
  readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string | null };
}

export interface ErrorReply {
  readonly status: number;
  readonly retryAfterSeconds?: number;
  readonly body: OpenaiErrorBody;
}

interface Known {
  readonly status: number;
  /** OpenAI's word for it; else our own code is told. */
  readonly code?: string;
  readonly type?: string;
  readonly param?: string;
  readonly retryAfterSeconds?: number;
}

const TYPES: Readonly<Record<number, string>> = { 401: 'authentication_error', 403: 'permission_error', 404: 'invalid_request_error', 413: 'invalid_request_error', 415: 'invalid_request_error', 429: 'rate_limit_error' };
const RETRY_SECONDS = 2;

const KNOWN: Readonly<Record<string, Known>> = {
  API_NO_KEY: { status: 401, code: 'invalid_api_key' }, API_WRONG_KEY: { status: 401, code: 'invalid_api_key' },
  API_MISSING_SCOPE: { status: 403, code: 'missing_scope' }, API_WRONG_ORIGIN: { status: 403, code: 'wrong_origin' }, API_WRONG_HOST: { status: 421, code: 'wrong_host' },
  API_NOT_FOUND: { status: 404, code: 'not_found' }, API_UNKNOWN_MODEL: { status: 404, code: 'model_not_found', param: 'model' },
  API_KEY_RATE_LIMITED: { status: 429, code: 'rate_limit_exceeded' }, API_RATE_LIMITED: { status: 429, code: 'rate_limit_exceeded', retryAfterSeconds: 1 },
  API_QUEUE_FULL: { status: 429, code: 'queue_full' }, API_MODEL_LOADING: { status: 503, code: 'model_loading' },
  API_INVALID_FIELD: { status: 400, code: 'invalid_value' }, API_UNSUPPORTED_FIELD: { status: 400, code: 'unsupported_parameter' },
  PIPELINE_PROMPT_TOO_LONG: { status: 400, code: 'context_length_exceeded' }, PIPELINE_NO_GRAMMAR: { status: 400, code: 'unsupported_parameter' }, PIPELINE_BAD_GRAMMAR: { status: 400, code: 'invalid_value' }, PIPELINE_GRAMMAR_TOO_LARGE: { status: 400, code: 'invalid_value' },
  PIPELINE_EMPTY_PROMPT: { status: 400, code: 'invalid_value' },
  EMBED_EMPTY_TEXT: { status: 400, code: 'invalid_value', param: 'input' }, EMBED_TEXT_TOO_LONG: { status: 400, code: 'context_length_exceeded', param: 'input' },
  EMBED_TOO_MANY_TEXTS: { status: 400, code: 'invalid_value', param: 'input' },
};

const serverStatus = ({ fault, retryable }: CodedError): Known => (fault === 'user' && !retryable ? { status: 400 } : retryable ? { status: 503, retryAfterSeconds: RETRY_SECONDS } : { status: 500 });

/** A failure as an HTTP answer. What nobody coded goes to the log, and out without its text. */
export function errorReply(error: unknown, logger: Logger): ErrorReply {
  if (!isCoded(error)) return frameworkReply(error) ?? { status: 500, body: bodyOf(toWireError(error, logger), { type: 'server_error', param: null }) };
  const known = KNOWN[error.code] ?? serverStatus(error);
  const { retryAfterSeconds = known.retryAfterSeconds, param = known.param ?? null } = error.meta as { readonly retryAfterSeconds?: number; readonly param?: string | null };
  const type = known.type ?? TYPES[known.status] ?? (known.status < 500 ? 'invalid_request_error' : 'server_error');
  return { status: known.status, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }), body: bodyOf(error, { type, param, code: known.code }) };
}

/** fastify's own refusals: a body that is no JSON, too large, of another type. */
function frameworkReply(error: unknown): ErrorReply | undefined {
  const { statusCode: status, message, code } = error as { readonly statusCode?: unknown; readonly message?: unknown; readonly code?: unknown };
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined;
  return { status, body: { error: { message: String(message), type: 'invalid_request_error', param: null, code: status === 413 ? 'request_too_large' : String(code ?? 'invalid_request').toLowerCase() } } };
}

const bodyOf = ({ message, code, next }: Pick<CodedError, 'message' | 'code'> & { readonly next?: string | undefined }, more: { readonly type: string; readonly param: string | null; readonly code?: string | undefined }): OpenaiErrorBody => ({
  error: { message: next === undefined ? message : `${message}. ${next}`, type: more.type, param: more.param, code: more.code ?? code },
});
