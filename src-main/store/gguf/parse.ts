import { isUtf8 } from 'node:buffer';
import { ggufErrors } from '../errors.ts';
import type { Cursor } from './cursor.ts';
import { ggmlTypeById, tensorBytes } from './tensor-types.ts';
import { GGUF_VALUE_TYPES, scalarItems, VALUE_BYTES, type GgufArray, type GgufValue, type GgufValueType } from './values.ts';
import type { PlacedTensor } from './writer.ts';

export interface GgufLimits {
  /** How much of the file may be read to find the end of the header. */
  readonly maxHeaderBytes: number;
  readonly maxKeys: number;
  readonly maxTensors: number;
  /** One text, e.g. a chat template. */
  readonly maxTextBytes: number;
  readonly maxArrayDepth: number;
}

export const GGUF_LIMITS: GgufLimits = {
  maxHeaderBytes: 256 * 1024 * 1024, maxKeys: 65_536, maxTensors: 262_144, maxTextBytes: 16 * 1024 * 1024, maxArrayDepth: 4,
};

const MAX_KEY_BYTES = 65_535;
/** llama.cpp keeps names in 64 bytes with a final zero. */
const MAX_TENSOR_NAME_BYTES = 63;
const MAX_DIMS = 4;
const MIN_ENTRY_BYTES = { key: 8 + 1 + 4 + 1, tensor: 8 + 1 + 4 + 4 + 8 };

export interface Prologue {
  readonly version: 2 | 3;
  readonly tensorCount: number;
  readonly keyCount: number;
}

export function parsePrologue(cursor: Cursor, limits: GgufLimits): Prologue {
  const magic = cursor.bytes(4, 'magic');
  if (magic.toString('latin1') !== 'GGUF') throw ggufErrors.badMagic({ found: magic.toString('hex') });
  const version = cursor.u32('version');
  if (version !== 2 && version !== 3) throw ggufErrors.badVersion({ version, offset: 4 });
  const tensorCount = boundedCount(cursor, { field: 'tensor count', max: limits.maxTensors, itemBytes: MIN_ENTRY_BYTES.tensor });
  const keyCount = boundedCount(cursor, { field: 'metadata count', max: limits.maxKeys, itemBytes: MIN_ENTRY_BYTES.key });
  return { version, tensorCount, keyCount };
}

function boundedCount(cursor: Cursor, bound: { field: string; max: number; itemBytes: number }): number {
  const offset = cursor.at;
  const count = cursor.u64(bound.field);
  if (count > bound.max) throw ggufErrors.tooBig({ field: bound.field, offset, value: count, max: bound.max });
  if (count * bound.itemBytes > cursor.leftBytes) throw ggufErrors.truncated({ field: bound.field, offset, needBytes: count * bound.itemBytes, haveBytes: cursor.leftBytes });
  return count;
}

export function parseEntry(cursor: Cursor, limits: GgufLimits): [key: string, value: GgufValue] {
  const offset = cursor.at;
  const raw = cursor.text('metadata key', MAX_KEY_BYTES);
  if (raw.length === 0) throw ggufErrors.badValue({ field: 'metadata key', offset, value: '""' });
  if (!isUtf8(raw)) throw ggufErrors.badText({ field: 'metadata key', offset });
  const key = raw.toString('utf8');
  return [key, parseValue(cursor, { field: key, type: valueType(cursor, key), limits })];
}

interface ValueRequest {
  readonly field: string;
  readonly type: GgufValueType;
  readonly limits: GgufLimits;
}

function valueType(cursor: Cursor, field: string): GgufValueType {
  const offset = cursor.at;
  const id = cursor.u32(`type of ${field}`);
  const type = GGUF_VALUE_TYPES[id];
  if (type === undefined) throw ggufErrors.badType({ field, offset, type: id });
  return type;
}

