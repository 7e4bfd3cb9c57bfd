import { toHex } from 'viem';
import { z } from 'zod';
import { chainErrors } from '../errors.ts';
import type { Hex } from '../types.ts';
import type { RpcCall } from './json-rpc.ts';

export type Request = (call: RpcCall) => Promise<unknown>;

const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/).transform(BigInt);
const word = z.string().regex(/^0x[0-9a-fA-F]{64}$/).transform((text) => text.toLowerCase() as Hex);
const headSchema = z.object({ number: quantity, hash: word, timestamp: quantity, baseFeePerGas: quantity.optional() });
const receiptSchema = z.object({ blockNumber: quantity, blockHash: word, status: quantity, gasUsed: quantity, effectiveGasPrice: quantity }).nullable();

export type Head = z.infer<typeof headSchema>;
export type Receipt = NonNullable<z.infer<typeof receiptSchema>>;

async function read<T>(request: Request, schema: z.ZodType<T>, call: RpcCall): Promise<T> {
  const answer = schema.safeParse(await request(call));
  if (!answer.success) throw chainErrors.badAnswer({ method: call.method, reason: 'it has another shape' });
  return answer.data;
}

const tag = (block: bigint | 'latest' | 'pending'): string => (typeof block === 'bigint' ? toHex(block) : block);

export const readHead = (request: Request): Promise<Head> => read(request, headSchema, { method: 'eth_getBlockByNumber', params: ['latest', false] });

/** Undefined where the chain has no such block (any more). */
export const readBlock = async (request: Request, number: bigint): Promise<Head | undefined> =>
  (await read(request, headSchema.nullable(), { method: 'eth_getBlockByNumber', params: [toHex(number), false] })) ?? undefined;

/** Undefined where it is in no block of the chain. */
export const readReceipt = async (request: Request, hash: Hex): Promise<Receipt | undefined> =>
  (await read(request, receiptSchema, { method: 'eth_getTransactionReceipt', params: [hash] })) ?? undefined;

/** Whether a node has it, in a block or waiting. */
export const isKnown = async (request: Request, hash: Hex): Promise<boolean> => (await request({ method: 'eth_getTransactionByHash', params: [hash] })) !== null;

export const readNonce = async (request: Request, account: Hex, block: bigint | 'latest' | 'pending'): Promise<number> =>
  Number(await read(request, quantity, { method: 'eth_getTransactionCount', params: [account, tag(block)] }));

export const readBalance = (request: Request, account: Hex): Promise<bigint> => read(request, quantity, { method: 'eth_getBalance', params: [account, 'latest'] });

export const estimateGas = (request: Request, { from, to, data, value }: { readonly from: Hex; readonly to: Hex; readonly data: Hex; readonly value: bigint }): Promise<bigint> =>
  read(request, quantity, { method: 'eth_estimateGas', params: [{ from, to, data, value: toHex(value) }] });

/** A tip that gets one into a block; nodes without this method get a small one. */
export const readTip = (request: Request, fallback: bigint): Promise<bigint> => read(request, quantity, { method: 'eth_maxPriorityFeePerGas' }).catch((error: unknown) => ((error as { retryable?: boolean }).retryable === true ? Promise.reject(error) : fallback));
