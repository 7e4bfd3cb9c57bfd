import { z } from 'zod';
import { layersSchema } from './dto.ts';
import { bytes, id, measuredWide as rate, time } from './primitives.ts';
import { reachKindSchema, zoneKindSchema } from './standing.ts';

const label = z.string().min(1).max(100);
const ranges = z.array(layersSchema).max(64).readonly();

/** A node of the mesh as it describes itself, this one or another. What cannot be read on its platform, or was not measured yet, is absent. */
export const memberSchema = z.object({
  peerId: id,
  /** As its owner calls it. */
  name: label.exactOptional(),
  /** Program and version. */
  app: label,
  machine: z.object({
    os: label, osRelease: label.exactOptional(), arch: label, cpu: label.exactOptional(), cores: z.number().int().min(1).exactOptional(),
    ramTotalBytes: bytes.exactOptional(), ramFreeBytes: bytes.exactOptional(), hasUnifiedMemory: z.boolean().exactOptional(),
    isOnBattery: z.boolean().exactOptional(), batteryShare: z.number().min(0).max(1).exactOptional(),
  }),
  /** Absent until it looked for them; empty when it has none. */
  gpus: z.array(z.object({ name: label, memoryTotalBytes: bytes.exactOptional() })).max(16).readonly().exactOptional(),
  backend: label.exactOptional(),
  /** Of a small model, measured. */
  speed: z.object({ model: label, decodeTokensPerSecond: rate, prefillTokensPerSecond: rate, memoryBytesPerSecond: rate.exactOptional() }).exactOptional(),
  models: z.array(z.object({ name: label.exactOptional(), hash: label, totalLayers: z.number().int().min(1), held: ranges, loaded: ranges })).max(64).readonly(),
  /** In what kind of zone it is, and whether the internet reaches it. */
  zone: zoneKindSchema.exactOptional(),
  reachability: reachKindSchema.exactOptional(),
  /** Unix ms: when it began by its own clock, and since when it has been here by ours. */
  startedAt: time,
  since: time,
});
export type Member = z.infer<typeof memberSchema>;

/** Shown at a time; a larger mesh is cut. */
export const MAX_MEMBERS_SHOWN = 512;
export const membersSchema = z.array(memberSchema).max(MAX_MEMBERS_SHOWN).readonly();
