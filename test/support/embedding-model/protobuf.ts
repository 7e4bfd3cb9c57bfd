/** As much of protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) as an ONNX file needs. */
export type Field = Uint8Array;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const VARINT = 0;
const BYTES = 2;

export const int = (field: number, value: number): Field => Uint8Array.from([...varint(field * 8 + VARINT), ...varint(value)]);

export const bytes = (field: number, content: Uint8Array): Field => Buffer.concat([Uint8Array.from([...varint(field * 8 + BYTES), ...varint(content.length)]), content]);

export const text = (field: number, value: string): Field => bytes(field, Buffer.from(value, 'utf8'));

export const message = (field: number, fields: readonly Field[]): Field => bytes(field, Buffer.concat(fields));
