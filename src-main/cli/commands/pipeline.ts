import { resolve } from 'node:path';
import type { Command } from 'commander';
import { writeAtomically } from '../../base/index.ts';
import { askRunningHost, chromeTrace, planPipeline, recentPlans, tracePipeline, type PipelineRequest } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { configOf, jsonOf, requestOf, withGenerationOptions, type GenerationArgs } from './generation-options.ts';
import { planView, statusView, traceView } from './pipeline-views.ts';
import { routeOf, withRouteOptions, withTransitOptions, type RouteArgs, type TransitArgs } from './route-options.ts';

const EXAMPLES = `
Examples:
  omninode pipeline plan --cluster 3                      who would run which layers
  omninode pipeline plan --model m.gguf --peer /ip4/10.0.0.7/tcp/4001/p2p/12D3...
  omninode pipeline status --json                         the app that runs with this home
  omninode pipeline trace "What is a shard?" --cluster 3 --out trace.json
                                                          then open trace.json at https://ui.perfetto.dev`;

const PLAN_EXAMPLES = `
Examples:
  omninode pipeline plan --cluster 3
  omninode pipeline plan --model m.gguf --peer /ip4/10.0.0.7/tcp/4001/p2p/12D3... --json`;

const STATUS_EXAMPLES = `
Examples:
  omninode pipeline status
  omninode pipeline status --home /srv/omninode --json`;

const TRACE_EXAMPLES = `
Examples:
  omninode pipeline trace "What is a shard?" --cluster 3 --out trace.json
  omninode pipeline trace "Hi" --model m.gguf --peer /ip4/10.0.0.7/tcp/4001/p2p/12D3... -o trace.json`;

interface PlanArgs extends RouteArgs {
  readonly model?: string;
}

interface TraceArgs extends GenerationArgs, RouteArgs, TransitArgs {
  readonly out: string;
}

/** `omninode pipeline plan|status|trace`: looking into a pipeline. */
export function pipelineCommand(program: Command, launch: Launch): void {
  const group = program.command('pipeline').summary('plan a pipeline, see how one does, trace an answer').addHelpText('after', EXAMPLES);
  withRouteOptions(group.command('plan').summary('which nodes would run which layers; loads nothing'))
    .option('--model <name or file>', 'a .gguf file, a name of `omninode model ls`, or omni-guide, the model inside')
    .addHelpText('after', PLAN_EXAMPLES)
    .action((args: PlanArgs) => launch(plan, args, { ...jsonOf(args), model: args.model }));
  group.command('status').summary('stages, answers and figures of the app that runs with this home')
    .addHelpText('after', STATUS_EXAMPLES)
    .action((args: object) => launch(status, {}, jsonOf(args)));
  withTransitOptions(withRouteOptions(withGenerationOptions(group.command('trace').summary('answer once and write where the time went'))))
    .option('-o, --out <file>', 'Chrome trace JSON, for https://ui.perfetto.dev', 'trace.json')
    .addHelpText('after', TRACE_EXAMPLES)
    .action((prompt: string, args: TraceArgs) => launch(trace, { prompt, args }, { ...jsonOf(args), ...configOf(args) }));
}

async function plan({ settings, output, signal }: CommandContext, args: PlanArgs): Promise<number> {
  const planned = await planPipeline(settings, routeOf(args), { signal, onStatus: (text) => output.progress(text) });
  output.answer(planView(planned));
  output.result(planned);
  return EXIT.ok;
}

async function status({ settings, output, signal }: CommandContext): Promise<number> {
  const running = await askRunningHost(settings.config.home, signal);
  const plans = await recentPlans(settings);
  output.answer(statusView(running, plans));
  output.result(plans === undefined ? running : { ...running, plans });
  return EXIT.ok;
}

async function trace({ settings, output, signal }: CommandContext, { prompt, args }: { prompt: string; args: TraceArgs }): Promise<number> {
  const request: PipelineRequest = { ...requestOf(prompt, args, settings.config.model), route: routeOf(args), dtype: args.dtype };
  const traced = await tracePipeline(settings, request, { signal, onStatus: (text) => output.progress(text) });
  const path = resolve(args.out);
  const { traceEvents, ...rest } = chromeTrace(traced.trace);
  await writeAtomically(path, async (file) => void (await file.writeFile(JSON.stringify({ ...rest, traceEvents }))));
  output.answer(traceView(traced));
  output.line(`${traceEvents.length} events in ${path}`);
  output.result({ file: path, events: traceEvents.length, report: traced.report, stats: traced.stats, metadata: rest.metadata });
  return EXIT.ok;
}
