import { z } from 'zod';
import { MAX_DEVICES, MAX_LABEL_CHARS, MAX_LINKS, MAX_MODELS, MAX_RANGES } from './options.ts';

// Shown in terminals and pages: no control characters, nothing that turns the direction of writing.
export const labelSchema = z.string().min(1).max(MAX_LABEL_CHARS).regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u);
const bytes = z.int().min(0);
const share = z.number().min(0).max(1);
const rate = z.number().min(0).max(1e15);
/** First and last layer, both included. */
const ranges = z.array(z.tuple([z.int().min(0).max(100_000), z.int().min(0).max(100_000)]).readonly()).max(MAX_RANGES).readonly();

/**
 * What a node tells of itself. Everything was measured or read; what cannot be on a platform is absent. Unknown fields are let
 * pass: a newer minor version may say more.
 */
export const profileSchema = z.object({
  /** Chosen by its owner; a host name would tell strangers too much. */
  name: labelSchema.exactOptional(),
  /** E.g. `omninode/0.1.0`. */
  app: labelSchema,
  machine: z.object({
    /** As Node names it: `linux`, `darwin`, `win32`. */
    os: labelSchema,
    osRelease: labelSchema.exactOptional(),
    arch: labelSchema,
    cpu: labelSchema.exactOptional(),
    cores: z.int().min(1).max(65_536).exactOptional(),
    ramTotalBytes: bytes.exactOptional(),
    ramFreeBytes: bytes.exactOptional(),
    /** CPU and GPU share one memory. */
    hasUnifiedMemory: z.boolean().exactOptional(),
    /** Absent on machines without a battery. */
    isOnBattery: z.boolean().exactOptional(),
    batteryShare: share.exactOptional(),
  }),
  /** GPUs, as llama.cpp sees them. Absent until they were looked for. */
  gpus: z.array(z.object({ name: labelSchema, memoryTotalBytes: bytes.exactOptional() })).max(MAX_DEVICES).readonly().exactOptional(),
  /** What stages are computed on: `cpu`, `cuda`, `metal`, `vulkan`. Absent until it was looked for. */
  backend: labelSchema.exactOptional(),
  /** Of a short run of a small model; absent until it was measured. */
  speed: z.object({ model: labelSchema, decodeTokensPerSecond: rate, prefillTokensPerSecond: rate, memoryBytesPerSecond: rate.exactOptional() }).exactOptional(),
  models: z.array(z.object({
    name: labelSchema.exactOptional(), hash: labelSchema, totalLayers: z.int().min(1).max(100_000),
    /** On its disk, for others to use. */
    held: ranges,
    /** In memory now. */
    loaded: ranges,
  })).max(MAX_MODELS).readonly(),
  /** Set by the owner; what is absent has no limit. */
  limits: z.object({
    threads: z.int().min(1).max(65_536).exactOptional(), gpuLayers: z.int().min(0).max(100_000).exactOptional(), storeQuotaBytes: bytes.exactOptional(),
    uploadBytesPerSecond: bytes.exactOptional(), fetchesLayersFor: labelSchema.exactOptional(), givesShards: z.boolean().exactOptional(),
    /** Whether it computes for others now; absent from nodes whose owner has no such switch. */
    serves: z.boolean().exactOptional(), memoryBytes: bytes.exactOptional(),
  }).exactOptional(),
  /** Whom it meets, and whether the internet reaches it; absent from nodes that do not tell. */
  zone: z.enum(['local', 'private', 'public']).exactOptional(),
  reachability: z.enum(['public', 'private', 'unknown']).exactOptional(),
  /** To its neighbours, those that were measured. */
  links: z.array(z.object({ peer: labelSchema, rttMs: rate, bytesPerSecond: rate.exactOptional() })).max(MAX_LINKS).readonly(),
});
export type Profile = z.infer<typeof profileSchema>;
export type ModelOffer = Profile['models'][number];
