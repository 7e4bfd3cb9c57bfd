import type { Command } from 'commander';
import { addBan, listBans, removeBan, type Ban } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { duration } from '../options.ts';
import type { Launch } from '../program.ts';
import { table } from '../table.ts';
import { jsonOf } from './generation-options.ts';

const EXAMPLES = `
Examples:
  omninode ban ls
  omninode ban add 12D3KooW... --for 1d --reason "sends garbage"
  omninode ban add 203.0.113.7         an address, until it is lifted
  omninode ban rm 203.0.113.7

A node that runs with this home notices within a second and ends the sessions of who is banned.`;

const MAX_BAN_MS = 10 * 365 * 86_400_000;

interface AddArgs {
  readonly for?: number;
  readonly reason?: string;
}

/** `omninode ban ls|add|rm`: peers and addresses that this node refuses. */
export function banCommand(program: Command, launch: Launch): void {
  const group = program.command('ban').summary('peers and addresses that this node refuses').addHelpText('after', EXAMPLES);
  group.command('ls').summary('who is banned, why and for how long')
    .addHelpText('after', '\nExample:\n  omninode ban ls --json')
    .action((args: object) => launch(ls, {}, jsonOf(args)));
  group.command('add').summary('refuse a peer or an address').argument('<peer or address>', 'a peer id or an IP address')
    .option('--for <time>', 'how long, e.g. 30m, 12h, 7d (default: until it is lifted)', duration(MAX_BAN_MS))
    .option('--reason <text>', 'why, for whoever looks later')
    .addHelpText('after', '\nExample:\n  omninode ban add 12D3KooW... --for 12h --reason "floods"')
    .action((subject: string, args: AddArgs) => launch(add, { ...args, subject }, jsonOf(args)));
  group.command('rm').summary('lift a ban').argument('<peer or address>', 'as `omninode ban ls` shows it')
    .addHelpText('after', '\nExample:\n  omninode ban rm 12D3KooW...')
    .action((subject: string, args: object) => launch(rm, { subject }, jsonOf(args)));
}

async function ls({ settings, output }: CommandContext): Promise<number> {
  const bans = await listBans(settings.config);
  output.answer(bansView(bans, Date.now()));
  output.result({ bans });
  return EXIT.ok;
}

async function add({ settings, output }: CommandContext, { subject, for: durationMs, reason = '' }: AddArgs & { readonly subject: string }): Promise<number> {
  const ban = await addBan(settings.config, subject, { reason, durationMs });
  output.answer(bansView([ban], Date.now()));
  output.result(ban);
  return EXIT.ok;
}

async function rm({ settings, output }: CommandContext, { subject }: { readonly subject: string }): Promise<number> {
  const wasBanned = await removeBan(settings.config, subject);
  output.answer(wasBanned ? `${subject} is not banned any more\n` : `${subject} was not banned\n`);
  output.result({ subject, wasBanned });
  return EXIT.ok;
}

export function bansView(bans: readonly Ban[], nowMs: number): string {
  if (bans.length === 0) return 'nobody is banned\n';
  return `${table(['peer or address', 'for', 'reason'], bans.map(({ subject, untilMs, reason }) => [subject, untilMs === null ? 'ever' : timeLeft(untilMs - nowMs), reason]))}\n`;
}

const UNITS = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min']] as const;

function timeLeft(ms: number): string {
  const [size, name] = UNITS.find(([unit]) => ms >= unit) ?? [1000, 's'];
  return `${Math.max(0, Math.round(ms / size))} ${name}`;
}
