import type { Command } from 'commander';
import { inferPipeline, type PipelineRequest } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { cliErrors } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { collect, integer } from '../options.ts';
import type { Launch } from '../program.ts';
import { answerSink, printFigures } from './answer.ts';
import { configOf, jsonOf, requestOf, withGenerationOptions, type GenerationArgs } from './generation-options.ts';

interface Args extends GenerationArgs {
  readonly cluster?: number;
  readonly peer?: readonly string[];
  readonly dtype: 'f16' | 'f32';
  readonly cuts?: readonly number[];
}

const EXAMPLES = `
Examples:
  omninode pipeline-infer "How does OmniNode split a model?" --cluster 3
  omninode pipeline-infer "Hi" --model m.gguf --peer /ip4/10.0.0.7/tcp/4001/p2p/12D3... --peer /ip4/10.0.0.8/tcp/4001/p2p/12D3...`;

export function pipelineInferCommand(program: Command, launch: Launch): void {
  withGenerationOptions(program.command('pipeline-infer').summary('answer across several nodes, each with its own layers'))
    .option('--cluster <n>', 'start n nodes on this machine (default 3 when no peer is given)', integer(1, 64))
    .option('--peer <addr>', 'multiaddr of a node that serves layers; repeat for each', collect)
    .option('--dtype <type>', 'hidden states in transit: f16, or f32 for exactness', parseDtype, 'f16')
    .addHelpText('after', EXAMPLES)
    .action((prompt: string, args: Args) => launch(pipelineInfer, { prompt, args }, { ...jsonOf(args), ...configOf(args) }));
}

async function pipelineInfer({ settings, output, signal }: CommandContext, { prompt, args }: { prompt: string; args: Args }): Promise<number> {
  const request: PipelineRequest = { ...requestOf(prompt, args, settings.config.model), route: routeOf(args), dtype: args.dtype };
  const report = await inferPipeline(settings, request, { signal, ...answerSink(output) });
  printFigures(output, report);
  return EXIT.ok;
}

function routeOf(args: Args): PipelineRequest['route'] {
  if (args.peer === undefined) return { kind: 'cluster', nodes: args.cluster ?? 3 };
  if (args.cluster !== undefined) throw cliErrors.usage({ problem: '--cluster and --peer exclude each other' });
  return { kind: 'peers', addresses: args.peer };
}

function parseDtype(text: string): 'f16' | 'f32' {
  if (text === 'f16' || text === 'f32') return text;
  throw cliErrors.usage({ problem: `--dtype ${text}: f16 or f32 is wanted` });
}
