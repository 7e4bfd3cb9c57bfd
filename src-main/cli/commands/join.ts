import type { Command } from 'commander';
import { appPaths, joinZone, loadSettings, ownSigner, planJoin, tryMember, type JoinPlan } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { shortPeer } from '../table.ts';
import { jsonOf } from './generation-options.ts';

interface Args {
  readonly dryRun?: boolean;
  readonly dial: boolean;
}

const MAX_STDIN_CHARS = 8192;

const EXAMPLES = `
Examples:
  omninode join omni://join/ae...            join, and see whether the member is there
  omninode join omni://join/ae... --dry-run  only say what it would do
  pbpaste | omninode join -                  the link from stdin: it stays out of the shell's history`;

export function joinCommand(program: Command, launch: Launch): void {
  program.command('join').summary('join a mesh by the link of `omninode invite`')
    .argument('<link>', 'omni://join/..., or - to read it from stdin')
    .option('--dry-run', 'check the link and say what joining would do')
    .option('--no-dial', 'do not look whether the member is there')
    .addHelpText('after', EXAMPLES)
    .action((link: string, args: Args) => launch(join, { link, args }, jsonOf(args)));
}

async function join({ settings: { config, ...settings }, output, signal }: CommandContext, { link, args }: { link: string; args: Args }): Promise<number> {
  const { peerId } = await ownSigner(config.home);
  const request = { config, peerId, nowMs: Date.now() };
  const text = link === '-' ? await readStdin() : link;
  const plan = await planJoin(text, request);
  for (const line of planView(plan)) output.line(line);
  if (args.dryRun === true) {
    output.result({ joined: false, ...plan });
    return EXIT.ok;
  }
  await joinZone(text, request);
  output.line('joined');
  if (!args.dial) {
    output.result({ joined: true, ...plan });
    return EXIT.ok;
  }
  const joined = await loadSettings({ home: config.home, logLevel: config.logLevel });
  const failure = await tryMember({ ...settings, config: joined.config }, { addresses: plan.addresses, paths: appPaths(), signal });
  output.line(failure === undefined ? `${shortPeer(plan.inviter)} is there` : `not reached yet: ${failure.message} A node that runs goes on trying.`);
  output.line(plan.needsRestart ? 'Start the node (`omninode serve` or `omninode listen`); one that runs has to be started again.' : 'Start the node (`omninode serve` or `omninode listen`).');
  output.result({ joined: true, reached: failure === undefined, ...(failure === undefined ? {} : { reason: failure.toWire() }), ...plan });
  return EXIT.ok;
}

function planView({ inviter, zone, zoneName, expiresAtMs, steps }: JoinPlan): string[] {
  return [
    `An invitation by ${inviter} to ${zone === 'private' ? `the private zone ${zoneName ?? 'without a key'}` : `a ${zone} mesh`}, good until ${new Date(expiresAtMs).toLocaleString()}`,
    ...(steps.length === 0 ? ['Nothing to do: this node is a member already.'] : ['Joining will:', ...steps.map((step) => `  - ${step}`)]),
  ];
}

async function readStdin(): Promise<string> {
  let text = '';
  for await (const bytes of process.stdin) {
    text += String(bytes);
    if (text.length > MAX_STDIN_CHARS) break;
  }
  return text.trim();
}
