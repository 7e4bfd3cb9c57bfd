import type { Command } from 'commander';
import { loadOwner } from '../../../host/index.ts';
import type { CommandContext } from '../../command.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Launch } from '../../program.ts';
import { jsonOf } from '../generation-options.ts';
import { followed, withOwner } from './owner.ts';
import { chainView, transactionView } from './views.ts';

const EXAMPLES = `
Examples:
  omninode chain status           which chain this node uses, and whether it answers
  omninode chain faucet           test SUM for the wallet, on the embedded chain
  omninode chain devnet           run the embedded chain alone, until Ctrl-C, and print where it answers`;

/** `omninode chain status|devnet|faucet`. */
export function chainCommand(program: Command, launch: Launch): void {
  const group = program.command('chain').summary('the chain on which SUM lives').addHelpText('after', EXAMPLES);
  const add = (name: string, summary: string, run: (context: CommandContext) => Promise<number>): void => {
    group.command(name, { isDefault: name === 'status' }).summary(summary).addHelpText('after', `\nExample:\n  omninode chain ${name}`).action((args: object) => launch(run, undefined, jsonOf(args)));
  };
  add('status', 'which chain, and whether it answers', status);
  add('faucet', 'test SUM and coins for fees, on the embedded chain', faucet);
  add('devnet', 'run the embedded chain of this home alone', devnet);
}

const status = (context: CommandContext): Promise<number> => withOwner(context, async (owner) => {
  const now = await owner.now({});
  context.output.answer(chainView(now));
  context.output.result(now);
  return now.link.status === 'ready' ? EXIT.ok : EXIT.local;
});

const faucet = (context: CommandContext): Promise<number> => withOwner(context, async (owner) => {
  const settled = await followed(owner, (await owner.faucet({})).id, context.signal);
  context.output.answer(transactionView(settled));
  context.output.result(settled);
  return settled.status === 'failed' ? EXIT.local : EXIT.ok;
});

async function devnet({ settings, output, signal }: CommandContext): Promise<number> {
  const { runDevnet } = await loadOwner();
  await runDevnet(settings, signal, ({ url, network }) => {
    output.answer(`${url}\n`);
    for (const [name, address] of Object.entries(network.contracts)) output.line(`${name.padEnd(18)} ${address}`);
    output.result({ url, network });
  });
  return EXIT.ok;
}
