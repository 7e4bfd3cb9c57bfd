import { f32, str, u32, type GgufValue } from '../../../src-main/store/index.ts';
import type { VocabularyKind } from './vocabulary.ts';

export const ARCHITECTURES = ['llama', 'qwen2', 'qwen3', 'qwen3moe', 'phi3', 'gemma2', 'gemma3', 'gpt-oss'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface Shape {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly feedForward: number;
  readonly vocabSize: number;
  readonly contextTokens: number;
  readonly experts: number;
  readonly expertsUsed: number;
  readonly slidingWindow: number;
  readonly tied: boolean;
}

/** A tensor to fill: `norm` is around 1, `bias` is small, a matrix keeps the variance of its input. */
export interface WeightPlan {
  readonly name: string;
  readonly dims: readonly number[];
  readonly role: 'matrix' | 'norm' | 'bias' | 'embedding' | 'router';
  /** Multiplies the usual size of the values. */
  readonly gain?: number;
}

const matrix = (name: string, ...dims: number[]): WeightPlan => ({ name: `${name}.weight`, dims, role: 'matrix' });
const norm = (name: string, size: number): WeightPlan => ({ name: `${name}.weight`, dims: [size], role: 'norm' });
const bias = (name: string, ...dims: number[]): WeightPlan => ({ name: `${name}.bias`, dims, role: 'bias' });
const router = (name: string, ...dims: number[]): WeightPlan => ({ name: `${name}.weight`, dims, role: 'router' });

type Layer = (b: string, s: Shape) => WeightPlan[];

const q = (s: Shape): number => s.heads * s.headSize;
const kv = (s: Shape): number => s.kvHeads * s.headSize;

const splitAttention: Layer = (b, s) => [
  norm(`${b}.attn_norm`, s.hiddenSize),
  matrix(`${b}.attn_q`, s.hiddenSize, q(s)), matrix(`${b}.attn_k`, s.hiddenSize, kv(s)), matrix(`${b}.attn_v`, s.hiddenSize, kv(s)),
  matrix(`${b}.attn_output`, q(s), s.hiddenSize),
];
const fusedAttention: Layer = (b, s) => [
  norm(`${b}.attn_norm`, s.hiddenSize), matrix(`${b}.attn_qkv`, s.hiddenSize, q(s) + 2 * kv(s)), matrix(`${b}.attn_output`, q(s), s.hiddenSize),
];
const qkvBias: Layer = (b, s) => [bias(`${b}.attn_q`, q(s)), bias(`${b}.attn_k`, kv(s)), bias(`${b}.attn_v`, kv(s))];
const qkNorm: Layer = (b, s) => [norm(`${b}.attn_q_norm`, s.headSize), norm(`${b}.attn_k_norm`, s.headSize)];
const ffnNorm: Layer = (b, s) => [norm(`${b}.ffn_norm`, s.hiddenSize)];
const gatedFfn: Layer = (b, s) => [
  matrix(`${b}.ffn_gate`, s.hiddenSize, s.feedForward), matrix(`${b}.ffn_up`, s.hiddenSize, s.feedForward), matrix(`${b}.ffn_down`, s.feedForward, s.hiddenSize),
];
const fusedFfn: Layer = (b, s) => [matrix(`${b}.ffn_up`, s.hiddenSize, 2 * s.feedForward), matrix(`${b}.ffn_down`, s.feedForward, s.hiddenSize)];
const expertFfn: Layer = (b, s) => [
  router(`${b}.ffn_gate_inp`, s.hiddenSize, s.experts),
  matrix(`${b}.ffn_gate_exps`, s.hiddenSize, s.feedForward, s.experts), matrix(`${b}.ffn_up_exps`, s.hiddenSize, s.feedForward, s.experts),
  matrix(`${b}.ffn_down_exps`, s.feedForward, s.hiddenSize, s.experts),
];
const expertBias: Layer = (b, s) => [
  bias(`${b}.ffn_gate_inp`, s.experts), bias(`${b}.ffn_gate_exps`, s.feedForward, s.experts),
  bias(`${b}.ffn_up_exps`, s.feedForward, s.experts), bias(`${b}.ffn_down_exps`, s.hiddenSize, s.experts),
];
const postNorms: Layer = (b, s) => [norm(`${b}.post_attention_norm`, s.hiddenSize), norm(`${b}.post_ffw_norm`, s.hiddenSize)];
const ossExtras: Layer = (b, s) => [
  bias(`${b}.attn_output`, s.hiddenSize), norm(`${b}.post_attention_norm`, s.hiddenSize),
  { name: `${b}.attn_sinks.weight`, dims: [s.heads], role: 'bias' },
];

const all = (...parts: Layer[]): Layer => (b, s) => parts.flatMap((part) => part(b, s));

type Metadata = (s: Shape) => [string, GgufValue][];
const nothing: Metadata = () => [];
const headSizes: Metadata = (s) => [['attention.key_length', u32(s.headSize)], ['attention.value_length', u32(s.headSize)]];
const experts: Metadata = (s) => [['expert_count', u32(s.experts)], ['expert_used_count', u32(s.expertsUsed)], ['expert_feed_forward_length', u32(s.feedForward)]];
const window: Metadata = (s) => [['attention.sliding_window', u32(s.slidingWindow)]];

export interface ArchitecturePlan {
  readonly vocabulary: VocabularyKind;
  readonly pre: string;
  readonly tiedByDefault: boolean;
  readonly layer: Layer;
  readonly metadata: Metadata;
}

/** What the loader of each architecture asks for, no more: it refuses unknown tensors. */
export const PLANS: Readonly<Record<Architecture, ArchitecturePlan>> = {
  llama: { vocabulary: 'spm', pre: 'default', tiedByDefault: false, layer: all(splitAttention, ffnNorm, gatedFfn), metadata: (s) => [...headSizes(s), ['rope.dimension_count', u32(s.headSize)]] },
  qwen2: { vocabulary: 'bpe', pre: 'qwen2', tiedByDefault: true, layer: all(splitAttention, qkvBias, ffnNorm, gatedFfn), metadata: nothing },
  qwen3: { vocabulary: 'bpe', pre: 'qwen2', tiedByDefault: true, layer: all(splitAttention, qkNorm, ffnNorm, gatedFfn), metadata: headSizes },
  qwen3moe: { vocabulary: 'bpe', pre: 'qwen2', tiedByDefault: false, layer: all(splitAttention, qkNorm, ffnNorm, expertFfn), metadata: (s) => [...headSizes(s), ...experts(s)] },
  phi3: { vocabulary: 'spm', pre: 'default', tiedByDefault: false, layer: all(fusedAttention, ffnNorm, fusedFfn), metadata: (s) => [['rope.dimension_count', u32(s.headSize)]] },
  gemma2: {
    vocabulary: 'spm', pre: 'default', tiedByDefault: true, layer: all(splitAttention, postNorms, ffnNorm, gatedFfn),
    metadata: (s) => [...headSizes(s), ...window(s), ['attn_logit_softcapping', f32(50)], ['final_logit_softcapping', f32(30)]],
  },
  gemma3: {
    vocabulary: 'spm', pre: 'default', tiedByDefault: true, layer: all(splitAttention, qkNorm, postNorms, ffnNorm, gatedFfn),
    metadata: (s) => [...headSizes(s), ...window(s), ['rope.freq_base', f32(1_000_000)], ['rope.freq_base_swa', f32(10_000)]],
  },
  'gpt-oss': {
    vocabulary: 'bpe', pre: 'gpt-4o', tiedByDefault: false, layer: all(splitAttention, qkvBias, ossExtras, expertFfn, expertBias),
    metadata: (s) => [
      ...headSizes(s), ...window(s), ...experts(s), ['rope.dimension_count', u32(s.headSize)], ['rope.freq_base', f32(150_000)],
      ['rope.scaling.type', str('yarn')], ['rope.scaling.factor', f32(32)], ['rope.scaling.original_context_length', u32(4096)],
    ],
  },
};
