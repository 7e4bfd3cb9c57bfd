import { z } from 'zod';
import { downloadSchema, hostInfoSchema, hostStatusSchema, stageSchema, standingSchema, type DownloadRow, type DownloadStep } from '../../../src-preload/bridge/index.ts';
import { loadSchema, peersNowSchema } from '../control/schema.ts';

/** What the node's own REST interface takes and tells: checked from the first, and the source of the OpenAPI document. */

export const MANAGE_LIMITS = { bodyBytes: 16_384, maxSourceChars: 2_000, maxDownloads: 4, maxKeptDownloads: 50 } as const;

const bytes = z.int().min(0);
const name = z.string().max(2_000);

export const nodeSchema = z.object({
  info: hostInfoSchema, status: hostStatusSchema, stages: z.array(stageSchema),
  standing: standingSchema.optional(), load: loadSchema.optional(),
}).describe('This node: what it is, what it runs, how it does.');

export const peersSchema = peersNowSchema.describe('Who is there: connected, or known by what it told of itself.');

export const modelRowSchema = z.object({
  cid: name, name, architecture: name, quantization: name, layers: z.int().min(0), sizeBytes: bytes, heldBytes: bytes, isPinned: z.boolean(),
}).describe('A model of shards.');
export const fileRowSchema = z.object({
  name, reference: name, cid: name, sizeBytes: bytes, files: z.int().min(1), usedAtMs: z.number().min(0), isPinned: z.boolean(), isOwned: z.boolean(), isWhole: z.boolean(),
}).describe('A whole model file, or several parts of one.');
export const modelsSchema = z.object({ models: z.array(modelRowSchema), files: z.array(fileRowSchema) });
export type ModelRows = z.infer<typeof modelsSchema>;

export const storeSchema = z.object({
  usedBytes: bytes, reservedBytes: bytes, quotaBytes: bytes.nullable().describe('Null: what the disk holds.'), freeBytes: bytes, evictableBytes: bytes, pinnedBytes: bytes,
  models: z.int().min(0), shards: z.int().min(0), partialShards: z.int().min(0),
});
export type StoreRow = z.infer<typeof storeSchema>;

export const addSchema = z.strictObject({
  source: z.string().min(1).max(MANAGE_LIMITS.maxSourceChars).regex(/^(hf:|https?:\/\/)/, 'must be hf:OWNER/REPO:VARIANT, hf:OWNER/REPO/FILE.gguf or an https address')
    .describe('What `omninode model add` takes, but no path.'),
  connections: z.int().min(1).max(16).optional(),
});

export const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), next: z.string().optional(), meta: z.record(z.string(), z.unknown()), retryable: z.boolean(), fault: z.enum(['peer', 'local', 'user']) }),
});

export { downloadSchema };
export type { DownloadRow, DownloadStep };
export const downloadsSchema = z.object({ downloads: z.array(downloadSchema).max(MANAGE_LIMITS.maxKeptDownloads) });

export const pinnedSchema = z.object({ name, isPinned: z.boolean() });
export const removedSchema = z.object({ freedBytes: bytes });
