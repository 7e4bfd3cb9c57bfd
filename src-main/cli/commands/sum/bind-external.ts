import type { CommandContext } from '../../command.ts';
import { EXIT } from '../../exit-codes.ts';
import { answered, withOwner, type OrderArgs } from './owner.ts';

interface BindArgs {
  readonly account: string;
  readonly args: OrderArgs;
}

/** Approves that this node is bound to an account whose key is elsewhere, and prints what that account sends for it. */
export const bindExternal = (context: CommandContext, { account, args }: BindArgs): Promise<number> => withOwner(context, async (owner) => {
  const { output } = context;
  const told = await owner.bind({ account });
  const call = told.is === 'approved' ? told.call : await owner.decideBinding({ id: told.question.id, account, ...await answered(context, { question: told.question, ask: 'Let that account own this node?', args }) });
  if (call === null) {
    output.line('Nothing was signed.');
    output.result({ approved: false });
    return EXIT.ok;
  }
  output.line(`The node signed. What ${account} sends now, by its own wallet:`);
  output.answer(`to    ${call.to}\ndata  ${call.data}\n`);
  output.result({ approved: true, ...call });
  return EXIT.ok;
});
