import { z } from 'zod';
import { command, nothing } from './command.ts';
import { answerDetailSchema, answerListSchema, PIPELINE_LIMITS, placementSchema, samplesInputSchema, samplesSchema } from './pipeline.ts';
import { count, offset } from './primitives.ts';

const HISTORY = ['HOST_HISTORY_UNUSABLE', 'HOST_NO_HISTORY'] as const;

/** What the pipeline did and does, for the page of it; nothing of any chat's text. */
export const pipelineCommands = {
  /** The last so many milliseconds, oldest first, thinned out. */
  'pipeline.samples': command(samplesInputSchema, samplesSchema),
  /** Whether `pipeline.sampled` is told, to all; ends with the connection. */
  'pipeline.watch': command(z.strictObject({ isOn: z.boolean() }), nothing),
  /** Answers that are over, the newest first. */
  'pipeline.history': command(z.strictObject({ offset: offset.default(0), limit: z.number().int().min(1).max(PIPELINE_LIMITS.listed).default(PIPELINE_LIMITS.listed) }), answerListSchema, HISTORY),
  'pipeline.answer': command(z.strictObject({ id: count }), answerDetailSchema, ['HOST_NO_SUCH_ANSWER', ...HISTORY]),
  'pipeline.forget': command(nothing, nothing, HISTORY),
  /** Asks the nodes that are known, measures links to them, and plans. Not while an answer is under way: it would disturb that. */
  'pipeline.plan': command(nothing, placementSchema, ['HOST_NO_PIPELINE', 'HOST_ANSWERING', 'HOST_PLAN_TOO_SLOW']),
} as const;
