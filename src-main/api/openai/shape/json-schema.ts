import { openaiErrors } from '../errors.ts';
import { arrayOf, blank, boolean, integer, number, objectOf, space, stringOf, value } from './json-rules.ts';
import type { Rules, Sequence } from './rules.ts';

type Schema = Readonly<Record<string, unknown>>;
type Type = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';

const MAX_SCHEMAS = 4_096;
const MAX_DEPTH = 64;
const MAX_CHOICES = 1_024;
const MAX_COUNT = 1_000_000;

/** They constrain nothing. */
const ANNOTATIONS = ['$schema', '$id', '$comment', '$defs', 'definitions', 'title', 'description', 'default', 'example', 'examples', 'deprecated', 'readOnly', 'writeOnly'];
const KEYWORDS: Readonly<Record<Type, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'], array: ['items', 'minItems', 'maxItems'], string: ['minLength', 'maxLength'], number: [], integer: [], boolean: [], null: [],
};
const TYPES = Object.keys(KEYWORDS) as Type[];

export interface SchemaInit {
  readonly rules: Rules;
  readonly schema: unknown;
  /** How a client names it, e.g. `tools[0].function.parameters`. */
  readonly param: string;
  /** A constraint that cannot be kept is refused; else it is left out. */
  readonly isStrict: boolean;
}

/**
 * The rule of JSON texts that a JSON Schema (2020-12) takes. All of its texts fit what is understood of the schema; not every text that fits can be
 * written: names come in the schema's order, and none besides unless the schema names none.
 *
 * @throws API_INVALID_FIELD for what is no schema, API_UNSUPPORTED_FIELD naming the keyword
 */
export const schemaRule = (init: SchemaInit): number => new Converter(init).rule(init.schema, [])[0];

type Path = readonly string[];
/** As a sequence of one, so that it can be an alternative. */
type Single = readonly [number];

class Converter {
  readonly #init: SchemaInit;
  readonly #rules: Rules;
  readonly #refs = new Map<string, number>();
  #count = 0;

  constructor(init: SchemaInit) {
    this.#init = init;
    this.#rules = init.rules;
  }

  rule(schema: unknown, path: Path): Single {
    if (++this.#count > MAX_SCHEMAS) throw this.#invalid(path, `has more than ${MAX_SCHEMAS} schemas`);
    if (path.length > 2 * MAX_DEPTH) throw this.#invalid(path, `is nested deeper than ${MAX_DEPTH}`);
    if (schema === true) return [value(this.#rules)];
    if (schema === false) throw this.#unsupported('false', path);
    const known = this.#object(schema, path);
    if (known['$ref'] !== undefined) return this.#ref(known, path);
    if ('const' in known || 'enum' in known) return this.#choices(known, path);
    for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const) if (known[keyword] !== undefined) return this.#combined(known, keyword, path);
    return this.#typed(known, path);
  }

  #ref(schema: Schema, path: Path): Single {
    this.#only(schema, ['$ref'], path);
    const ref = schema['$ref'];
    if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref)) throw this.#unsupported('$ref', path);
    const known = this.#refs.get(ref);
    if (known !== undefined) return [known];
    const steps = ref.split('/').slice(1).map((step) => decodeStep(step));
    const target = steps.reduce<unknown>((at, step) => (typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? (at as Schema)[step] : undefined), this.#init.schema);
    if (target === undefined) throw this.#invalid(path, `refers to ${ref.slice(0, 200)}, which is not there`);
    const index = this.#rules.reserve();
    this.#refs.set(ref, index);
    this.#rules.define(index, [this.rule(target, [...path, '$ref'])]);
    return [index];
  }

  #choices(schema: Schema, path: Path): Single {
    this.#only(schema, ['const', 'enum', 'type'], path);
    const types = this.#types(schema, path);
    const all = 'const' in schema ? [schema['const']] : schema['enum'];
    if (!Array.isArray(all) || all.length > MAX_CHOICES) throw this.#invalid(path, `has an enum that is no list of up to ${MAX_CHOICES} values`);
    const left = all.filter((one) => (types === undefined || types.some((type) => isOf(type, one))) && (!('enum' in schema) || !('const' in schema) || isAmong(one, schema['enum'])));
    if (left.length === 0) throw this.#invalid(path, 'leaves no value to be chosen');
    return [this.#rules.any(left.map((one) => [JSON.stringify(one)]))];
  }

