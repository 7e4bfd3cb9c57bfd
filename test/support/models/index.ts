import { writeAtomically } from '../../../src-main/base/index.ts';
import { f32, ggmlTypeByName, layoutGguf, str, u32, type GgufMetadata, type GgufValue, type PlacedTensor } from '../../../src-main/store/index.ts';
import { PLANS, type Architecture, type Shape, type WeightPlan } from './architectures.ts';
import { randomBlocks, type WeightType } from './blocks.ts';
import { seeded } from './random.ts';
import { chooseShape } from './shape.ts';
import { vocabularyMetadata, type VocabularyKind } from './vocabulary.ts';

export { ARCHITECTURES, type Architecture } from './architectures.ts';
export type { WeightType } from './blocks.ts';
export { splitModel } from './split.ts';
export { seeded } from './random.ts';
export const WEIGHT_TYPES: readonly WeightType[] = ['F32', 'F16', 'Q8_0', 'Q4_0', 'Q4_K', 'Q6_K'];

export interface GenerateOptions extends Partial<Shape> {
  readonly path: string;
  readonly architecture: Architecture;
  /** Type of the matrices; norms, biases and routers are F32 as converters write them. */
  readonly type: WeightType;
  readonly seed?: number;
  readonly name?: string;
  readonly vocabulary?: VocabularyKind;
  /** Chooses width and depth so that the file has about this size, unless they are given. */
  readonly targetBytes?: number;
  /** Additional or overriding metadata; a null takes a key away. */
  readonly metadata?: Readonly<Record<string, GgufValue | null>>;
  /** Additional tensors, e.g. rope_freqs.weight. */
  readonly tensors?: readonly WeightPlan[];
}

/**
 * Writes a GGUF of random weights that stock llama.cpp loads and that answers
 * with finite, varied logits. Same options, same bytes. Streams: a model of
 * any size takes a few MB of memory, because big tensors repeat a random pool
 * whose length shares no factor with a row.
 */
export async function generateModel(options: GenerateOptions): Promise<void> {
  const shape = chooseShape(options);
  const plans = [...weightPlans(options.architecture, shape), ...(options.tensors ?? [])];
  const layout = layoutGguf(metadataOf(options, shape), plans.map((plan) => tensorSpec(plan, options.type)));
  const weights = new WeightSource(options.seed ?? 1);
  await writeAtomically(options.path, async (file) => {
    await file.appendFile(layout.header);
    for (const [index, tensor] of layout.tensors.entries()) {
      const plan = plans[index];
      if (plan === undefined) continue;
      for (const piece of weights.pieces(plan, tensor, layout.alignment)) await file.appendFile(piece);
    }
  });
}

function weightPlans(architecture: Architecture, shape: Shape): WeightPlan[] {
  const plan = PLANS[architecture];
  // A tied embedding is weak and the norm before the head makes up for it: else the last token would simply win again.
  const embedding: WeightPlan = { name: 'token_embd.weight', dims: [shape.hiddenSize, shape.vocabSize], role: 'embedding', gain: shape.tied ? 0.15 : 0.5 };
  const head: WeightPlan = { name: 'output.weight', dims: [shape.hiddenSize, shape.vocabSize], role: 'embedding', gain: 3 };
  const layers = Array.from({ length: shape.layers }, (_, index) => plan.layer(`blk.${index}`, shape)).flat();
  const outputNorm: WeightPlan = { name: 'output_norm.weight', dims: [shape.hiddenSize], role: 'norm', gain: shape.tied ? 16 : 1 };
  return [embedding, ...layers, outputNorm, ...(shape.tied ? [] : [head])];
}

function metadataOf(options: GenerateOptions, shape: Shape): GgufMetadata {
  const { architecture } = options;
  const plan = PLANS[architecture];
  const own = (entries: [string, GgufValue][]): [string, GgufValue][] => entries.map(([key, value]) => [`${architecture}.${key}`, value]);
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', str(architecture)], ['general.name', str(options.name ?? `Random ${architecture}`)],
    ...own([
      ['block_count', u32(shape.layers)], ['context_length', u32(shape.contextTokens)], ['embedding_length', u32(shape.hiddenSize)],
      ['feed_forward_length', u32(shape.feedForward)], ['attention.head_count', u32(shape.heads)], ['attention.head_count_kv', u32(shape.kvHeads)],
      ['attention.layer_norm_rms_epsilon', f32(1e-5)], ['vocab_size', u32(shape.vocabSize)], ...plan.metadata(shape),
    ]),
    ...vocabularyMetadata(options.vocabulary ?? plan.vocabulary, shape.vocabSize, plan.pre),
  ]);
  for (const [key, value] of Object.entries(options.metadata ?? {})) value === null ? metadata.delete(key) : metadata.set(key, value);
  return metadata;
}

const typeOf = (plan: WeightPlan, type: WeightType): WeightType => (plan.role === 'matrix' || plan.role === 'embedding' ? type : 'F32');

function tensorSpec(plan: WeightPlan, type: WeightType): { name: string; dims: readonly number[]; type: NonNullable<ReturnType<typeof ggmlTypeByName>> } {
  const name = typeOf(plan, type);
  const ggmlType = ggmlTypeByName(name);
  if (ggmlType === undefined) throw new RangeError(`unknown weight type ${name}`);
  return { name: plan.name, dims: plan.dims, type: ggmlType };
}

/** A prime: rows of a tensor start at ever different blocks of the pool. */
const POOL_BLOCKS = 65_521;

class WeightSource {
  readonly #random: () => number;
  readonly #pools = new Map<string, Buffer>();

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  *pieces(plan: WeightPlan, tensor: PlacedTensor, alignment: number): Iterable<Buffer> {
    const { blockBytes } = tensor.type;
    const blocks = tensor.sizeBytes / blockBytes;
    const request = { type: tensor.type.name as WeightType, blockBytes, ...spread(plan) };
    if (blocks <= POOL_BLOCKS) yield randomBlocks(request, blocks, this.#random);
    else yield* this.#repeat(this.#pool(request), blocks);
    const padding = (alignment - (tensor.sizeBytes % alignment)) % alignment;
    if (padding > 0) yield Buffer.alloc(padding);
  }

  #pool(request: Parameters<typeof randomBlocks>[0]): Buffer {
    const key = `${request.type} ${request.std} ${request.mean}`;
    const pool = this.#pools.get(key) ?? randomBlocks(request, POOL_BLOCKS, this.#random);
    this.#pools.set(key, pool);
    return pool;
  }

  // Starting elsewhere in the pool makes two tensors of one shape differ.
  *#repeat(pool: Buffer, blocks: number): Iterable<Buffer> {
    const blockBytes = pool.length / POOL_BLOCKS;
    let left = blocks * blockBytes;
    let at = Math.floor(this.#random() * POOL_BLOCKS) * blockBytes;
    while (left > 0) {
      const piece = pool.subarray(at, Math.min(pool.length, at + left));
      yield piece;
      left -= piece.length;
      at = 0;
    }
  }
}

function spread(plan: WeightPlan): { std: number; mean?: number } {
  const { gain = 1 } = plan;
  if (plan.role === 'norm') return { std: 0.1 * gain, mean: gain };
  if (plan.role === 'bias') return { std: 0.1 * gain };
  return { std: gain / Math.sqrt(plan.dims[0] ?? 1) };
}
