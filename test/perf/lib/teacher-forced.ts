import { GREEDY, type ActivationDtype, type StageEngine } from '../../../src-main/inference/index.ts';
import { StageChain } from '../../compliance/stage-chain.ts';

/** Tokens, and from which position on the next token's distribution counts. */
export interface Sequence {
  readonly tokens: readonly number[];
  readonly from: number;
}

/** Per counted position of all sequences: log probability of every token. */
export type Distributions = readonly Float32Array[];

/** Feeds sequences token by token, whatever the model would have said, and keeps what it would have. */
export async function distributions(engines: readonly StageEngine[], sequences: readonly Sequence[], dtype: ActivationDtype): Promise<Distributions> {
  const { vocabSize } = engines.at(-1)?.info ?? { vocabSize: 0 };
  const chain = new StageChain(engines, dtype);
  const all: Float32Array[] = [];
  for (const { tokens, from } of sequences) {
    const session = await chain.open({ ...GREEDY, topLogprobs: vocabSize });
    for (const [position, token] of tokens.slice(0, -1).entries()) {
      const { top } = await session.step([token]);
      if (position < from) continue;
      const logprobs = new Float32Array(vocabSize);
      for (const { token: other, logprob } of top) logprobs[other] = logprob;
      all.push(logprobs);
    }
    await session.close();
  }
  return all;
}

export interface Quality {
  readonly positions: number;
  /** Every bit the same. */
  readonly isExact: boolean;
  /** Share of positions with the same likeliest token. */
  readonly top1Agreement: number;
  /** Of the reference from this, nats. */
  readonly meanKl: number;
  readonly maxKl: number;
  /** Of the tokens that really follow, this ÷ reference. */
  readonly perplexityRatio: number;
}

export function qualityOf(these: Distributions, reference: Distributions, sequences: readonly Sequence[]): Quality {
  const next = sequences.flatMap(({ tokens, from }) => tokens.slice(from + 1));
  const divergences = these.map((one, i) => divergence(reference[i] as Float32Array, one));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const logprob = (all: Distributions): number => sum(next.map((token, i) => all[i]?.[token] ?? Number.NaN)) / next.length;
  return {
    positions: these.length, isExact: these.every((one, i) => Buffer.from(one.buffer).equals(Buffer.from((reference[i] as Float32Array).buffer))),
    top1Agreement: these.filter((one, i) => likeliest(one) === likeliest(reference[i] as Float32Array)).length / these.length,
    meanKl: sum(divergences) / these.length, maxKl: Math.max(...divergences), perplexityRatio: Math.exp(logprob(reference) - logprob(these)),
  };
}

const divergence = (p: Float32Array, q: Float32Array): number => p.reduce((sum, logprob, token) => sum + Math.exp(logprob) * (logprob - (q[token] ?? -Infinity)), 0);

const likeliest = (logprobs: Float32Array): number => logprobs.reduce((best, logprob, token) => (logprob > (logprobs[best] ?? -Infinity) ? token : best), 0);