  #combined(schema: Schema, keyword: 'anyOf' | 'oneOf' | 'allOf', path: Path): Single {
    this.#only(schema, [keyword], path);
    const list = schema[keyword];
    if (!Array.isArray(list) || list.length === 0) throw this.#invalid(path, `has an ${keyword} that is no list of schemas`);
    const isKept = keyword === 'anyOf' || list.length === 1 || (keyword === 'oneOf' && areApart(list));
    if (!isKept && (keyword === 'allOf' || this.#init.isStrict)) throw this.#unsupported(keyword, path);
    return [this.#rules.any(list.map((one, i) => this.rule(one, [...path, keyword, String(i)])))];
  }

  #typed(schema: Schema, path: Path): Single {
    const types = this.#types(schema, path) ?? impliedTypes(schema);
    this.#only(schema, ['type', ...(types ?? []).flatMap((type) => KEYWORDS[type])], path);
    if (types === undefined) return [value(this.#rules)];
    const made = types.map((type): Single => [this.#ofType(type, schema, path)]);
    return made.length === 1 && made[0] !== undefined ? made[0] : [this.#rules.any(made)];
  }

  #types(schema: Schema, path: Path): readonly Type[] | undefined {
    const { type } = schema;
    if (type === undefined) return undefined;
    const list: readonly unknown[] = Array.isArray(type) ? type : [type];
    const types = TYPES.filter((one) => list.includes(one));
    if (list.length === 0 || types.length !== list.length) throw this.#invalid(path, 'has a type that is none of JSON Schema');
    return types;
  }

  #ofType(type: Type, schema: Schema, path: Path): number {
    const rules = this.#rules;
    switch (type) {
      case 'object': return this.#properties(schema, path);
      case 'array': return this.#items(schema, path);
      case 'string': return stringOf(rules, this.#range(schema, ['minLength', 'maxLength'], path));
      case 'number': return number(rules);
      case 'integer': return integer(rules);
      case 'boolean': return boolean(rules);
      case 'null': return rules.named('null', () => [['null']]);
    }
  }

  #items(schema: Schema, path: Path): number {
    const { items = true } = schema;
    return arrayOf(this.#rules, { items: () => this.rule(items, [...path, 'items'])[0], ...this.#range(schema, ['minItems', 'maxItems'], path) });
  }

  #properties(schema: Schema, path: Path): number {
    const { properties = {}, required = [], additionalProperties: others = true } = schema;
    if (!Array.isArray(required) || required.some((name) => typeof name !== 'string')) throw this.#invalid(path, 'has a "required" that is no list of names');
    const declared = Object.entries(this.#object(properties, [...path, 'properties']));
    const needed = new Set(required as string[]);
    const undeclared = [...needed].filter((name) => !Object.hasOwn(properties as Schema, name)).map((name) => [name, others] as const);
    const entries = [...declared, ...undeclared].map(([name, one]) => ({ isNeeded: needed.has(name), pair: this.#pair(name, one, path) }));
    if (entries.length > 0) return this.#named(entries);
    if (others === false) return this.#rules.any([['{}']]);
    return objectOf(this.#rules, () => this.rule(others, [...path, 'additionalProperties'])[0]);
  }

  #pair(name: string, schema: unknown, path: Path): Sequence {
    return [`${JSON.stringify(name)}:`, space(this.#rules), ...this.rule(schema, [...path, 'properties', name])];
  }

  /** Each in its turn, and a comma before all but the first that is there. */
  #named(entries: readonly { readonly isNeeded: boolean; readonly pair: Sequence }[]): number {
    const rules = this.#rules;
    const first: Sequence[] = [];
    let after: Sequence = [blank(rules), '}'];
    for (const { isNeeded, pair } of entries.toReversed()) {
      const entry = rules.any([pair]);
      if (isNeeded) first.length = 0;
      first.push([entry, ...after]);
      const more: Sequence = [',', blank(rules), entry];
      after = [rules.any([[...(isNeeded ? more : [rules.optional(...more)]), ...after]])];
    }
    const begun = rules.any(first);
    return rules.any([['{', blank(rules), begun], ...(entries.some(({ isNeeded }) => isNeeded) ? [] : [['{}']])]);
  }

  #range(schema: Schema, [least, most]: readonly [string, string], path: Path): { readonly min: number; readonly max: number | undefined } {
    const [min = 0, max] = [least, most].map((keyword) => {
      const count = schema[keyword];
      if (count !== undefined && !(Number.isInteger(count) && (count as number) >= 0 && (count as number) <= MAX_COUNT)) throw this.#invalid(path, `has a "${keyword}" that is no count of up to ${MAX_COUNT}`);
      return count as number | undefined;
    });
    if (max !== undefined && max < min) throw this.#invalid(path, `has a "${most}" below its "${least}"`);
    return { min, max };
  }

  /** What is not understood here is refused, or left out where not all has to be kept. */
  #only(schema: Schema, keywords: readonly string[], path: Path): void {
    if (!this.#init.isStrict) return;
    const other = Object.keys(schema).find((key) => !keywords.includes(key) && !ANNOTATIONS.includes(key));
    if (other !== undefined) throw this.#unsupported(other, path);
  }

  #object(schema: unknown, path: Path): Schema {
    if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema as Schema;
    throw this.#invalid(path, 'is no schema');
  }

  #invalid(path: Path, reason: string): Error {
    return openaiErrors.invalidField({ param: this.#init.param, reason: `${placeOf(path)} ${reason}` });
  }

  #unsupported(keyword: string, path: Path): Error {
    return openaiErrors.unsupportedField({ param: this.#init.param, reason: `"${keyword.slice(0, 100)}" at ${placeOf(path)} cannot be kept while the answer is written` });
  }
}

const placeOf = (path: Path): string => (path.length === 0 ? 'its top' : `/${path.join('/')}`.slice(0, 200));

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}

const impliedTypes = (schema: Schema): readonly Type[] | undefined => {
  const implied = TYPES.filter((type) => KEYWORDS[type].some((keyword) => keyword in schema));
  return implied.length === 0 ? undefined : implied;
};

function isOf(type: Type, one: unknown): boolean {
  switch (type) {
    case 'object': return typeof one === 'object' && one !== null && !Array.isArray(one);
    case 'array': return Array.isArray(one);
    case 'integer': return Number.isInteger(one);
    case 'null': return one === null;
    default: return typeof one === type;
  }
}

const isAmong = (one: unknown, list: unknown): boolean => Array.isArray(list) && list.some((other) => JSON.stringify(other) === JSON.stringify(one));

/** No value fits two of them: by their types, or by a name that all need and that has other values in each. */
function areApart(list: readonly unknown[]): boolean {
  const schemas = list.filter((one): one is Schema => typeof one === 'object' && one !== null);
  if (schemas.length !== list.length) return false;
  const kinds = schemas.map(({ type }) => (type === 'integer' ? 'number' : type));
  if (kinds.every((kind) => typeof kind === 'string') && new Set(kinds).size === kinds.length) return true;
  return tagsOf(schemas[0]).some((name) => {
    const values = schemas.map((schema) => (tagsOf(schema).includes(name) ? constantsOf(propertyOf(schema, name)) : undefined));
    const all = values.flatMap((some) => some ?? []);
    return values.every((some) => some !== undefined) && new Set(all).size === all.length;
  });
}

const propertyOf = (schema: Schema, name: string): unknown => (schema['properties'] as Schema | undefined)?.[name];
const tagsOf = (schema: Schema | undefined): string[] => (schema?.['type'] === 'object' && Array.isArray(schema['required']) ? schema['required'].filter((name): name is string => typeof name === 'string' && constantsOf(propertyOf(schema, name)) !== undefined) : []);

function constantsOf(schema: unknown): string[] | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const { const: one, enum: some } = schema as Schema;
  const values = one !== undefined ? [one] : Array.isArray(some) ? some : undefined;
  return values?.map((each) => JSON.stringify(each));
}
