import type { Command } from 'commander';
import type { CommandContext } from '../../command.ts';
import { EXIT } from '../../exit-codes.ts';
import { integer } from '../../options.ts';
import type { Launch } from '../../program.ts';
import { sumAmount } from '../../sum.ts';
import { jsonOf } from '../generation-options.ts';
import { earningsView, ledgerView } from './views.ts';
import { decided, example } from './decided.ts';
import { order, withOwner, type OrderArgs } from './owner.ts';

/** `omninode stake|unstake|withdraw|claim|rewards`: what the wallet panel does. */
export function stakeCommands(program: Command, launch: Launch): void {
  decided(program.command('stake').summary('stake SUM for this node, so that it may do paid work').argument('<amount>', 'SUM', sumAmount))
    .addHelpText('after', example('omninode stake 1000', 'omninode stake 1000 --dry-run'))
    .action((amount: string, args: OrderArgs) => launch((context) => order(context, { op: 'stake', amount }, args), undefined, jsonOf(args)));
  decided(program.command('unstake').summary('begin to take SUM back: it is free after 7 days, and can be slashed until then').argument('<amount>', 'SUM', sumAmount))
    .addHelpText('after', example('omninode unstake 500'))
    .action((amount: string, args: OrderArgs) => launch((context) => order(context, { op: 'unstake', amount }, args), undefined, jsonOf(args)));
  decided(program.command('cancel-unbonding').summary('put what is unbonding back to work').argument('<index>', 'its number in `omninode rewards`', integer(0, 15)))
    .addHelpText('after', example('omninode cancel-unbonding 0'))
    .action((index: number, args: OrderArgs) => launch((context) => order(context, { op: 'cancel', index }, args), undefined, jsonOf(args)));
  decided(program.command('withdraw').summary('take what has been unbonding for 7 days')).addHelpText('after', example('omninode withdraw'))
    .action((args: OrderArgs) => launch((context) => order(context, { op: 'withdraw' }, args), undefined, jsonOf(args)));
  decided(program.command('claim').summary('take the rewards of this node')).addHelpText('after', example('omninode claim'))
    .action((args: OrderArgs) => launch((context) => order(context, { op: 'claim' }, args), undefined, jsonOf(args)));
  program.command('rewards').summary('what lies where, and what was earned').option('--days <n>', 'over how many days', integer(1, 366), 30)
    .addHelpText('after', '\nExample:\n  omninode rewards --days 7')
    .action((args: { readonly days: number }) => launch(rewards, args, jsonOf(args)));
}

const rewards = (context: CommandContext, { days }: { readonly days: number }): Promise<number> => withOwner(context, async (owner) => {
  const { network } = await owner.now({});
  const [ledger, earnings] = [await owner.ledger({}), await owner.earnings({ windowMs: days * 86_400_000 })];
  context.output.answer(`${ledgerView(ledger, network?.kind === 'embedded')}\n${earningsView(earnings)}`);
  context.output.result({ ledger, earnings });
  return EXIT.ok;
});
