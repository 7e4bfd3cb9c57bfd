import { z } from 'zod';
import { answerDetailSchema, answerListSchema, PIPELINE_LIMITS, placementSchema, samplesInputSchema, samplesSchema } from './pipeline.ts';

const command = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O, errors: readonly string[] = []) => ({ input, output, errors });
const nothing = z.strictObject({});
const offset = z.number().int().min(0).max(1_000_000);

const HISTORY = ['HOST_HISTORY_UNUSABLE', 'HOST_NO_HISTORY'] as const;

/** What the pipeline did and does, for the page of it; nothing of any chat's text. */
export const pipelineCommands = {
  /** The last so many milliseconds, oldest first, thinned out. */
  'pipeline.samples': command(samplesInputSchema, samplesSchema),
  /** Whether `pipeline.sampled` is told, to all; ends with the connection. */
  'pipeline.watch': command(z.strictObject({ isOn: z.boolean() }), nothing),
  /** Answers that are over, the newest first. */
  'pipeline.history': command(z.strictObject({ offset: offset.default(0), limit: z.number().int().min(1).max(PIPELINE_LIMITS.listed).default(PIPELINE_LIMITS.listed) }), answerListSchema, HISTORY),
  'pipeline.answer': command(z.strictObject({ id: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER) }), answerDetailSchema, ['HOST_NO_SUCH_ANSWER', ...HISTORY]),
  'pipeline.forget': command(nothing, nothing, HISTORY),
  /** Asks the nodes that are known, measures links to them, and plans. Not while an answer is under way: it would disturb that. */
  'pipeline.plan': command(nothing, placementSchema, ['HOST_NO_PIPELINE', 'HOST_ANSWERING']),
} as const;
