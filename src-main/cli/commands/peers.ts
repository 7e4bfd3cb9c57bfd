import type { Command } from 'commander';
import { systemClock } from '../../base/index.ts';
import { askPeers, watchPeers } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';
import { peersView } from './peers-view.ts';

interface Args {
  readonly watch?: boolean;
}

const EXAMPLES = `
Examples:
  omninode peers            who is there, what each machine has free and runs
  omninode peers --watch    the same, again at every change, until Ctrl-C
  omninode peers --json     for programs; with --watch one document a line

Asks the node that runs with this home (\`omninode serve\`, \`omninode listen\` or the window). Figures are measured or read by
each node itself; a dash is what it does not know. \`reached\`: whether others can dial it from the internet (public) or not (private).`;
const CLEAR_SCREEN = '\u001b[2J\u001b[H';

export function peersCommand(program: Command, launch: Launch): void {
  program.command('peers').summary('who is in the mesh, and what each machine can do')
    .option('--watch', 'go on: show it again whenever something changes')
    .addHelpText('after', EXAMPLES)
    .action((args: Args) => launch(peers, args, jsonOf(args)));
}

/** A pipe has none: programs that cut columns get the table. */
const width = (): number | undefined => (process.stdout.isTTY ? process.stdout.columns : undefined);

async function peers({ settings: { config: { home } }, output, signal }: CommandContext, { watch = false }: Args): Promise<number> {
  if (!watch) {
    const now = await askPeers(home, signal);
    output.answer(peersView(now, systemClock.now(), width()));
    output.result(now);
    return EXIT.ok;
  }
  for await (const now of watchPeers(home, signal)) {
    output.answer(`${process.stdout.isTTY ? CLEAR_SCREEN : ''}${peersView(now, systemClock.now(), width())}\n`);
    output.result(now);
  }
  output.line('The node has ended.');
  return EXIT.ok;
}
