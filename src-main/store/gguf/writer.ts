import { ggufErrors } from '../errors.ts';
import { tensorBytes, type GgmlType } from './tensor-types.ts';
import { GGUF_VALUE_TYPES, type GgufMetadata, type GgufNumberType, type GgufValue } from './values.ts';

export interface TensorSpec {
  readonly name: string;
  /** Fastest dimension first, as in the file. */
  readonly dims: readonly number[];
  readonly type: GgmlType;
}

export interface PlacedTensor extends TensorSpec {
  /** Bytes from the start of the tensor data. */
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface GgufLayout {
  /** Everything before the tensor data, padded to the alignment. */
  readonly header: Uint8Array;
  readonly tensors: readonly PlacedTensor[];
  readonly alignment: number;
  readonly sizeBytes: number;
}

export const DEFAULT_ALIGNMENT = 32;

export const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

/** Computes the header and where each tensor goes; tensors lie in the given order, each padded to the alignment. */
export function layoutGguf(metadata: GgufMetadata, tensors: readonly TensorSpec[], version: 2 | 3 = 3): GgufLayout {
  const alignment = alignmentOf(metadata);
  const placed = place(tensors, alignment);
  const last = placed.at(-1);
  const unpadded = Buffer.concat([prologue(version, tensors.length, metadata.size), ...entries(metadata), ...placed.map(tensorInfo)]);
  const header = Buffer.alloc(alignUp(unpadded.length, alignment));
  unpadded.copy(header);
  const dataBytes = last === undefined ? 0 : alignUp(last.offset + last.sizeBytes, alignment);
  return { header, tensors: placed, alignment, sizeBytes: header.length + dataBytes };
}

function alignmentOf(metadata: GgufMetadata): number {
  const value = metadata.get('general.alignment');
  return value?.type === 'uint32' ? value.value : DEFAULT_ALIGNMENT;
}

function place(tensors: readonly TensorSpec[], alignment: number): PlacedTensor[] {
  let offset = 0;
  return tensors.map((tensor) => {
    const sizeBytes = tensorBytes(tensor.type, tensor.dims);
    if (sizeBytes === undefined) throw ggufErrors.badTensorShape({ tensor: tensor.name, dims: tensor.dims.join('x'), type: tensor.type.name, offset: 0 });
    const at = offset;
    offset = alignUp(offset + sizeBytes, alignment);
    return { ...tensor, offset: at, sizeBytes };
  });
}

function prologue(version: number, tensorCount: number, valueCount: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.write('GGUF', 0, 'latin1');
  bytes.writeUInt32LE(version, 4);
  bytes.writeBigUInt64LE(BigInt(tensorCount), 8);
  bytes.writeBigUInt64LE(BigInt(valueCount), 16);
  return bytes;
}

function* entries(metadata: GgufMetadata): Iterable<Uint8Array> {
  for (const [key, value] of metadata) {
    yield text(key);
    yield word(GGUF_VALUE_TYPES.indexOf(value.type));
    yield* encodeValue(value);
  }
}

function* encodeValue(value: GgufValue): Iterable<Uint8Array> {
  if (value.type === 'array') {
    yield word(GGUF_VALUE_TYPES.indexOf(value.itemType));
    yield long(BigInt(value.length));
    yield value.bytes;
    return;
  }
  if (value.type === 'string') yield text(value.value, value.bytes);
  else if (value.type === 'bool') yield Uint8Array.of(Number(value.value));
  else if (typeof value.value === 'bigint') yield long(BigInt.asUintN(64, value.value));
  else yield encodeNumber(value.type, value.value);
}

type WriteNumber = (bytes: Buffer, value: number) => number;
const writers: Readonly<Record<GgufNumberType, readonly [size: number, write: WriteNumber]>> = {
  uint8: [1, (b, v) => b.writeUInt8(v)], int8: [1, (b, v) => b.writeInt8(v)],
  uint16: [2, (b, v) => b.writeUInt16LE(v)], int16: [2, (b, v) => b.writeInt16LE(v)],
  uint32: [4, (b, v) => b.writeUInt32LE(v)], int32: [4, (b, v) => b.writeInt32LE(v)],
  float32: [4, (b, v) => b.writeFloatLE(v)], float64: [8, (b, v) => b.writeDoubleLE(v)],
};

function encodeNumber(type: GgufNumberType, value: number): Buffer {
  const [size, write] = writers[type];
  const bytes = Buffer.alloc(size);
  write(bytes, value);
  return bytes;
}

function tensorInfo(tensor: PlacedTensor): Buffer {
  const dims = tensor.dims.map((dim) => long(BigInt(dim)));
  return Buffer.concat([text(tensor.name), word(tensor.dims.length), ...dims, word(tensor.type.id), long(BigInt(tensor.offset))]);
}

function text(value: string, bytes: Uint8Array = Buffer.from(value, 'utf8')): Buffer {
  return Buffer.concat([long(BigInt(bytes.length)), bytes]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