function parseValue(cursor: Cursor, request: ValueRequest): GgufValue {
  const { field, type } = request;
  if (type === 'array') return parseArray(cursor, request);
  if (type === 'string') {
    const raw = cursor.text(field, request.limits.maxTextBytes);
    return isUtf8(raw) ? { type, value: raw.toString('utf8') } : { type, value: raw.toString('utf8'), bytes: Buffer.from(raw) };
  }
  const offset = cursor.at;
  const bytes = cursor.bytes(VALUE_BYTES[type] ?? 0, field);
  if (type === 'bool' && (bytes[0] ?? 0) > 1) throw ggufErrors.badValue({ field, offset, value: String(bytes[0]) });
  const value = scalarItems({ type: 'array', itemType: type, length: 1, bytes })?.[0];
  return { type, value } as GgufValue;
}

function parseArray(cursor: Cursor, request: ValueRequest): GgufArray {
  const itemType = valueType(cursor, `items of ${request.field}`);
  const length = arrayLength(cursor, request.field, itemType);
  const start = cursor.at;
  skipItems(cursor, { ...request, type: itemType, length }, 1);
  const end = cursor.at;
  cursor.at = start;
  return { type: 'array', itemType, length, bytes: cursor.bytes(end - start, request.field) };
}

function arrayLength(cursor: Cursor, field: string, itemType: GgufValueType): number {
  const itemBytes = itemType === 'array' ? 12 : (VALUE_BYTES[itemType] ?? 8);
  return boundedCount(cursor, { field: `length of ${field}`, max: 2 ** 32, itemBytes });
}

// Walks nested arrays to find the end; items stay raw bytes.
function skipItems(cursor: Cursor, request: ValueRequest & { readonly length: number }, depth: number): void {
  const { field, type, length, limits } = request;
  if (type === 'string') return cursor.skipTexts(length, field);
  if (type !== 'array') return void cursor.bytes(length * (VALUE_BYTES[type] ?? 0), field);
  if (depth >= limits.maxArrayDepth) throw ggufErrors.tooDeep({ field, offset: cursor.at, max: limits.maxArrayDepth });
  for (let index = 0; index < length; index++) {
    const itemType = valueType(cursor, `items of ${field}[${index}]`);
    skipItems(cursor, { ...request, type: itemType, length: arrayLength(cursor, `${field}[${index}]`, itemType) }, depth + 1);
  }
}

export function parseTensor(cursor: Cursor): PlacedTensor {
  const start = cursor.at;
  const raw = cursor.text('tensor name', MAX_TENSOR_NAME_BYTES);
  if (raw.length === 0 || !isUtf8(raw)) throw ggufErrors.badText({ field: 'tensor name', offset: start });
  const name = raw.toString('utf8');
  const dims = parseDims(cursor, name);
  const typeOffset = cursor.at;
  const typeId = cursor.u32(`type of tensor ${name}`);
  const type = ggmlTypeById(typeId);
  if (type === undefined) throw ggufErrors.badType({ field: `tensor ${name}`, offset: typeOffset, type: typeId });
  const sizeBytes = tensorBytes(type, dims);
  if (sizeBytes === undefined) throw ggufErrors.badTensorShape({ tensor: name, dims: dims.join('x'), type: type.name, offset: typeOffset });
  return { name, dims, type, offset: cursor.u64(`offset of tensor ${name}`), sizeBytes };
}

function parseDims(cursor: Cursor, name: string): number[] {
  const offset = cursor.at;
  const count = cursor.u32(`dimensions of tensor ${name}`);
  if (count > MAX_DIMS) throw ggufErrors.tooBig({ field: `dimensions of tensor ${name}`, offset, value: count, max: MAX_DIMS });
  return Array.from({ length: count }, (_, index) => {
    const at = cursor.at;
    const size = cursor.u64(`dimension ${index} of tensor ${name}`);
    if (size === 0) throw ggufErrors.badValue({ field: `dimension ${index} of tensor ${name}`, offset: at, value: '0' });
    return size;
  });
}
