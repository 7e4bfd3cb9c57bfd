import type { Command } from 'commander';
import { newZone, zoneReport, type ZoneReport } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';

const EXAMPLES = `
Examples:
  omninode zone show                   whom this node meets
  omninode zone new-key                found a private zone: other members need the same key

Set "zone" in config.json (or OMNINODE_ZONE) to local, private or public.`;

const NEW_KEY_EXAMPLES = `
Example:
  omninode zone new-key && OMNINODE_ZONE=private omninode listen

The key is written to a file that only you can read, and shown nowhere. Whoever has it is a member.`;

/** `omninode zone show|new-key`: whom this node meets. */
export function zoneCommand(program: Command, launch: Launch): void {
  const group = program.command('zone').summary('whom this node meets: its trust zone and key').addHelpText('after', EXAMPLES);
  group.command('show').summary('the zone, the name of its key, and this node’s own name')
    .addHelpText('after', '\nExample:\n  omninode zone show --json')
    .action((args: object) => launch(show, {}, jsonOf(args)));
  group.command('new-key').summary('make the key of a new private zone')
    .addHelpText('after', NEW_KEY_EXAMPLES)
    .action((args: object) => launch(newKey, {}, jsonOf(args)));
}

async function show({ settings, output }: CommandContext): Promise<number> {
  const report = await zoneReport(settings.config);
  output.answer(zoneView(report));
  output.result(report);
  return EXIT.ok;
}

async function newKey({ settings, output }: CommandContext): Promise<number> {
  const made = await newZone(settings.config);
  output.answer(`zone ${made.name}\nkey  ${made.path}\n`);
  if (settings.config.zone !== 'private') output.line('This node is not in it yet: set "zone": "private" in config.json.');
  output.result(made);
  return EXIT.ok;
}

export function zoneView({ zone, keyName, keyPath, allowPeers, sessionsPerSecond, peerId }: ZoneReport): string {
  const members = allowPeers.length === 0 ? [] : [`allow-list ${allowPeers.length} peers`];
  const key = keyName === null ? [] : [`key        ${keyName} (${keyPath})`];
  return [`zone       ${zone}`, `peer       ${peerId}`, ...key, ...members, `sessions   ${sessionsPerSecond} a second from one address`, ''].join('\n');
}
