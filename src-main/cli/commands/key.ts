import type { Command } from 'commander';
import { KEY_LIMITS, listKeys, makeKey, removeKey, SCOPES, type KeyInfo, type Scope } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { integer, oneOf } from '../options.ts';
import type { Launch } from '../program.ts';
import { table } from '../table.ts';
import { jsonOf } from './generation-options.ts';

const DEFAULT_PER_MINUTE = 600;

const EXAMPLES = `
Examples:
  omninode key new --scope chat --name editor
  omninode key new --scope chat --scope embeddings --scope models --per-minute 60
  omninode key ls
  omninode key rm editor

Programs use a key at the address that \`omninode serve\` prints, with /v1 at its end. Scopes: chat (answers),
embeddings, models (the list of models), admin (looks at this node and changes its models). A node that runs with this
home takes a new key, and refuses a removed one, from the next request on.`;

const NEW_EXAMPLES = `
Example:
  omninode key new --scope chat --scope models

The key is shown once: of it only a salted hash is kept, in api-keys.json in the home folder.`;

interface NewArgs {
  readonly scope: readonly Scope[];
  readonly name: string;
  readonly perMinute: number;
}

/** `omninode key new|ls|rm`: who may use the API of this node. */
export function keyCommand(program: Command, launch: Launch): void {
  const group = program.command('key').summary('keys with which programs use this node (OpenAI\'s API)').addHelpText('after', EXAMPLES);
  group.command('new').summary('make a key, and show it once')
    .requiredOption('--scope <scope>', `what it opens: ${SCOPES.join(', ')}; repeat for more`, (text: string, before: readonly Scope[] = []) => [...before, oneOf(SCOPES)(text)])
    .option('--name <text>', 'whose it is, for whoever looks later', '')
    .option('--per-minute <n>', 'requests that it may send in a minute', integer(1, KEY_LIMITS.maxPerMinute), DEFAULT_PER_MINUTE)
    .addHelpText('after', NEW_EXAMPLES)
    .action((args: NewArgs) => launch(add, args, jsonOf(args)));
  group.command('ls').summary('all keys: names, scopes, limits')
    .addHelpText('after', '\nExample:\n  omninode key ls --json')
    .action((args: object) => launch(ls, {}, jsonOf(args)));
  group.command('rm').summary('remove a key: it opens nothing any more').argument('<key>', 'its id as `omninode key ls` shows it, or its name')
    .addHelpText('after', '\nExample:\n  omninode key rm editor')
    .action((key: string, args: object) => launch(rm, { key }, jsonOf(args)));
}

async function add({ settings, output }: CommandContext, { scope, name, perMinute }: NewArgs): Promise<number> {
  const { text, ...info } = await makeKey(settings.config.home, { scopes: scope, name, perMinute });
  output.answer(`${text}\n`);
  output.line(`The key ${info.id} opens ${info.scopes.join(', ')}, up to ${info.perMinute} requests a minute. It is not shown again.`);
  output.result({ key: text, ...info });
  return EXIT.ok;
}

async function ls({ settings, output }: CommandContext): Promise<number> {
  const keys = await listKeys(settings.config.home);
  output.answer(keysView(keys));
  output.result({ keys });
  return EXIT.ok;
}

async function rm({ settings, output }: CommandContext, { key }: { readonly key: string }): Promise<number> {
  const removed = await removeKey(settings.config.home, key);
  output.answer(`the key ${removed.id} opens nothing any more\n`);
  output.result({ removed });
  return EXIT.ok;
}

function keysView(keys: readonly KeyInfo[]): string {
  if (keys.length === 0) return 'there are no keys\n';
  return `${table(['id', 'name', 'opens', 'a minute', 'made'], keys.map(({ id, name, scopes, perMinute, createdAtMs }) => [id, name, scopes.join(', '), String(perMinute), new Date(createdAtMs).toISOString().slice(0, 10)]))}\n`;
}
