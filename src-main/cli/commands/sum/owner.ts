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

export interface Order extends OrderArgs {
  /** Said below what would be signed. */
  readonly note?: string;
}

interface Answer {
  readonly isApproved: boolean;
  readonly password?: string;
}

/** Shows a question, and takes the owner's answer to it. */
export async function answered({ output, signal }: CommandContext, { question, ask, args: { yes = false, dryRun = false, note } }: { readonly question: OwnerQuestion; readonly ask: string; readonly args: Order }): Promise<Answer> {
  output.line([...question.lines, ...(note === undefined ? [] : [note])].join('\n'));
  const isApproved = !dryRun && (yes || await askYes(ask, signal));
  return { isApproved, ...(isApproved && question.needsPassword ? { password: await askPassword('Password of the wallet', signal) } : {}) };
}

/** Shows what would be signed, asks, sends, and waits until it is in a block. */
export const order = (context: CommandContext, op: OwnerOp | ((owner: Owner) => Promise<OwnerOp>), args: Order): Promise<number> =>
  withOwner(context, async (owner) => decided(context, owner, { ...args, question: await owner.ask(typeof op === 'function' ? await op(owner) : op) }));

/** Shows what waits, asks, and waits until it is in a block. */
export async function decided(context: CommandContext, owner: Owner, { question, ...args }: Order & { readonly question: OwnerQuestion }): Promise<number> {
  const { output, signal } = context;
  const answer = await answered(context, { question, ask: 'Sign and send?', args });
  const { isApproved } = answer;
  const sent = await owner.decide({ id: question.id, ...answer });
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
