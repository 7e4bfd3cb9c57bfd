import { PLANS, type Architecture, type Shape } from './architectures.ts';
import type { WeightType } from './blocks.ts';
import { MIN_VOCABULARY } from './vocabulary.ts';

export interface ShapeRequest extends Partial<Shape> {
  readonly architecture: Architecture;
  readonly type: WeightType;
  readonly targetBytes?: number;
}

const BYTES_PER_WEIGHT: Readonly<Record<WeightType, number>> = { F32: 4, F16: 2, Q8_0: 34 / 32, Q4_0: 18 / 32, Q4_K: 144 / 256, Q6_K: 210 / 256 };

const usesExperts = (architecture: Architecture): boolean => architecture === 'qwen3moe' || architecture === 'gpt-oss';

// Width by size of the whole file, so that big models look like real ones: neither two nor two hundred layers.
function widthFor(targetBytes: number): number {
  if (targetBytes < 8e6) return 256;
  if (targetBytes < 100e6) return 512;
  if (targetBytes < 400e6) return 1024;
  return targetBytes < 3e9 ? 2048 : 4096;
}

function layersFor(request: ShapeRequest, shape: Shape): number {
  if (request.targetBytes === undefined) return shape.layers;
  const heads = shape.tied ? 1 : 2;
  const perLayer = shape.hiddenSize * (2 * shape.heads + 2 * shape.kvHeads) * shape.headSize + 3 * shape.hiddenSize * shape.feedForward * Math.max(1, shape.experts);
  const layerWeights = request.targetBytes / BYTES_PER_WEIGHT[request.type] - heads * shape.vocabSize * shape.hiddenSize;
  return Math.max(4, Math.round(layerWeights / perLayer));
}

/** Fills in what the caller left open. Widths are multiples of 256, so that every K-quant fits. */
export function chooseShape(request: ShapeRequest): Shape {
  const moe = usesExperts(request.architecture);
  const hiddenSize = request.hiddenSize ?? (request.targetBytes === undefined ? 256 : widthFor(request.targetBytes));
  const headSize = request.headSize ?? (hiddenSize >= 4096 ? 128 : 64);
  const heads = request.heads ?? hiddenSize / headSize;
  const defaults: Shape = {
    layers: 6, hiddenSize, headSize, heads, kvHeads: Math.max(1, Math.floor(heads / 2)),
    feedForward: hiddenSize <= 256 ? 2 * hiddenSize : Math.round((hiddenSize * 2.75) / 256) * 256,
    vocabSize: 512, contextTokens: 4096, experts: moe ? 4 : 0, expertsUsed: moe ? 2 : 0, slidingWindow: 64,
    tied: PLANS[request.architecture].tiedByDefault,
  };
  const given = Object.fromEntries(Object.keys(defaults).map((key) => [key, request[key as keyof Shape]]).filter(([, value]) => value !== undefined));
  const shape: Shape = { ...defaults, ...given };
  if (shape.vocabSize < MIN_VOCABULARY) throw new RangeError(`vocabSize must be at least ${MIN_VOCABULARY}`);
  return { ...shape, layers: request.layers ?? layersFor(request, shape) };
}
