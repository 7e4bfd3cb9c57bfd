import { z } from 'zod';
import { configSchema } from './config.ts';

/** What the app and its node processes say to each other over the IPC channel. */

const layers = z.strictObject({ first: z.number().int().min(0), last: z.number().int().min(0) });

export const givenShardSchema = z.strictObject({
  modelName: z.string(), modelHash: z.string(), architecture: z.string(), totalLayers: z.number().int(), hiddenSize: z.number().int(),
  layers, path: z.string(), sizeBytes: z.number(), manifestCid: z.string(), manifestPath: z.string(),
});

export const toNodeSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start'), config: configSchema, shards: z.array(givenShardSchema).max(1024), memoryBytesPerSecond: z.number().min(1).optional() }),
  z.strictObject({ type: z.literal('stop') }),
  /** Asks how much memory the process takes. */
  z.strictObject({ type: z.literal('memory') }),
]);
export type ToNode = z.infer<typeof toNodeSchema>;

export const wireErrorSchema = z.strictObject({
  code: z.string(), message: z.string(), next: z.string().optional(), meta: z.record(z.string(), z.unknown()),
  retryable: z.boolean(), fault: z.enum(['peer', 'local', 'user']),
});

export const fromNodeSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), peerId: z.string().min(1), addresses: z.array(z.string()).min(1) }),
  z.strictObject({ type: z.literal('failed'), error: wireErrorSchema }),
  /** Resident. */
  z.strictObject({ type: z.literal('memory'), residentBytes: z.number().min(0) }),
]);
export type FromNode = z.infer<typeof fromNodeSchema>;
