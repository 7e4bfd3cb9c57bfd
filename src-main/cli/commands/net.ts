import type { Command } from 'commander';
import { appPaths, askMetrics, lookAtNet, netReport } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';

const EXAMPLES = `
Examples:
  omninode net doctor
  omninode net doctor --json
  omninode net metrics > /var/lib/node_exporter/omninode.prom

Asks the node that runs with this home, which tries again whom it does not reach (10 s at most). Where none runs, a passing node looks.

Exit codes: 0 nothing failed (hints and what is unknown count as well), 4 something did, 2 the configuration cannot be used.`;
const MARKS = { ok: 'ok  ', hint: 'hint', fail: 'FAIL', unknown: '?   ' } as const;

export function netCommand(program: Command, launch: Launch): void {
  const group = program.command('net').summary('look into this node\'s part in the mesh').addHelpText('after', EXAMPLES);
  group.command('doctor').summary('where it listens, which members it reaches, and what to do').addHelpText('after', EXAMPLES)
    .action((args: object) => launch(doctor, {}, jsonOf(args)));
  group.command('metrics').summary('what the node that runs with this home counts, as Prometheus reads it').action((args: object) => launch(metrics, {}, jsonOf(args)));
}

async function metrics({ settings: { config }, output, signal }: CommandContext): Promise<number> {
  const text = await askMetrics(config.home, signal);
  output.answer(text);
  output.result({ text });
  return EXIT.ok;
}

async function doctor({ settings, output, signal }: CommandContext): Promise<number> {
  output.progress('looking; who does not answer is waited for, up to 15 s ...');
  const report = netReport(await lookAtNet(settings, { paths: appPaths(), signal }));
  for (const { name, verdict, detail, next } of report.findings) {
    output.answer(`${MARKS[verdict]}  ${name.padEnd(12)}  ${detail}\n`);
    if (next !== undefined) output.answer(`${' '.repeat(20)}${next}\n`);
  }
  const failed = report.findings.filter(({ verdict }) => verdict === 'fail').length;
  output.answer(failed === 0 ? '\nNothing failed.\n' : `\n${failed} failed: what to do stands below each.\n`);
  output.result(report);
  return report.ok ? EXIT.ok : EXIT.local;
}
