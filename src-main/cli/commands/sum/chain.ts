import type { Command } from 'commander';
import { loadOwner } from '../../../host/index.ts';
import type { CommandContext } from '../../command.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Launch } from '../../program.ts';
import { jsonOf } from '../generation-options.ts';
import { address, integer } from '../../options.ts';
import { followed, withOwner } from './owner.ts';
import { chainView, transactionView } from './views.ts';

const EXAMPLES = `
Examples:
  omninode chain status           which chain this node uses, and whether it answers
  omninode chain faucet           test SUM for the wallet, on the embedded chain
  omninode chain devnet           run the embedded chain alone, until Ctrl-C, and print where it answers`;

interface DevnetArgs {
  readonly port: number;
  readonly fund: readonly `0x${string}`[];
}

/** `omninode chain status|devnet|faucet`. */
export function chainCommand(program: Command, launch: Launch): void {
  const group = program.command('chain').summary('the chain on which SUM lives').addHelpText('after', EXAMPLES);
  group.command('devnet').summary('run the embedded chain of this home alone, for other nodes')
    .option('--port <n>', 'where it answers (0: any free port)', integer(0, 65_535), 0)
    .option('--fund <account>', 'gets test SUM and coins for fees; may be given several times', (account: string, all: readonly string[]) => [...all, address(account)], [])
    .addHelpText('after', '\nExample:\n  omninode chain devnet --port 8546 --fund 0x70997970C51812dc3A010C7d01b50e0d17dc79C8')
    .action((args: DevnetArgs) => launch(devnet, args, jsonOf(args)));
  const add = (name: string, summary: string, run: (context: CommandContext) => Promise<number>): void => {
    group.command(name, { isDefault: name === 'status' }).summary(summary).addHelpText('after', `\nExample:\n  omninode chain ${name}`).action((args: object) => launch(run, undefined, jsonOf(args)));
  };
  add('status', 'which chain, and whether it answers', status);
  add('faucet', 'test SUM and coins for fees, on the embedded chain', faucet);
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

async function devnet({ settings, output, signal }: CommandContext, { port, fund }: DevnetArgs): Promise<number> {
  const { configFor, runDevnet } = await loadOwner();
  await runDevnet(settings, { port, fund }, { signal, onReady: (running) => {
    const chain = configFor(running);
    output.answer(`${running.url}\n`);
    output.line('Others of this machine use it with this in their config.json:');
    output.line(JSON.stringify({ chain }, undefined, 2));
    output.result({ ...running, chain });
  } });
  return EXIT.ok;
}
