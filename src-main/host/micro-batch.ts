import type { OpenPipelineRequest } from '../pipeline/index.ts';
import type { HostConfig } from './config.ts';

/** Rows of a prompt's micro-batch. The first stage keeps rows x vocabulary floats, so that more is not better. */
export const BATCH_TOKENS = 256;

/** How prompts are cut. */
export type MicroBatch = Pick<OpenPipelineRequest, 'batchTokens' | 'adapt'>;

/** A number is kept to, whoever waits. */
export function microBatchOf({ batchTokens, contextTokens }: Pick<HostConfig, 'batchTokens' | 'contextTokens'>): MicroBatch {
  if (typeof batchTokens === 'number') return { batchTokens: Math.min(batchTokens, contextTokens) };
  return { batchTokens: Math.min(BATCH_TOKENS, contextTokens), adapt: batchTokens === 'auto' ? 'speed' : 'slice' };
}
