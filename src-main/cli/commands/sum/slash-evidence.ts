import type { Command } from 'commander';
import { loadOwner, type Owner } from '../../../host/index.ts';
import type { CommandContext } from '../../command.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Launch } from '../../program.ts';
import { jsonOf } from '../generation-options.ts';
import { decided, example } from './decided.ts';
import { faultsView, wrongWorkView } from './fault-views.ts';
import { order, withOwner, type OrderArgs } from './owner.ts';
import { slashesView } from './views.ts';

interface Args extends OrderArgs {
  readonly save?: string;
  readonly overwrite?: boolean;
}

interface Named extends Args {
  /** A file, or the id of a session or a node as it begins. */
  readonly what: string | undefined;
  readonly node: string | undefined;
}

/** `omninode slash-evidence`: what proves nodes' faults, and work that a committee would have to judge. */
export function slashEvidenceCommand(program: Command, launch: Launch): void {
  decided(program.command('slash-evidence').summary('proofs of nodes\' faults: those held here, saved for others, or brought to the chain'))
    .argument('[what]', 'a file with a proof, or the id of a session or node of the list, or how it begins').argument('[node]', 'the node, where one session has several')
    .option('--save <path>', 'write the proof to a file, or into a folder, so that anybody can bring it; brings nothing').option('--overwrite', 'over a file that is there')
    .addHelpText('after', example(
      'omninode slash-evidence                        proofs held here and their worth, work found wrong, slashes of this node', 'omninode slash-evidence 0x5f0c2a --dry-run     what bringing one would sign',
      'omninode slash-evidence 0x5f0c2a --save .      give one to others', 'omninode slash-evidence fault.json             bring one that somebody saved',
    ))
    .action((what: string | undefined, node: string | undefined, args: Args) => launch(run, { ...args, what, node }, jsonOf(args)));
}

const isId = (text: string): boolean => /^0x[0-9a-fA-F]{4,64}$/.test(text);

async function run(context: CommandContext, { what, node, ...args }: Named): Promise<number> {
  const { faultNamed, readFault, slashOf } = await loadOwner();
  if (args.save !== undefined) return save(context, { ...args, what, node });
  if (what === undefined) return list(context);
  if (!isId(what)) return order(context, await readFault(what), args);
  return order(context, async (owner) => slashOf(faultNamed((await owner.faults({})).faults, what.toLowerCase(), node?.toLowerCase())), args);
}

const list = (context: CommandContext): Promise<number> => withOwner(context, async (owner) => {
  const { faults, wrongWork } = await owner.faults({});
  const slashes = await ownSlashes(owner, [...faults.map(({ standing }) => standing), ...wrongWork.map(({ doubt }) => doubt)].some(({ kind }) => kind === 'unknown'));
  context.output.answer(`${faultsView(faults)}${wrongWork.length === 0 ? '' : `\n${wrongWorkView(wrongWork)}`}${slashes === undefined ? '' : `\n${slashesView(slashes)}`}`);
  context.output.result({ faults, wrongWork, ...(slashes === undefined ? {} : { slashes }) });
  return EXIT.ok;
});

/** Of a chain that did not answer a moment ago nothing more is asked. */
const ownSlashes = async (owner: Owner, isDown: boolean) => (isDown ? undefined : (await owner.slashes({})).slashes);

const save = (context: CommandContext, { what, node, save: path = '.', overwrite = false }: Named): Promise<number> => withOwner(context, async (owner) => {
  const { faultNamed, saveFault } = await loadOwner();
  const fault = faultNamed((await owner.faults({})).faults, what?.toLowerCase(), node?.toLowerCase());
  const file = await saveFault(fault, path, { isOverwriting: overwrite });
  context.output.answer(`${file}\n`);
  context.output.line('Whoever brings it first, with `omninode slash-evidence FILE`, gets the reward.');
  context.output.result({ file, sessionId: fault.sessionId, nodeId: fault.nodeId });
  return EXIT.ok;
});
