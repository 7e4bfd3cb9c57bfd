import { bytes, int, message, text, type Field } from './protobuf.ts';

/** Writes ONNX files; field numbers are those of onnx.proto (IR version 8, operator set 17). */

const FLOAT = 1;
const INT64 = 7;
type ElementType = typeof FLOAT | typeof INT64;

/** A dimension is a size, or a name where it differs from run to run. */
type Dimension = number | string;

export interface Weight {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Integers, or lists of them. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

interface Port {
  readonly name: string;
  readonly dims: readonly Dimension[];
}

export interface Graph {
  /** All of 64-bit integers. */
  readonly inputs: readonly Port[];
  /** All of float32. */
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
}

const INT_ATTRIBUTE = 2;
const INTS_ATTRIBUTE = 7;

const attribute = (name: string, value: number | readonly number[]): Field => message(5, typeof value === 'number'
  ? [text(1, name), int(3, value), int(20, INT_ATTRIBUTE)]
  : [text(1, name), ...value.map((one) => int(8, one)), int(20, INTS_ATTRIBUTE)]);

const node = ({ op, inputs, output, attributes = {} }: Node): Field =>
  message(1, [...inputs.map((name) => text(1, name)), text(2, output), text(3, output), text(4, op), ...Object.entries(attributes).map(([name, value]) => attribute(name, value))]);

const weight = ({ name, dims, data }: Weight): Field =>
  message(5, [...dims.map((size) => int(1, size)), int(2, data instanceof Float32Array ? FLOAT : INT64), text(8, name), bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]);

const dimension = (size: Dimension): Field => message(1, [typeof size === 'number' ? int(1, size) : text(2, size)]);

const port = (field: number, { name, dims }: Port, type: ElementType): Field =>
  message(field, [text(1, name), message(2, [message(1, [int(1, type), message(2, dims.map(dimension))])])]);

export function onnxFile({ inputs, outputs, nodes, weights }: Graph): Uint8Array {
  const graph = [...nodes.map(node), text(2, 'test'), ...weights.map(weight), ...inputs.map((each) => port(11, each, INT64)), ...outputs.map((each) => port(12, each, FLOAT))];
  return Buffer.concat([int(1, 8), text(2, 'omninode-test'), message(7, graph), message(8, [text(1, ''), int(2, 17)])]);
}
