import { z } from 'zod';
import { filledLabel as label, id } from './primitives.ts';

export const zoneKindSchema = z.enum(['local', 'private', 'public']);
export const reachKindSchema = z.enum(['public', 'private', 'unknown']);

/** How this node stands in the mesh: whom it meets, and from where it is reached. */
export const standingSchema = z.object({
  /** `name` of a private zone with a key: tells it from others, and nothing of the key. */
  zone: z.object({ kind: zoneKindSchema, name: z.string().min(1).max(64).exactOptional() }),
  /** Whether others can dial it from the internet, as they found, and how that came to be known. */
  reachability: z.object({ kind: reachKindSchema, reason: label }),
  /** Through which others reach it too, if it has its place there now. */
  relays: z.array(z.object({ peerId: id, isHeld: z.boolean() })).max(64).readonly(),
});
export type Standing = z.infer<typeof standingSchema>;
