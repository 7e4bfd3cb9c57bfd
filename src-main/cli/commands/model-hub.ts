import type { Command } from 'commander';
import { addFromHub, appPaths, listRepository, modelOutlook, searchModels, type AddRequest } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { collect, integer } from '../options.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';
import { addedView, choicesView, outlookView, progressLine, searchView } from './model-hub-views.ts';

const ADD_EXAMPLES = `
Examples:
  omninode model add hf:Qwen/Qwen3-8B-GGUF --list         which models are there
  omninode model add hf:Qwen/Qwen3-8B-GGUF:Q4_K_M         the one with this in its name
  omninode model add hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf
  omninode model add https://example.org/model.gguf --dry-run
                                                          does it fit? Downloads only the header
  omninode model add ./model.gguf                         a file here; it stays where it is

A download that was broken off goes on where it was. For gated models set HF_TOKEN.`;

const SEARCH_EXAMPLES = `
Examples:
  omninode model search qwen3 8b
  omninode model search gemma --offline                   only the list that comes with the app`;

interface AddArgs {
  readonly context?: number;
  readonly peer?: readonly string[];
  readonly connections?: number;
  readonly list?: true;
  readonly dryRun?: true;
}

interface SearchArgs {
  readonly limit: number;
  readonly offline?: true;
}

/** `omninode model add|search`: models of a hub, an address, a file. */
export function modelHubCommands(group: Command, launch: Launch): void {
  group.command('add').summary('download a model, or list a file that is here')
    .argument('<source>', 'hf:OWNER/REPO/FILE.gguf, hf:OWNER/REPO:Q4_K_M, an https address, or a path')
    .option('--context <tokens>', 'context to reckon memory with', integer(64, 1_048_576))
    .option('--peer <addr>', 'multiaddr of a node that could take layers, besides those that are known; repeat for each', collect)
    .option('--connections <n>', 'requests at a time (default 4)', integer(1, 16))
    .option('--list', 'only list the models of a repository')
    .option('--dry-run', 'only say what it takes and whether it fits')
    .addHelpText('after', ADD_EXAMPLES)
    .action((source: string, args: AddArgs) => launch(add, { source, args }, jsonOf(args)));
  group.command('search').summary('find models by words, on the hub and in the list that comes with the app')
    .argument('<words...>', 'all of them count')
    .option('--limit <n>', 'how many of the hub', integer(1, 100), 20)
    .option('--offline', 'do not ask the hub')
    .addHelpText('after', SEARCH_EXAMPLES)
    .action((words: readonly string[], args: SearchArgs) => launch(search, { words: words.join(' '), args }, jsonOf(args)));
}

async function add(context: CommandContext, { source, args }: { readonly source: string; readonly args: AddArgs }): Promise<number> {
  const { settings, output, signal } = context;
  if (args.list === true) {
    const models = await listRepository(settings, source, signal);
    output.answer(choicesView(models));
    output.result({ models });
    return EXIT.ok;
  }
  const request: AddRequest = { source, contextTokens: args.context ?? settings.config.contextTokens, peers: args.peer ?? [], connections: args.connections };
  return args.dryRun === true ? look(context, request) : download(context, request);
}

async function look({ settings, output, signal }: CommandContext, request: AddRequest): Promise<number> {
  const outlook = await modelOutlook(settings, request, { signal });
  output.answer(outlookView(outlook));
  output.result(outlook);
  return EXIT.ok;
}

// With --json one event per line.
async function download({ settings, output, signal }: CommandContext, request: AddRequest): Promise<number> {
  const model = await addFromHub(settings, request, {
    signal,
    onOutlook: (outlook) => {
      output.line(outlookView(outlook).trimEnd());
      output.result({ event: 'outlook', ...outlook });
    },
    onProgress: (progress) => {
      output.progress(progressLine(progress));
      output.result({ event: 'progress', ...progress });
    },
    onPiece: (piece) => output.result({ event: 'piece', ...piece }),
  });
  output.answer(addedView(model));
  output.result({ event: 'added', ...model });
  return EXIT.ok;
}

async function search({ settings, output, signal }: CommandContext, { words, args }: { readonly words: string; readonly args: SearchArgs }): Promise<number> {
  const found = await searchModels(settings, { words, limit: args.limit, isOffline: args.offline === true }, { paths: appPaths(), signal });
  output.answer(searchView(found));
  output.result(found);
  return EXIT.ok;
}
