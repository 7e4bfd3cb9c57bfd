import { z } from 'zod';
import type { Hex } from '../../types.ts';

export const PROVIDER_LIMITS = { calls: 8, dataChars: 64_000, messageBytes: 10_000, typedChars: 64_000, logBlocks: 10_000, resultChars: 690_000, idChars: 128 } as const;

const asHex = (text: string): Hex => text as Hex;
export const addressSchema = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'not an address').transform(asHex);
export const quantitySchema = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/, 'not a quantity').transform(asHex);
export const dataSchema = z.string().regex(/^0x(?:[0-9a-fA-F]{2})*$/, 'not hex').max(PROVIDER_LIMITS.dataChars).transform((text) => text.toLowerCase() as Hex);
const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'not a hash').transform(asHex);
const block = z.union([quantitySchema, z.enum(['latest', 'earliest', 'pending', 'safe', 'finalized'])]);
const atBlock = block.default('latest');

/** `input` is the newer name of `data`; fields of fees and nonces are the wallet's to choose. */
const asked = z.object({
  from: addressSchema.exactOptional(), to: addressSchema.exactOptional(), data: dataSchema.exactOptional(), input: dataSchema.exactOptional(), value: quantitySchema.exactOptional(),
  gas: quantitySchema.exactOptional(),
});
const list = <T extends z.ZodType>(item: T, most: number) => z.union([item, z.array(item).max(most)]);
const topic = z.union([hash, z.null(), z.array(hash).max(16)]);
export const filterSchema = z.object({ fromBlock: block.exactOptional(), toBlock: block.exactOptional(), blockHash: hash.exactOptional(), address: list(addressSchema, 16).exactOptional(), topics: z.array(topic).max(4).exactOptional() });
export type LogFilter = z.infer<typeof filterSchema>;

/** What goes to the chain as it is. */
export const READS = {
  eth_blockNumber: z.tuple([]), eth_gasPrice: z.tuple([]), eth_maxPriorityFeePerGas: z.tuple([]),
  eth_call: z.tuple([asked, atBlock]), eth_estimateGas: z.tuple([asked, atBlock]),
  eth_getBalance: z.tuple([addressSchema, atBlock]), eth_getCode: z.tuple([addressSchema, atBlock]),
  eth_getTransactionByHash: z.tuple([hash]), eth_getTransactionReceipt: z.tuple([hash]),
  eth_getBlockByNumber: z.tuple([block, z.boolean().default(false)]),
  eth_feeHistory: z.tuple([z.union([quantitySchema.refine((count) => BigInt(count) <= 1_024n), z.number().int().min(1).max(1_024)]), block, z.array(z.number().min(0).max(100)).max(20).default([])]),
} as const;
export type ReadMethod = keyof typeof READS;

const sent = asked.extend({ to: addressSchema, chainId: quantitySchema.exactOptional() });
export const sendTransactionSchema = z.tuple([sent]);

export const sendCallsSchema = z.tuple([z.object({
  id: z.string().min(1).max(PROVIDER_LIMITS.idChars).exactOptional(), from: addressSchema.exactOptional(), chainId: quantitySchema, atomicRequired: z.boolean().default(false),
  calls: z.array(z.object({ to: addressSchema, data: dataSchema.default('0x'), value: quantitySchema.default('0x0'), capabilities: z.record(z.string().max(100), z.unknown()).exactOptional() })).min(1),
  capabilities: z.record(z.string().max(100), z.unknown()).exactOptional(),
})]);
export const callsIdSchema = z.tuple([z.string().min(1).max(PROVIDER_LIMITS.idChars)]);
export const capabilitiesSchema = z.tuple([addressSchema.optional(), z.array(quantitySchema).max(32).optional()]);
export const switchSchema = z.tuple([z.object({ chainId: quantitySchema })]);
export const personalSignSchema = z.tuple([z.string().max(2 * PROVIDER_LIMITS.messageBytes + 2), addressSchema], z.unknown());
export const typedDataSchema = z.tuple([addressSchema, z.union([z.string().max(PROVIDER_LIMITS.typedChars), z.record(z.string(), z.unknown())])]);
export const permissionsSchema = z.tuple([z.object({ eth_accounts: z.object({}) })]);
