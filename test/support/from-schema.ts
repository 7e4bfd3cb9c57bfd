import fc from 'fast-check';
import { z } from 'zod';

type Json = Readonly<Record<string, unknown>>;
const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value as readonly Json[] : []);
const numberOf = (value: unknown, fallback: number): number => (typeof value === 'number' ? value : fallback);
const MOST = 6;

const ODD: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, undefined, -1, -0, 1e308, Number.NaN, Number.MAX_SAFE_INTEGER + 1, '', '\ud800', '\u0000', '../../etc/passwd', '__proto__', 'constructor', [], {}, [[]], true) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
);

/** Input that a zod schema accepts, mostly: each part of it is something else in one case of `oddOneIn`. Follows commands that are added by itself. */
export function fromSchema(schema: z.ZodType, oddOneIn = 25): fc.Arbitrary<unknown> {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json;
  const part = (of: Json): fc.Arbitrary<unknown> => fc.oneof({ weight: oddOneIn, arbitrary: right(of, part) }, { weight: 1, arbitrary: ODD });
  return part(root);
}

function right(of: Json, part: (of: Json) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  if ('const' in of) return fc.constant(of['const']);
  if (Array.isArray(of['enum'])) return fc.constantFrom<unknown>(...of['enum'] as unknown[]);
  const choices = [...listOf(of['anyOf']), ...listOf(of['oneOf'])];
  if (choices.length > 0) return fc.oneof(...choices.map(part));
  switch (of['type']) {
    case 'object': return objectOf(of, part);
    case 'array': return fc.array(part((of['items'] ?? {}) as Json), { minLength: Math.min(MOST, numberOf(of['minItems'], 0)), maxLength: Math.min(MOST, numberOf(of['maxItems'], MOST)) });
    case 'string': if (of['contentEncoding'] === 'base64') return fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64'));
      return fc.string({ minLength: Math.min(200, numberOf(of['minLength'], 0)), maxLength: Math.min(200, numberOf(of['maxLength'], 200)) });
    case 'integer': return fc.integer({ min: Math.max(-1e6, numberOf(of['minimum'], -1e6)), max: Math.min(2 ** 31 - 1, numberOf(of['maximum'], 1e6)) });
    case 'number': return fc.double({ min: Math.max(-1e9, numberOf(of['minimum'], -1e9)), max: Math.min(1e9, numberOf(of['maximum'], 1e9)), noNaN: true });
    case 'boolean': return fc.boolean();
    default: return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf(of: Json, part: (of: Json) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const fields = Object.entries((of['properties'] ?? {}) as Record<string, Json>).map(([name, schema]) => [name, part(schema)] as const);
  const required = Array.isArray(of['required']) ? of['required'] as string[] : [];
  const known = fc.record(Object.fromEntries(fields), { requiredKeys: required });
  return fc.oneof({ weight: 20, arbitrary: known }, { weight: 1, arbitrary: fc.tuple(known, fc.dictionary(fc.string({ maxLength: 12 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 })).map(([a, b]) => ({ ...b, ...a })) });
}
