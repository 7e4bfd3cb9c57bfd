import { z } from 'zod';
import { command, nothing } from './command.ts';
import { contributeLimitsSchema, contributionSchema } from './contribute.ts';

/** Whom a node meets, as it is chosen at first: programs of this machine, the own network, who was invited, anybody. */
export const reachChoiceSchema = z.enum(['machine', 'local', 'private', 'public']);
export type ReachChoice = z.infer<typeof reachChoiceSchema>;

export const setupSchema = z.object({
  /** This home has no configuration yet: nobody has chosen or skipped. */
  isDue: z.boolean(),
  machine: contributionSchema.shape.machine,
  /** Out of what this machine has. */
  suggested: contributeLimitsSchema,
});
export type Setup = z.infer<typeof setupSchema>;

/** The first steps on a machine. */
export const setupCommands = {
  'setup.get': command(nothing, setupSchema),
  /** Writes what was chosen to the host's configuration. `needsRestart`: whom the node meets changes with the next start. */
  'setup.finish': command(
    z.strictObject({ name: z.string().trim().min(1).max(100).exactOptional(), isOn: z.boolean(), limits: contributeLimitsSchema.partial().exactOptional(), reach: reachChoiceSchema }),
    z.object({ needsRestart: z.boolean() }), ['HOST_BAD_CONFIG', 'ZONE_KEY_CORRUPT', 'ZONE_KEY_READABLE_BY_OTHERS'],
  ),
  /** Keeps the defaults, and is not due again. */
  'setup.skip': command(nothing, nothing, ['HOST_BAD_CONFIG']),
} as const;
