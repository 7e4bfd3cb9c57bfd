import { loadOwner, type Owner, type OwnerOp, type OwnerQuestion } from '../../../host/index.ts';
import { askPassword, askYes } from '../../ask.ts';
import type { CommandContext } from '../../command.ts';
import { EXIT } from '../../exit-codes.ts';
import { transactionView } from './views.ts';

/** Chain and wallet of this home: the host's that runs with it, else opened for as long as the command runs. */
export async function withOwner<T>({ settings, signal }: CommandContext, work: (owner: Owner) => Promise<T>): Promise<T> {
  const { openOwner } = await loadOwner();
  const owner = await openOwner(settings, signal);
  try {
    return await work(owner);
  } finally {
    await owner.close();
  }
}

export interface OrderArgs {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** Shows what would be signed, asks, sends, and waits until it is in a block. */
export const order = (context: CommandContext, op: OwnerOp, args: OrderArgs): Promise<number> => withOwner(context, async (owner) => decided(context, owner, { ...args, question: await owner.ask(op) }));

/** Shows what waits, asks, and waits until it is in a block. */
export async function decided({ output, signal }: CommandContext, owner: Owner, { question, yes = false, dryRun = false }: OrderArgs & { readonly question: OwnerQuestion }): Promise<number> {
  output.line(question.lines.join('\n'));
  const isApproved = !dryRun && (yes || await askYes('Sign and send?', signal));
  const password = isApproved && question.needsPassword ? { password: await askPassword('Password of the wallet', signal) } : {};
  const sent = await owner.decide({ id: question.id, isApproved, ...password });
  if (sent === null) {
    output.line(isApproved ? 'Signed.' : 'Nothing was signed.');
    output.result({ sent: false, lines: question.lines });
    return EXIT.ok;
  }
  output.progress('waiting for a block ...');
  const settled = await followed(owner, sent.id, signal);
  output.answer(transactionView(settled));
  output.result(settled);
  return settled.status === 'failed' || settled.status === 'refused' ? EXIT.user : EXIT.ok;
}

/** Until it is in a block, or will never be. */
export async function followed(owner: Owner, id: string, signal: AbortSignal): Promise<Awaited<ReturnType<Owner['settled']>>> {
  for (;;) {
    signal.throwIfAborted();
    const transaction = await owner.settled({ id });
    if (['mined', 'confirmed', 'failed', 'refused'].includes(transaction.status)) return transaction;
  }
}
