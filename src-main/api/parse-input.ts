import type { z } from 'zod';
import { apiErrors } from './errors.ts';

/** What was asked, by its schema. `what`: how the caller calls it, `whole`: what he calls all of its input. @throws API_BAD_REQUEST, which names the field */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown, { what, whole }: { readonly what: string; readonly whole: string }): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw apiErrors.badRequest({ what, field: issue?.path.join('.') || whole, reason: issue?.message ?? 'is not valid' });
}
