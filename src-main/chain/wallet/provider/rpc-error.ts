import { CodedError, isCoded } from '../../../base/index.ts';
import type { Hex } from '../../types.ts';

/** EIP-1193, EIP-1474 and EIP-5792. */
const NUMBERS: Readonly<Record<string, number>> = {
  WALLET_REFUSED: 4001, WALLET_EXPIRED: 4001,
  WALLET_NONE: 4100, WALLET_LOCKED: 4100, WALLET_NOT_YOURS: 4100,
  WALLET_UNSUPPORTED: 4200,
  WALLET_NO_CHAIN: 4900, CHAIN_DOWN: 4900, CHAIN_WRONG_NETWORK: 4901, WALLET_OTHER_CHAIN: 4902,
  WALLET_BAD_PARAMS: -32602, WALLET_TOO_MANY_WAITING: -32005, WALLET_TOO_MUCH: -32005,
  WALLET_NO_CAPABILITY: 5700, WALLET_KNOWN_ID: 5720, WALLET_UNKNOWN_ID: 5730, WALLET_NO_ATOMIC: 5760,
};
const INTERNAL = -32603;
const MAX_CHARS = 500;

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** What a caller of EIP-1193 is told: our code and the next step in `data`; of a node's error its number and what a revert says. */
export function rpcErrorOf(error: unknown): RpcError {
  const fromNode = nodeError(error);
  if (fromNode !== undefined) return fromNode;
  if (!isCoded(error)) return { code: INTERNAL, message: 'something went wrong inside the node' };
  return { code: NUMBERS[error.code] ?? INTERNAL, message: error.message.slice(0, MAX_CHARS), data: { code: error.code, ...(error.next === undefined ? {} : { next: error.next }) } };
}

/** Libraries wrap what a node answered: `{ code, message, data }` somewhere down the causes. */
function nodeError(error: unknown): RpcError | undefined {
  let at: unknown = error;
  for (let depth = 0; depth < 8 && at instanceof Error; depth++, at = at.cause) {
    if (at instanceof CodedError) continue;
    const { code, data } = at as { code?: unknown; data?: unknown };
    const revert = revertData(data);
    if (revert !== undefined) return { code: 3, message: at.message.split('\n')[0]?.slice(0, MAX_CHARS) ?? 'execution reverted', data: revert };
    if (typeof code === 'number' && Number.isInteger(code) && code < 0) return { code, message: at.message.split('\n')[0]?.slice(0, MAX_CHARS) ?? '' };
  }
  return undefined;
}

function revertData(data: unknown): Hex | undefined {
  const text = typeof data === 'object' && data !== null ? (data as { data?: unknown }).data : data;
  return typeof text === 'string' && text.length <= 20_000 && /^0x(?:[0-9a-fA-F]{2})*$/.test(text) ? (text as Hex) : undefined;
}
