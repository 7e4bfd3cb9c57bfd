import { seeded } from '../models/random.ts';
import type { Graph, Node, Weight } from './onnx.ts';

export interface EncoderShape {
  readonly vocabSize: number;
  readonly positions: number;
  readonly hiddenSize: number;
  /** Blocks of one-headed attention and a feed-forward layer; 0 leaves the sum of word and position embeddings. */
  readonly blocks: number;
  readonly seed: number;
  /** Name of the output; default last_hidden_state. */
  readonly output?: string;
}

export interface Encoder {
  readonly graph: Graph;
  /** vocabSize x hiddenSize and positions x hiddenSize, row-major. */
  readonly words: Float32Array;
  readonly positions: Float32Array;
}

/** A BERT-like encoder with random weights: input_ids and attention_mask [batch, tokens] -> states [batch, tokens, hiddenSize]. */
export function randomEncoder({ vocabSize, positions, hiddenSize, blocks, seed, output = 'last_hidden_state' }: EncoderShape): Encoder {
  const random = seeded(seed);
  const weights: Weight[] = [];
  const nodes: Node[] = [];
  const add = (name: string, dims: readonly number[], data: Weight['data']): string => {
    weights.push({ name, dims, data });
    return name;
  };
  const matrix = (name: string, rows: number, columns: number): string =>
    add(name, [rows, columns], Float32Array.from({ length: rows * columns }, () => (random() - 0.5) * 2 * Math.sqrt(3 / columns)));
  const op = (name: string, inputs: readonly string[], attributes: Node['attributes'] = {}): string => {
    nodes.push({ op: name, inputs, output: `${name}_${nodes.length}`, attributes });
    return `${name}_${nodes.length - 1}`;
  };
  const scalar = (name: string, value: number): string => add(name, [], Float32Array.of(value));
  const count = (name: string, value: bigint): string => add(name, [], BigInt64Array.of(value));

  const length = op('Gather', [op('Shape', ['input_ids']), count('one', 1n)], { axis: 0 });
  const places = op('Range', [count('zero', 0n), length, 'one']);
  const at = (table: string, ids: string): string => op('Gather', [table, ids], { axis: 0 });
  let states = op('Add', [at(matrix('words', vocabSize, hiddenSize), 'input_ids'), at(matrix('positions', positions, hiddenSize), places)]);

  // 0 for a token, -10000 for padding: what softmax makes of it is 1 and 0.
  const mask = op('Mul', [op('Sub', [op('Cast', [op('Unsqueeze', ['attention_mask', add('axis', [1], BigInt64Array.of(1n))])], { to: 1 }), scalar('whole', 1)]), scalar('far', 10_000)]);
  const ones = add('ones', [hiddenSize], new Float32Array(hiddenSize).fill(1));
  const norm = (sum: string): string => op('LayerNormalization', [sum, ones], { axis: -1 });
  for (let block = 0; block < blocks; block++) {
    const project = (what: string, from: string, [rows, columns]: readonly [number, number] = [hiddenSize, hiddenSize]): string => op('MatMul', [from, matrix(`${what}_${block}`, rows, columns)]);
    const scores = op('Mul', [op('MatMul', [project('query', states), op('Transpose', [project('key', states)], { perm: [0, 2, 1] })]), scalar(`scale_${block}`, 1 / Math.sqrt(hiddenSize))]);
    const seen = op('MatMul', [op('Softmax', [op('Add', [scores, mask])], { axis: -1 }), project('value', states)]);
    states = norm(op('Add', [states, seen]));
    const wide = op('Relu', [project('up', states, [hiddenSize, hiddenSize * 2])]);
    states = norm(op('Add', [states, project('down', wide, [hiddenSize * 2, hiddenSize])]));
  }
  nodes.push({ op: 'Identity', inputs: [states], output });
  const tokens = ['batch', 'tokens'];
  return {
    graph: { nodes, weights, inputs: [{ name: 'input_ids', dims: tokens }, { name: 'attention_mask', dims: tokens }], outputs: [{ name: output, dims: [...tokens, hiddenSize] }] },
    words: tableOf(weights, 'words'), positions: tableOf(weights, 'positions'),
  };
}

const tableOf = (weights: readonly Weight[], name: string): Float32Array => weights.find((weight) => weight.name === name)?.data as Float32Array;
