import { resolve } from 'node:path';
import type { Command } from 'commander';
import { verifyReceipts, type Verdict } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { integer } from '../options.ts';
import type { Launch } from '../program.ts';
import { configOf, jsonOf } from './generation-options.ts';

interface Args {
  readonly model?: string;
  readonly threads?: number;
  readonly windows: number;
}

const EXAMPLES = `
Examples:
  omninode verify receipts.json                       one window, of the model inside
  omninode verify receipts.json --model big.gguf      of another model
  omninode verify receipts.json --windows 8 --json    more windows, figures as JSON

Exit codes: 0 accepted, 3 rejected or not signed by its peer, 2 not a receipts file or another model.`;

export function verifyCommand(program: Command, launch: Launch): void {
  program.command('verify').summary('recompute part of an answer and check the receipts of its nodes')
    .argument('<receipts>', 'a receipts file')
    .option('--model <name or file>', 'the model that was used: a .gguf file, a name of `omninode model ls`, or omni-guide')
    .option('--windows <n>', 'how many windows of 32 positions to recompute, chosen at random', integer(1, 65_536), 1)
    .option('--threads <n>', 'CPU threads', integer(1, 512))
    .addHelpText('after', EXAMPLES)
    .action((receipts: string, args: Args) => launch(verify, { receipts, args }, { ...jsonOf(args), ...configOf(args) }));
}

async function verify({ settings, output, signal }: CommandContext, { receipts, args }: { receipts: string; args: Args }): Promise<number> {
  const found = await verifyReceipts(settings, { path: resolve(receipts), windows: args.windows, signal, onStatus: (text) => output.progress(text) });
  for (const verdict of found.verdicts) output.answer(lineOf(verdict));
  for (const contradiction of found.contradictions) output.answer(`${contradiction}\n`);
  output.answer(`${found.accepted ? 'accepted' : 'REJECTED'}\n`);
  output.line(`${found.receipts} receipts, ${Math.min(args.windows, found.windows)} of ${found.windows} windows recomputed`);
  output.result(found);
  return found.accepted ? EXIT.ok : EXIT.peer;
}

function lineOf({ outcome, layers, first, count, peer, output, input, reasons }: Verdict): string {
  const figures = output ?? input;
  const differs = figures === null ? '' : `  ${figures.lost}/${figures.entries} lost, steps ${figures.stepsMean.toFixed(2)}`;
  return `${outcome}  layers ${layers.join('-')}  rows ${first}-${first + count - 1}  peer ${peer}${differs}${reasons.length === 0 ? '' : `  (${reasons.join('; ')})`}\n`;
}
