import type { Command } from 'commander';
import { appPaths, checkup } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';

export function doctorCommand(program: Command, launch: Launch): void {
  program.command('doctor').summary('check that this machine can run OmniNode')
    .addHelpText('after', '\nExample:\n  omninode doctor --json')
    .action((args: object) => launch(doctor, {}, jsonOf(args)));
}

async function doctor({ settings, output }: CommandContext): Promise<number> {
  const checks = await checkup(settings, appPaths());
  const width = Math.max(...checks.map((check) => check.name.length));
  for (const { name, ok, detail, next } of checks) {
    output.answer(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${detail}\n`);
    if (next !== undefined) output.answer(`      ${' '.repeat(width)}  ${next}\n`);
  }
  const ok = checks.every((check) => check.ok);
  output.result({ ok, checks });
  return ok ? EXIT.ok : EXIT.local;
}
