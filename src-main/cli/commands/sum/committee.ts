import { InvalidArgumentError, type Command } from 'commander';
import type { CommitteeOrder } from '../../../host/index.ts';
import type { CommandContext } from '../../command.ts';
import { EXIT } from '../../exit-codes.ts';
import { oneOf } from '../../options.ts';
import type { Launch } from '../../program.ts';
import { jsonOf } from '../generation-options.ts';
import { decided, example } from './decided.ts';
import { committeeView } from './fault-views.ts';
import { order, withOwner, type Order, type OrderArgs } from './owner.ts';

const EXAMPLES = `
Examples:
  omninode committee status                       cases that concern this account, and what can be done now
  omninode committee open 0x5f0c2a 0x91be --evidence "https://example.org/receipts"
                                                  doubt a node's work in a session that ended (bond: 200 SUM)
  omninode committee enlist                       offer this node for committees (2 SUM for each opened vote)
  omninode committee vote 0x5f0c2a 0x91be wrong   vote, hidden; open it a day later with "reveal"

How a case goes: opened within a day after the session's end; five accounts drawn (anybody draws, within a day); a day of votes;
a day in which they are opened; concluded by anybody. Three for "wrong": the node loses a fifth of its stake, and its claim.
Three for "right": it gets the bond. Sessions and nodes are named by their ids, or how they begin; nodes also by their peer ids.`;

/** The id of a session, or how it begins. */
const sessionName = (text: string): string => {
  if (!/^0x[0-9a-fA-F]{4,64}$/.test(text)) throw new InvalidArgumentError('The id of a session is wanted, 0x and 4 to 64 hex digits.');
  return text.toLowerCase();
};

const nodeName = (text: string): string => {
  if (/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(text)) return text;
  if (!/^0x[0-9a-fA-F]{4,64}$/.test(text)) throw new InvalidArgumentError('The id of a node is wanted: a peer id, or 0x and 4 to 64 hex digits.');
  return text.toLowerCase();
};

const wholeNode = (text: string): string => {
  const name = nodeName(text);
  if (name.startsWith('0x') && name.length !== 66) throw new InvalidArgumentError('The whole id of the node is wanted here: a peer id, or 0x and 64 hex digits.');
  return name;
};

/** `omninode committee`: work that somebody doubts. */
export function committeeCommand(program: Command, launch: Launch): void {
  const group = program.command('committee').summary('doubted work: cases, votes and seats of committees').addHelpText('after', EXAMPLES);
  const send = (op: CommitteeOrder, args: Order): Promise<void> => launch((context) => order(context, op, args), undefined, jsonOf(args));
  const add = (name: string, summary: string): Command => decided(group.command(name).summary(summary));
  const about = (name: string, summary: string): Command => add(name, summary).argument('<session>', 'its id, or how that begins', sessionName).argument('<node>', 'its id, or how that begins, or its peer id', nodeName);

  group.command('status', { isDefault: true }).summary('cases that concern this account, what can be done now, and what is owed').option('--all', 'cases of others too')
    .addHelpText('after', '\nExample:\n  omninode committee status --all --json').action((args: { readonly all?: boolean }) => launch(status, args, jsonOf(args)));
  add('enlist', 'offer this node for committees').addHelpText('after', example('omninode committee enlist')).action((args: OrderArgs) => send({ op: 'enlist' }, args));
  add('delist', 'take this node off the list, or one that is not active any more').argument('[node]', 'another node', wholeNode).addHelpText('after', example('omninode committee delist'))
    .action((node: string | undefined, args: OrderArgs) => send({ op: 'delist', ...(node === undefined ? {} : { node }) }, args));
  about('open', 'doubt a node\'s work in a session, for a bond of 200 SUM').requiredOption('--evidence <text>', 'where the receipts lie that members compute again, at most 1,024 bytes')
    .addHelpText('after', example('omninode committee open 0x5f0c2a 0x91be --evidence "https://example.org/receipts"'))
    .action((session: string, node: string, { evidence, ...args }: OrderArgs & { readonly evidence: string }) => send({ op: 'openCase', session, node, evidence }, args));
  about('evidence', 'point the committee to more evidence, until votes are opened').argument('<text>', 'at most 1,024 bytes').addHelpText('after', example('omninode committee evidence 0x5f0c2a 0x91be "https://example.org/more"'))
    .action((...[session, node, evidence, args]: [string, string, string, OrderArgs]) => send({ op: 'addEvidence', session, node, evidence }, args));
  about('draw', 'draw the committee of a case').addHelpText('after', example('omninode committee draw 0x5f0c2a 0x91be')).action((session: string, node: string, args: OrderArgs) => send({ op: 'draw', session, node }, args));
  about('vote', 'vote, hidden until it is opened; until then another vote replaces it').argument('<verdict>', 'right or wrong: what the node signed', oneOf(['right', 'wrong'] as const))
    .addHelpText('after', example('omninode committee vote 0x5f0c2a 0x91be wrong'))
    .action((...[session, node, verdict, args]: [string, string, string, OrderArgs]) => send({ op: 'vote', session, node, isWrong: verdict === 'wrong' }, { ...args, note: voteNote(verdict) }));
  about('reveal', 'open this account\'s vote, in the day after votes were taken').addHelpText('after', example('omninode committee reveal 0x5f0c2a 0x91be')).action((session: string, node: string, args: OrderArgs) => send({ op: 'reveal', session, node }, args));
  about('conclude', 'end a case whose time is over, or whose votes are all open').addHelpText('after', example('omninode committee conclude 0x5f0c2a 0x91be')).action((session: string, node: string, args: OrderArgs) => send({ op: 'conclude', session, node }, args));
  add('withdraw', 'take the bonds and fees that are owed to this account').addHelpText('after', example('omninode committee withdraw')).action((args: OrderArgs) => send({ op: 'takeOwed' }, args));
}

const status = (context: CommandContext, { all = false }: { readonly all?: boolean }): Promise<number> => withOwner(context, async (owner) => {
  const now = await owner.committee({ isAll: all });
  context.output.answer(committeeView(now, all));
  context.output.result(now);
  return EXIT.ok;
});

/** What is signed hides it. */
const voteNote = (verdict: string): string => `your vote  the node was ${verdict.toUpperCase()}: hidden in the commitment; what opens it is kept in this home, from where "omninode committee reveal" is run`;
