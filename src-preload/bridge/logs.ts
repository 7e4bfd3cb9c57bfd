import { z } from 'zod';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const logLevelSchema = z.enum(LOG_LEVELS);
export const LOG_LIMITS = { listed: 500 } as const;
const seq = z.number().int().min(0);

/** One line of the host's log: without secrets, without what was said in chats. */
export const logLineSchema = z.object({
  seq, atMs: z.number().min(0), level: logLevelSchema, message: z.string().max(1_000),
  /** What was told besides, as JSON; empty when nothing was. */
  details: z.string().max(2_000),
});
export type LogEntry = z.infer<typeof logLineSchema>;

export const logQuerySchema = z.strictObject({
  afterSeq: seq.exactOptional(), level: logLevelSchema.exactOptional(), text: z.string().max(200).exactOptional(),
  limit: z.number().int().min(1).max(LOG_LIMITS.listed).default(LOG_LIMITS.listed),
});
export const logPageSchema = z.object({ lines: z.array(logLineSchema).max(LOG_LIMITS.listed).readonly(), lastSeq: seq });

/** Told only while a client follows the log. */
export const logsAddedSchema = z.object({ lastSeq: seq });

/** What to give to whoever looks into a problem: one JSON text, to be read before it is given. */
export const diagnosticsSchema = z.object({ fileName: z.string().max(200), text: z.string().max(4_000_000) });
export type Diagnostics = z.infer<typeof diagnosticsSchema>;
