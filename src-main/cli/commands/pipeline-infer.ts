import { resolve } from 'node:path';
import type { Command } from 'commander';
import { writeAtomically } from '../../base/index.ts';
import { encodeReceiptsFile, inferPipeline, inferWithReceipts, type AnswerReceipts, type PipelineRequest } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { answerSink, printFigures } from './answer.ts';
import { configOf, jsonOf, requestOf, withGenerationOptions, type GenerationArgs } from './generation-options.ts';
import { routeOf, withRouteOptions, withTransitOptions, type RouteArgs, type TransitArgs } from './route-options.ts';

type Args = GenerationArgs & RouteArgs & TransitArgs & { readonly receipts?: string; readonly speculate: boolean };

const EXAMPLES = `
Examples:
  omninode pipeline-infer "How does OmniNode split a model?" --cluster 3
  omninode pipeline-infer "Hi" --model m.gguf --peer /ip4/10.0.0.7/tcp/4001/p2p/12D3... --peer /ip4/10.0.0.8/tcp/4001/p2p/12D3...
  omninode pipeline-infer "Hi" --cluster 3 --receipts receipts.json    then: omninode verify receipts.json

Exit codes with --receipts: 0 all nodes signed all of it, 3 the answer is there but some receipts lack or contradict each other.`;

export function pipelineInferCommand(program: Command, launch: Launch): void {
  withTransitOptions(withRouteOptions(withGenerationOptions(program.command('pipeline-infer').summary('answer across several nodes, each with its own layers'))))
    .option('--receipts <file>', 'have the nodes sign what they compute, for omninode verify')
    .option('--no-speculate', 'guess no tokens ahead (they are the same either way)')
    .addHelpText('after', EXAMPLES)
    .action((prompt: string, args: Args) => launch(pipelineInfer, { prompt, args }, { ...jsonOf(args), ...configOf(args) }));
}

async function pipelineInfer({ settings, output, signal }: CommandContext, { prompt, args }: { prompt: string; args: Args }): Promise<number> {
  const request: PipelineRequest = { ...requestOf(prompt, args, settings.config.model), route: routeOf(args), dtype: args.dtype, speculate: args.speculate };
  const options = { signal, ...answerSink(output) };
  if (args.receipts === undefined) {
    printFigures(output, await inferPipeline(settings, request, options));
    return EXIT.ok;
  }
  const { report, receipts } = await inferWithReceipts(settings, request, options);
  const written = await writeReceipts(resolve(args.receipts), receipts);
  printFigures(output, report, { ...report, receipts: written });
  output.line(written.file === null ? 'no receipts' : `${written.count} receipts in ${written.file}`);
  for (const problem of written.problems) output.line(problem);
  return written.problems.length === 0 ? EXIT.ok : EXIT.peer;
}

/** What `--json` says of the receipts; null: there was nothing to write. */
interface WrittenReceipts {
  readonly file: string | null;
  readonly count: number;
  readonly problems: readonly string[];
}

async function writeReceipts(path: string, { file, problems }: Pick<AnswerReceipts, 'file' | 'problems'> = { file: undefined, problems: [] }): Promise<WrittenReceipts> {
  if (file === undefined) return { file: null, count: 0, problems };
  await writeAtomically(path, async (handle) => void (await handle.writeFile(encodeReceiptsFile(file))));
  return { file: path, count: file.receipts.length, problems };
}
