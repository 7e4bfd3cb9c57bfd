import type { Command } from 'commander';
import { inferPipeline, type PipelineRequest } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { answerSink, printFigures } from './answer.ts';
import { configOf, jsonOf, requestOf, withGenerationOptions, type GenerationArgs } from './generation-options.ts';
import { routeOf, withRouteOptions, withTransitOptions, type RouteArgs, type TransitArgs } from './route-options.ts';

type Args = GenerationArgs & RouteArgs & TransitArgs;

const EXAMPLES = `
Examples:
  omninode pipeline-infer "How does OmniNode split a model?" --cluster 3
  omninode pipeline-infer "Hi" --model m.gguf --peer /ip4/10.0.0.7/tcp/4001/p2p/12D3... --peer /ip4/10.0.0.8/tcp/4001/p2p/12D3...`;

export function pipelineInferCommand(program: Command, launch: Launch): void {
  withTransitOptions(withRouteOptions(withGenerationOptions(program.command('pipeline-infer').summary('answer across several nodes, each with its own layers'))))
    .addHelpText('after', EXAMPLES)
    .action((prompt: string, args: Args) => launch(pipelineInfer, { prompt, args }, { ...jsonOf(args), ...configOf(args) }));
}

async function pipelineInfer({ settings, output, signal }: CommandContext, { prompt, args }: { prompt: string; args: Args }): Promise<number> {
  const request: PipelineRequest = { ...requestOf(prompt, args, settings.config.model), route: routeOf(args), dtype: args.dtype };
  const report = await inferPipeline(settings, request, { signal, ...answerSink(output) });
  printFigures(output, report);
  return EXIT.ok;
}
