import { z } from 'zod';
import { command, nothing } from './command.ts';
import { contributeLimitsSchema, CONTRIBUTE_LIMITS, contributionSchema } from './contribute.ts';

/** What this machine gives to others. All answer with how it stands then; later changes come as `contribute.changed`. */
export const contributeCommands = {
  'contribute.get': command(nothing, contributionSchema),
  /** Changes what is named; written to the host's configuration, whole or not at all. */
  'contribute.set': command(z.strictObject({ isOn: z.boolean().exactOptional(), limits: contributeLimitsSchema.partial().exactOptional() }), contributionSchema, ['HOST_BAD_CONFIG']),
  /** Serves nobody for so long, also after a restart; answers under way end or are handed over. */
  'contribute.pause': command(z.strictObject({ ms: z.number().int().min(1_000).max(CONTRIBUTE_LIMITS.maxPauseMs).default(CONTRIBUTE_LIMITS.pauseMs) }), contributionSchema),
  'contribute.resume': command(nothing, contributionSchema),
} as const;
