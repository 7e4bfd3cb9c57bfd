import { z } from 'zod';
import { chainErrors } from '../errors.ts';

export interface RpcCall {
  readonly method: string;
  readonly params?: unknown;
}

/** JSON-RPC 2.0, section 5. */
const answerSchema = z.union([
  z.object({ error: z.object({ code: z.number(), message: z.string().max(100_000), data: z.unknown().optional() }) }),
  z.object({ result: z.unknown() }),
]);

/** What a node answered with: `code` and `data` as EIP-1474 has them. viem reads both. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor({ code, message, data }: { readonly code: number; readonly message: string; readonly data?: unknown }) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
    this.data = data;
  }
}

export interface RpcLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}
export const RPC_LIMITS: RpcLimits = { timeoutMs: 15_000, maxBytes: 16 * 1024 * 1024 };

/** One call over HTTP. Throws RpcError for what the node refuses, CHAIN_BAD_ANSWER, CHAIN_DOWN. */
export async function callRpc(url: string, { method, params = [] }: RpcCall, limits: RpcLimits = RPC_LIMITS): Promise<unknown> {
  const text = await post(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), { method, ...limits });
  const answer = answerSchema.safeParse(parsed(text, method));
  if (!answer.success) throw chainErrors.badAnswer({ method, reason: 'it is no JSON-RPC answer' });
  if ('error' in answer.data) throw new RpcError(answer.data.error);
  return answer.data.result;
}

function parsed(text: string, method: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw chainErrors.badAnswer({ method, reason: 'it is no JSON' }, error);
  }
}

async function post(url: string, body: string, { method, timeoutMs, maxBytes }: RpcLimits & { readonly method: string }): Promise<string> {
  try {
    const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' }, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    const text = await bounded(response, maxBytes);
    if (text === undefined) throw chainErrors.badAnswer({ method, reason: `it has more than ${maxBytes} bytes` });
    // Nodes answer errors of a call with any status; what is no JSON then is the gateway's.
    if (!response.ok && !text.startsWith('{')) throw chainErrors.down({ reason: `HTTP ${response.status}` });
    return text;
  } catch (error) {
    if (error instanceof Error && 'fault' in error) throw error;
    throw chainErrors.down({ reason: reasonOf(error) }, error);
  }
}

async function bounded({ body }: Response, maxBytes: number): Promise<string | undefined> {
  if (body === null) return '';
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of body) {
    sizeBytes += part.byteLength;
    if (sizeBytes > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

const reasonOf = (error: unknown): string => {
  const { cause, message } = error as { cause?: { code?: string }; message?: string };
  return cause?.code ?? message ?? 'unknown';
};
