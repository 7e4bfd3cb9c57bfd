import type { Command } from 'commander';
import type { GenerateRequest } from '../../host/index.ts';
import { cliErrors } from '../errors.ts';
import { batchTokens, decimal, integer } from '../options.ts';

/** What `infer` and `pipeline-infer` share. */
export interface GenerationArgs {
  readonly model?: string;
  readonly maxTokens: number;
  readonly greedy?: boolean;
  readonly temperature?: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly seed?: number;
  readonly raw?: boolean;
  readonly system?: string;
  readonly contextTokens?: number;
  readonly batchTokens?: number | 'fair' | 'auto';
  readonly threads?: number;
  readonly gpuLayers?: number;
}

const DEFAULT_TEMPERATURE = 0.7;
const MAX_SEED = 0xffff_ffff;

export function withGenerationOptions(command: Command): Command {
  return command
    .argument('<prompt>', 'the question')
    .option('--model <name or file>', 'a .gguf file, a name of `omninode model ls`, or omni-guide, the model inside')
    .option('--max-tokens <n>', 'longest answer, in tokens', integer(1, 1_000_000), 256)
    .option('--greedy', 'always the likeliest token (the default for the model inside)')
    .option('--temperature <t>', `randomness, 0 = greedy (default: ${DEFAULT_TEMPERATURE}; for the model inside 0)`, decimal(0, 5))
    .option('--top-k <k>', 'sample from the k likeliest, 0 = all', integer(0, 1_000_000), 40)
    .option('--top-p <p>', 'sample from the likeliest that sum to p', decimal(0, 1), 0.95)
    .option('--min-p <p>', 'drop tokens less likely than p x the likeliest', decimal(0, 1), 0.05)
    .option('--repetition-penalty <x>', '1 = none', decimal(0.1, 10), 1)
    .option('--seed <n>', 'same seed, same answer', integer(0, MAX_SEED))
    .option('--system <text>', 'system message')
    .option('--raw', 'continue the text as it is, without the chat template')
    .option('--context-tokens <n>', 'KV cache size, in tokens', integer(64, 1_048_576))
    .option('--batch-tokens <n>', 'rows of a prompt that are computed at once, fair or auto; part of what makes an answer the same again (default fair: 256, fewer where others wait)', batchTokens)
    .option('--threads <n>', 'CPU threads of a stage', integer(1, 512))
    .option('--gpu-layers <n>', 'layers on the GPU, -1 = all that fit', integer(-1, 10_000));
}

/** The options that are configuration rather than part of the question. */
export const configOf = (args: Pick<GenerationArgs, 'model' | 'contextTokens' | 'batchTokens' | 'threads' | 'gpuLayers'>): Readonly<Record<string, unknown>> => ({
  model: args.model, contextTokens: args.contextTokens, batchTokens: args.batchTokens, threads: args.threads, gpuLayers: args.gpuLayers,
});

export function requestOf(prompt: string, args: GenerationArgs, model: string): GenerateRequest {
  if (prompt.trim() === '') throw cliErrors.emptyPrompt({});
  const temperature = args.greedy === true ? 0 : args.temperature ?? (model === 'omni-guide' ? 0 : DEFAULT_TEMPERATURE);
  const messages = [...(args.system === undefined ? [] : [{ role: 'system' as const, content: args.system }]), { role: 'user' as const, content: prompt }];
  return {
    prompt: args.raw === true ? { kind: 'text', text: prompt } : { kind: 'chat', messages },
    maxTokens: args.maxTokens,
    sampling: {
      temperature, topK: args.topK, topP: args.topP, minP: args.minP, repetitionPenalty: args.repetitionPenalty,
      penaltyWindow: 64, seed: args.seed ?? Math.floor(Math.random() * MAX_SEED), topLogprobs: 0,
    },
  };
}

/** `--json` may stand after the command, too. */
export const jsonOf = (args: object): { readonly json?: boolean } => ('json' in args ? { json: args.json === true } : {});
