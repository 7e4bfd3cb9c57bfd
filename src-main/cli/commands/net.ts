import type { Command } from 'commander';
import { appPaths, lookAtNet, netReport } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';

const EXAMPLES = `
Examples:
  omninode net doctor
  omninode net doctor --json

With or without a node that runs with this home. Members are dialled from a passing node where that node is not connected to them: an
allow-list of peer ids refuses it. Exit codes: 0 nothing failed, 4 something did.`;
const MARKS = { ok: 'ok  ', hint: 'hint', fail: 'FAIL', unknown: '?   ' } as const;

export function netCommand(program: Command, launch: Launch): void {
  const group = program.command('net').summary('look into this node\'s part in the mesh').addHelpText('after', EXAMPLES);
  group.command('doctor').summary('where it listens, which members it reaches, and what to do').addHelpText('after', EXAMPLES)
    .action((args: object) => launch(doctor, {}, jsonOf(args)));
}

async function doctor({ settings, output, signal }: CommandContext): Promise<number> {
  const report = netReport(await lookAtNet(settings, { paths: appPaths(), signal }));
  for (const { name, verdict, detail, next } of report.findings) {
    output.answer(`${MARKS[verdict]}  ${name.padEnd(12)}  ${detail}\n`);
    if (next !== undefined) output.answer(`${' '.repeat(20)}${next}\n`);
  }
  output.result(report);
  return report.ok ? EXIT.ok : EXIT.local;
}
