import type { LayerRange } from '../../base/index.ts';
import { layerCount } from '../../base/index.ts';

/** How llama.cpp decides, layer by layer, who uses the sliding window: every n-th layer does not. */
interface WindowRule {
  readonly every: number;
  /** `key`: no sliding_window, no window. `always`: the loader insists on a window and on a layer that uses it. */
  readonly present: 'key' | 'always';
}

export interface ArchitectureRule {
  readonly window?: WindowRule;
  /** The loader asks for output.weight; elsewhere it falls back to token_embd.weight. */
  readonly headRequired: boolean;
  /** At exactly this depth the loader scales attention by n_embd / n_head instead of the head size, so a part of the model would compute differently. */
  readonly depthScaled?: number;
}

/** Read off the loaders of llama.cpp v0.5.0 (src/models/*.cpp): what depends on a layer's number or on the number of layers. */
const rules: Readonly<Record<string, ArchitectureRule>> = {
  llama: { headRequired: false },
  qwen2: { headRequired: false },
  qwen3: { headRequired: false },
  qwen3moe: { headRequired: false },
  phi3: { headRequired: false },
  gemma2: { headRequired: false, window: { every: 2, present: 'always' }, depthScaled: 46 },
  gemma3: { headRequired: false, window: { every: 6, present: 'key' }, depthScaled: 62 },
  'gpt-oss': { headRequired: true, window: { every: 2, present: 'always' } },
};

export const SUPPORTED_ARCHITECTURES: readonly string[] = Object.keys(rules);

export const architectureRule = (name: string): ArchitectureRule | undefined => (Object.hasOwn(rules, name) ? rules[name] : undefined);

/** Metadata (after `<architecture>.`) that llama.cpp accepts with one item per layer. */
export const PER_LAYER_KEYS = ['feed_forward_length', 'attention.head_count', 'attention.head_count_kv', 'expert_feed_forward_length', 'expert_used_count'] as const;

/** Tensors outside the blocks that every stage needs. */
export const SHARED_TENSORS: readonly string[] = ['rope_freqs.weight', 'rope_factors_long.weight', 'rope_factors_short.weight'];
/** Tensors that belong to the last stage, besides the head. */
export const TAIL_TENSORS: readonly string[] = ['output_norm.weight', 'output_norm.bias', 'output.bias'];

export interface DepthFacts {
  readonly totalLayers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headSize: number;
}

/** Whether the loader would compute the same with only these layers in the file. */
export function keepsMeaning(rule: ArchitectureRule, facts: DepthFacts, range: LayerRange): boolean {
  if (rule.depthScaled === undefined || Math.floor(facts.hiddenSize / facts.heads) === facts.headSize) return true;
  return (facts.totalLayers === rule.depthScaled) === (layerCount(range) === rule.depthScaled);
}
