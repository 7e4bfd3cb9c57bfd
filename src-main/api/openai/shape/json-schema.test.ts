import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deriveText, seeded } from '../../../../test/support/derive-text.ts';
import { isCoded } from '../../../base/index.ts';
import { grammarSchema } from '../../../inference/index.ts';
import { objectOf, value } from './json-rules.ts';
import { schemaRule } from './json-schema.ts';
import { Rules } from './rules.ts';

const TEXTS = 300;

function textsOf(schema: unknown, isStrict = true): string[] {
  const rules = new Rules();
  const grammar = rules.grammar([[schemaRule({ rules, schema, param: 'schema', isStrict })]]);
  // What other nodes' stages take.
  expect(grammarSchema.safeParse(JSON.parse(JSON.stringify(grammar)))).toMatchObject({ success: true });
  const random = seeded(5);
  return Array.from({ length: TEXTS }, () => deriveText(grammar, random));
}

/** Every text is a value of the schema, by another's reading of it; gives the values. */
function valuesOf(schema: unknown, isStrict = true): unknown[] {
  const isRight = z.fromJSONSchema(schema as never);
  return textsOf(schema, isStrict).map((text) => {
    const one: unknown = JSON.parse(text);
    expect([text, isRight.safeParse(one).success]).toEqual([text, true]);
    return one;
  });
}

const kinds = (values: readonly unknown[]): Set<string> => new Set(values.map((one) => JSON.stringify(one)));

function refusal(schema: unknown, isStrict = true): readonly [string, string] {
  try {
    textsOf(schema, isStrict);
  } catch (error) {
    if (isCoded(error)) return [error.code, error.message];
    throw error;
  }
  throw new Error('not refused');
}

describe('texts of a schema', () => {
  it.each([
    ['strings', { type: 'string', minLength: 2, maxLength: 4 }], ['numbers', { type: 'number' }], ['whole numbers', { type: 'integer' }], ['any of types', { type: ['boolean', 'null', 'integer'] }],
    ['lists', { type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 3 }], ['empty lists', { type: 'array', items: { type: 'boolean' }, maxItems: 0 }], ['lists of anything', { type: 'array' }],
    ['maps', { type: 'object', additionalProperties: { type: 'integer' } }], ['nothing named', { type: 'object', additionalProperties: false }],
    ['choices', { enum: ['a"', 1, null, 'é'] }], ['one', { const: 'x' }], ['choices of a type', { type: 'string', enum: ['a', 'b'] }],
    ['either', { anyOf: [{ type: 'string', maxLength: 3 }, { type: 'object', properties: { a: { type: 'null' } }, required: ['a'] }] }],
    ['one of what is apart', { oneOf: [{ type: 'object', properties: { kind: { const: 'a' }, n: { type: 'integer' } }, required: ['kind', 'n'] }, { type: 'object', properties: { kind: { const: 'b' } }, required: ['kind'] }] }],
    ['some needed', { type: 'object', properties: { a: { type: 'integer' }, 'b"c': { type: 'null' }, d: { type: 'boolean' }, e: { type: 'null' } }, required: ['b"c'], additionalProperties: false }],
    ['what is needed twice', { type: 'object', properties: {}, required: ['a', 'a'] }],
    ['none needed', { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'null' } } }],
    ['itself', { type: 'object', properties: { value: { type: 'integer' }, children: { type: 'array', items: { $ref: '#' } } }, required: ['value', 'children'] }],
    ['definitions', { $ref: '#/$defs/a~1b', $defs: { 'a/b': { type: 'array', items: { $ref: '#/$defs/c' } }, c: { type: ['string', 'null'] } } }],
  ])('fit it: %s', (_name, schema) => { expect(valuesOf(schema).length).toBe(TEXTS); });

  it('are not only one', () => {
    const some = kinds(valuesOf({ type: 'object', properties: { a: { enum: [1, 2] }, b: { const: 0 }, c: { const: 0 } }, required: ['b'] }));
    expect([...some].toSorted()).toEqual(['{"a":1,"b":0,"c":0}', '{"a":1,"b":0}', '{"a":2,"b":0,"c":0}', '{"a":2,"b":0}', '{"b":0,"c":0}', '{"b":0}']);
    expect(kinds(valuesOf({ type: 'object', properties: { a: { const: 0 }, b: { const: 0 } } })).size).toBe(4);
  });

  it('are any JSON where nothing is asked', () => {
    const types = new Set(textsOf({}).map((text) => (JSON.parse(text) === null ? 'null' : typeof JSON.parse(text))));
    expect([...types].toSorted()).toEqual(['boolean', 'null', 'number', 'object', 'string']);
    const rules = new Rules();
    const grammar = rules.grammar([[objectOf(rules, value)]]);
    const random = seeded(1);
    for (let i = 0; i < TEXTS; i++) expect(JSON.parse(deriveText(grammar, random))).not.toBeInstanceOf(Array);
  });

  it('have a name that is needed and not described', () => {
    for (const one of valuesOf({ type: 'object', properties: { a: { type: 'null' } }, required: ['a', 'b'] })) expect(one).toHaveProperty('b');
  });
});

describe('a schema', () => {
  it.each([
    [{ type: 'string', pattern: '^a$' }, '"pattern" at its top'], [{ type: 'object', properties: { at: { type: 'string', format: 'date' } } }, '"format" at /properties/at'], [{ type: 'integer', minimum: 3 }, '"minimum"'],
    [{ type: 'array', uniqueItems: true }, '"uniqueItems"'], [{ allOf: [{ type: 'string' }, { maxLength: 3 }] }, '"allOf"'], [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, '"oneOf"'],
    [{ not: {} }, '"not"'], [{ type: 'string', anyOf: [{}] }, '"type"'], [{ $ref: 'https://example.com' }, '"$ref"'], [{ $ref: '#', maxLength: 3 }, '"maxLength"'], [{ type: 'array', items: false }, '"false" at /items'],
  ])('with what cannot be kept is refused where it must be: %j', (schema, words) => {
    const [code, message] = refusal(schema);
    expect(code).toBe('API_UNSUPPORTED_FIELD');
    expect(message).toContain(words);
  });

  it('is followed as far as it can be where that is enough', () => {
    expect(textsOf({ type: 'string', pattern: '^a$', maxLength: 1 }, false).every((text) => [...JSON.parse(text) as string].length <= 1)).toBe(true);
    expect(refusal({ allOf: [{ type: 'string' }, { maxLength: 3 }] }, false)[0]).toBe('API_UNSUPPORTED_FIELD');
  });

  it.each([[{ type: 'text' }], [[]], ['x'], [{ type: 'object', properties: 3 }], [{ type: 'object', required: 'a' }], [{ enum: [] }], [{ type: 'string', enum: [1] }], [{ type: 'string', minLength: 4, maxLength: 3 }],
    [{ type: 'array', minItems: -1 }], [{ $ref: '#/$defs/none' }], [{ anyOf: [] }]])('that is none is refused: %j', (schema) => {
    expect(refusal(schema)[0]).toBe('API_INVALID_FIELD');
  });

  it('has an end', () => {
    const deep = Array.from({ length: 500 }).reduce<object>((items) => ({ type: 'array', items }), {});
    expect(refusal(deep)[1]).toContain('nested deeper');
    expect(refusal({ anyOf: Array.from({ length: 5_000 }, () => ({ type: 'null' })) })[1]).toContain('more than');
  });
});
