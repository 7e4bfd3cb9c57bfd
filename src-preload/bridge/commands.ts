import { z } from 'zod';
import { attachmentCommands } from './attachment-commands.ts';
import { command, nothing } from './command.ts';
import { contributeCommands } from './contribute-commands.ts';
import { conversationCommands } from './conversation-commands.ts';
import { hostInfoSchema } from './dto.ts';
import { economyCommands } from './economy-commands.ts';
import { wireErrorSchema, type WireError } from './errors.ts';
import { modelCommands } from './model-commands.ts';
import { INVITE_LIMITS, invitationSchema, joinPlanSchema, linkSchema, ttlSchema } from './invite.ts';
import { settingsCommands } from './settings-commands.ts';
import { networkCommands } from './network-commands.ts';
import { pipelineCommands } from './pipeline-commands.ts';
import { setupCommands } from './setup-commands.ts';
import { JOIN_ERRORS } from './join-errors.ts';
import { shellCommands } from './shell-commands.ts';
import { snapshotSchema } from './state.ts';

/** Any command can also end with one of these. */
export const COMMON_ERRORS = ['API_BAD_REQUEST', 'API_UNSUPPORTED', 'API_RATE_LIMITED', 'API_INTERNAL'] as const;

/** Everything that a client may ask. `errors` are the codes beyond COMMON_ERRORS. */
export const commands = {
  'host.info': command(nothing, hostInfoSchema),
  /** The state now, without a subscription. */
  'state.snapshot': command(nothing, snapshotSchema),
  /** The state now; every later event is then pushed, with `seq` going on from the snapshot's. Asking again is the resync. */
  'state.subscribe': command(nothing, snapshotSchema),
  'state.unsubscribe': command(nothing, nothing),
  /** A new link with which another machine joins this host's mesh. A secret, where it has a key. */
  'invite.create': command(z.strictObject({ ttlMs: ttlSchema.default(INVITE_LIMITS.defaultTtlMs) }), invitationSchema, ['INVITE_NO_ADDRESS', 'INVITE_BAD_ADDRESS', 'ZONE_KEY_MISSING', 'ZONE_KEY_CORRUPT', 'ZONE_KEY_READABLE_BY_OTHERS']),
  /** What a link says and what joining would do; changes nothing. */
  'invite.check': command(z.strictObject({ link: linkSchema }), joinPlanSchema, JOIN_ERRORS),
  /** Joins by a link: writes the host's configuration, and connects where that needs no restart. */
  'invite.join': command(z.strictObject({ link: linkSchema }), joinPlanSchema, JOIN_ERRORS),
  ...attachmentCommands,
  ...contributeCommands,
  ...setupCommands,
  ...conversationCommands,
  ...settingsCommands,
  ...networkCommands,
  ...pipelineCommands,
  ...modelCommands,
  ...shellCommands,
  ...economyCommands,
} as const;

export type CommandName = keyof typeof commands;
/** As written by the caller, before defaults. */
export type CommandInput<N extends CommandName> = z.input<(typeof commands)[N]['input']>;
/** As the host's handler gets it. */
export type CommandParsed<N extends CommandName> = z.output<(typeof commands)[N]['input']>;
export type CommandOutput<N extends CommandName> = z.output<(typeof commands)[N]['output']>;

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commands, name);

/** Failures are values: an exception would lose its fields on the way through Electron's IPC. */
export type CallResult = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: WireError };
export const callResultSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), error: wireErrorSchema }),
]);
