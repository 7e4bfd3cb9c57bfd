import { z } from 'zod';

/** A hub's token: characters that stand in a header as they are. */
export const hubTokenSchema = z.string().regex(/^[\x21-\x7e]{8,500}$/);

/** Whether the host has a token for its hub, and where from; the token itself is told to nobody. */
export const hubTokenStateSchema = z.object({
  /** `environment`: OMNINODE_HUB_TOKEN or HF_TOKEN, which wins. */
  from: z.enum(['none', 'environment', 'kept']),
  /** How one is kept: sealed by the system for this user, or in a file that only this user may read. */
  keeping: z.enum(['sealed', 'file']),
  /** Why it is not sealed, where it could be. */
  why: z.string().max(500).exactOptional(),
});
export type HubTokenState = z.infer<typeof hubTokenStateSchema>;
