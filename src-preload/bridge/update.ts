import { z } from 'zod';
import { wireErrorSchema } from './errors.ts';

const version = z.string().min(1).max(100);

/** How the app stands to newer versions of itself. */
export const updateStateSchema = z.discriminatedUnion('kind', [
  /** Nothing is asked of anybody: this is a checkout, was packed without saying where newer versions are, or came in a way that renews it otherwise. */
  z.object({ kind: z.literal('off'), why: z.enum(['unpackaged', 'unconfigured', 'unsupported']) }),
  /** Not asked yet. */
  z.object({ kind: z.literal('idle') }),
  z.object({ kind: z.literal('checking') }),
  z.object({ kind: z.literal('current'), version }),
  z.object({ kind: z.literal('downloading'), version, progress: z.number().min(0).max(1) }),
  /** Installed when the app ends. */
  z.object({ kind: z.literal('ready'), version }),
  z.object({ kind: z.literal('failed'), error: wireErrorSchema }),
]);
export type UpdateState = z.infer<typeof updateStateSchema>;
