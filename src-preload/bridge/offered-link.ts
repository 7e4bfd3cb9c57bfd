import { z } from 'zod';
import { wireErrorSchema } from './errors.ts';
import { joinPlanSchema } from './invite.ts';
import { id } from './primitives.ts';

/**
 * An invitation that the system handed to the app (a click on `omni://join/...`): checked, and joined only when somebody says so. The link itself
 * stays with the host: it may hold a zone's key.
 */
export const offeredLinkSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('checked'), id, plan: joinPlanSchema }),
  z.object({ kind: z.literal('refused'), id, error: wireErrorSchema }),
]);
export type OfferedLink = z.infer<typeof offeredLinkSchema>;
