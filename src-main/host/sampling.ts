import { GREEDY, type SamplingOptions } from '../inference/index.ts';
import { BUILT_IN_MODEL } from './model-file.ts';

/** What suits a model when nobody says otherwise: the one inside knows its answers by heart, others get the field's usual values. */
export function defaultSampling(model: string, seed = Math.floor(Math.random() * 0xffff_ffff)): SamplingOptions {
  if (model === BUILT_IN_MODEL) return { ...GREEDY, seed };
  return { ...GREEDY, temperature: 0.7, topK: 40, topP: 0.95, minP: 0.05, seed };
}
