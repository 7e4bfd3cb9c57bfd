/** The value types of the GGUF format, in the order of their ids. */
export const GGUF_VALUE_TYPES = [
  'uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'bool', 'string', 'array', 'uint64', 'int64', 'float64',
] as const;
export type GgufValueType = (typeof GGUF_VALUE_TYPES)[number];
export type GgufNumberType = 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';

/** Fixed size in bytes; strings and arrays vary. */
export const VALUE_BYTES: Readonly<Partial<Record<GgufValueType, number>>> = {
  uint8: 1, int8: 1, uint16: 2, int16: 2, uint32: 4, int32: 4, float32: 4, bool: 1, uint64: 8, int64: 8, float64: 8,
};

/** An array stays as its little-endian bytes until somebody asks for items: a vocabulary of 150k strings costs one scan. */
export interface GgufArray {
  readonly type: 'array';
  readonly itemType: GgufValueType;
  readonly length: number;
  /** The items as they lie in the file. */
  readonly bytes: Uint8Array;
}

export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: 'uint64' | 'int64'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  /** `bytes` is kept only when the file's text is not valid UTF-8, so that a copy stays byte-identical. */
  | { readonly type: 'string'; readonly value: string; readonly bytes?: Uint8Array }
  | GgufArray;

export type GgufMetadata = ReadonlyMap<string, GgufValue>;

export const u32 = (value: number): GgufValue => ({ type: 'uint32', value });
export const i32 = (value: number): GgufValue => ({ type: 'int32', value });
export const f32 = (value: number): GgufValue => ({ type: 'float32', value });
export const bool = (value: boolean): GgufValue => ({ type: 'bool', value });
export const str = (value: string): GgufValue => ({ type: 'string', value });

const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const array = (itemType: GgufValueType, length: number, bytes: Uint8Array): GgufArray => ({ type: 'array', itemType, length, bytes });

// Typed arrays are little-endian on every platform that llama.cpp's prebuilt binaries exist for.
export const u32Array = (items: readonly number[]): GgufArray => array('uint32', items.length, bytesOf(Uint32Array.from(items)));
export const i32Array = (items: readonly number[]): GgufArray => array('int32', items.length, bytesOf(Int32Array.from(items)));
export const f32Array = (items: readonly number[]): GgufArray => array('float32', items.length, bytesOf(Float32Array.from(items)));
export const boolArray = (items: readonly boolean[]): GgufArray => array('bool', items.length, Uint8Array.from(items, Number));

export function stringArray(items: readonly string[]): GgufArray {
  const encoded = items.map((item) => Buffer.from(item, 'utf8'));
  const bytes = Buffer.alloc(encoded.reduce((sum, item) => sum + 8 + item.length, 0));
  let at = 0;
  for (const item of encoded) {
    bytes.writeBigUInt64LE(BigInt(item.length), at);
    item.copy(bytes, at + 8);
    at += 8 + item.length;
  }
  return array('string', items.length, bytes);
}

type ReadItem = (view: DataView, at: number) => number | bigint | boolean;
const readers: Readonly<Partial<Record<GgufValueType, ReadItem>>> = {
  uint8: (v, at) => v.getUint8(at), int8: (v, at) => v.getInt8(at),
  uint16: (v, at) => v.getUint16(at, true), int16: (v, at) => v.getInt16(at, true),
  uint32: (v, at) => v.getUint32(at, true), int32: (v, at) => v.getInt32(at, true),
  float32: (v, at) => v.getFloat32(at, true), float64: (v, at) => v.getFloat64(at, true),
  bool: (v, at) => v.getUint8(at) !== 0,
  uint64: (v, at) => v.getBigUint64(at, true), int64: (v, at) => v.getBigInt64(at, true),
};

/** Items of an array of fixed-size values, or undefined for strings and nested arrays. */
export function scalarItems(value: GgufArray): (number | bigint | boolean)[] | undefined {
  const size = VALUE_BYTES[value.itemType];
  const read = readers[value.itemType];
  if (size === undefined || read === undefined) return undefined;
  const view = new DataView(value.bytes.buffer, value.bytes.byteOffset, value.bytes.byteLength);
  return Array.from({ length: value.length }, (_, index) => read(view, index * size));
}

/** Items of a string array (invalid UTF-8 becomes U+FFFD), or undefined for any other array. */
export function stringItems(value: GgufArray): string[] | undefined {
  if (value.itemType !== 'string') return undefined;
  const text = Buffer.from(value.bytes.buffer, value.bytes.byteOffset, value.bytes.byteLength);
  const items: string[] = new Array<string>(value.length);
  let at = 0;
  for (let index = 0; index < value.length; index++) {
    const length = text.readUInt32LE(at);
    items[index] = text.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return items;
}
