import type { Command } from 'commander';
import { listModelFiles, listModels, pinModelOrFile, removeModelOrFile, showModelOrFile } from '../../host/index.ts';
import type { CommandContext, CommandRun } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { megabytes } from '../output.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';
import { modelHubCommands } from './model-hub.ts';
import { fileView, filesView, fitView } from './model-hub-views.ts';
import { modelsView, modelView } from './store-views.ts';

const EXAMPLES = `
Examples:
  omninode model search qwen3 8b
  omninode model add hf:Qwen/Qwen3-8B-GGUF:Q4_K_M
  omninode model ls
  omninode model show "Qwen3 8B"       its shards, and which of them are here
  omninode model pin "Qwen3 8B"        never evict it
  omninode model unpin Qwen3-8B-Q4_K_M a download may go when there is no room
  omninode model rm bafyr4i...         by CID, when two have one name`;

interface Args {
  readonly model: string;
}

/** `omninode model ls|show|rm|pin|unpin`: the models in the store; `add|search`: see model-hub.ts. */
export function modelCommand(program: Command, launch: Launch): void {
  const group = program.command('model').summary('find, download, list, show, pin and remove models').addHelpText('after', EXAMPLES);
  modelHubCommands(group, launch);
  group.command('ls').summary('all models, how much of each is here, and whole model files')
    .addHelpText('after', '\nExample:\n  omninode model ls --json')
    .action((args: object) => launch(list, {}, jsonOf(args)));
  one(group, launch, { name: 'show', summary: 'shards of a model, and which of them are here', run: show });
  one(group, launch, { name: 'rm', summary: 'remove a model and the shards that no other model has, or a downloaded one', run: remove });
  one(group, launch, { name: 'pin', summary: 'never evict a model', run: (context, args) => pin(context, args, true) });
  one(group, launch, { name: 'unpin', summary: 'let a model be evicted again', run: (context, args) => pin(context, args, false) });
}

interface OneModel {
  readonly name: string;
  readonly summary: string;
  readonly run: CommandRun<Args>;
}

function one(group: Command, launch: Launch, { name, summary, run }: OneModel): void {
  group.command(name).summary(summary)
    .argument('<model>', 'name or CID as `omninode model ls` shows them, of a download also hf:OWNER/REPO:Q4_K_M or how its name begins')
    .addHelpText('after', `\nExample:\n  omninode model ${name} "Qwen3 8B"`)
    .action((model: string, args: object) => launch(run, { model }, jsonOf(args)));
}

async function list({ settings, output }: CommandContext): Promise<number> {
  const models = await listModels(settings.config);
  const files = await listModelFiles(settings.config);
  output.answer(`${modelsView(models)}${filesView(files)}`);
  output.result({ models, files });
  return EXIT.ok;
}

async function show({ settings, output, signal }: CommandContext, { model }: Args): Promise<number> {
  const details = await showModelOrFile(settings, model, signal);
  output.answer(`${'pieces' in details ? modelView(details) : fileView(details)}${fitView(details.outlook)}`);
  output.result(details);
  return EXIT.ok;
}

async function remove({ settings, output }: CommandContext, { model }: Args): Promise<number> {
  const freedBytes = await removeModelOrFile(settings.config, model);
  output.answer(`removed ${model}, freed ${megabytes(freedBytes)}\n`);
  output.result({ model, freedBytes });
  return EXIT.ok;
}

async function pin({ settings, output }: CommandContext, { model }: Args, isPinned: boolean): Promise<number> {
  const entry = await pinModelOrFile(settings.config, model, isPinned);
  output.answer(`${entry.name} is ${isPinned ? '' : 'no longer '}pinned\n`);
  output.result(entry);
  return EXIT.ok;
}
