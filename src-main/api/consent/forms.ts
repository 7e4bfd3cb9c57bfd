import { z } from 'zod';

const password = z.string().max(1_000);
const optional = z.string().max(1_000).default('');

/** What each form sends; what is not named is left out. */
export const FORMS = {
  create: z.object({ password, again: password, words: z.enum(['12', '24']).transform((text) => (text === '12' ? 12 : 24)) }),
  import: z.object({ secret: z.string().max(20_000), filePassword: optional, password, again: password }),
  unlock: z.object({ password }),
  export: z.object({ what: z.enum(['file', 'phrase']), password }),
  limit: z.object({ amount: z.string().trim().max(60), password }),
  password: z.object({ old: password, new: password, again: password }),
  consent: z.object({ decision: z.enum(['approve', 'refuse']), read: z.literal('yes').optional(), password: z.string().min(1).max(1_000).optional().catch(undefined) }),
} as const;

export const sentSchema = z.object({ token: z.string().max(100), action: z.string().max(20) });
