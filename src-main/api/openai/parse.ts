import type { z } from 'zod';
import { openaiErrors } from './errors.ts';

/** @throws API_INVALID_FIELD, which names the field as OpenAI does: `messages[0].content` */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw openaiErrors.invalidField({ param: null, reason: 'the body must be a JSON object' });
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = issue === undefined || issue.path.length === 0 ? null : fieldName(issue.path);
  throw openaiErrors.invalidField({ param, reason: issue?.message ?? 'is not valid' });
}

const fieldName = (path: readonly PropertyKey[]): string => path.reduce<string>((name, key) => (typeof key === 'number' ? `${name}[${key}]` : name === '' ? String(key) : `${name}.${String(key)}`), '').slice(0, 200);
