import type { Command } from 'commander';
import { makeInvite, MAX_INVITE_TTL_MS, ownAddresses, ownSigner, qrRows, type MadeInvite } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { collect, duration } from '../options.ts';
import type { Launch } from '../program.ts';
import { qrText } from '../qr.ts';
import { jsonOf } from './generation-options.ts';

interface Args {
  readonly expires?: number;
  readonly address?: readonly string[];
  readonly qr?: boolean;
}

const EXAMPLES = `
Examples:
  omninode invite                                       good for a day
  omninode invite --expires 2h --qr                     to scan with another machine's camera
  omninode invite --address /dns4/me.example.org/tcp/4001   where the node is reached from outside

Who has the link can join: in a private zone it holds the zone's key, which stays good after the link expired.`;

export function inviteCommand(program: Command, launch: Launch): void {
  program.command('invite').summary('a link with which another machine joins this mesh')
    .option('--expires <time>', 'how long it is good for, e.g. 30m, 12h, 7d (default 1d)', duration(MAX_INVITE_TTL_MS))
    .option('--address <multiaddr>', 'name this address of the node instead of those it listens on; repeat for more', collect)
    .option('--qr', 'also as a QR code')
    .addHelpText('after', EXAMPLES)
    .action((args: Args) => launch(invite, args, jsonOf(args)));
}

async function invite({ settings: { config }, output, signal }: CommandContext, args: Args): Promise<number> {
  const signer = await ownSigner(config.home);
  const addresses = args.address ?? await ownAddresses(config, signal);
  const made = await makeInvite(config, signer, { addresses, ttlMs: args.expires, nowMs: Date.now() });
  for (const line of aboutInvite(made)) output.line(line);
  if (args.qr === true) output.answer(qrText(qrRows(made.link), { colours: process.stdout.isTTY === true }));
  output.answer(`${made.link}\n`);
  const { link, expiresAtMs, ...rest } = made;
  output.result({ link, expiresAt: new Date(expiresAtMs).toISOString(), ...rest, ...(args.qr === true ? { qr: qrRows(link) } : {}) });
  return EXIT.ok;
}

const REACHES = { machine: 'Only programs on this machine reach it: let the node listen on the network (`listen` in config.json) to invite others.', private: 'Machines on the same network reach it.', public: 'Anybody reaches it.' } as const;

function aboutInvite({ zone, hasKey, expiresAtMs, addresses, reach }: MadeInvite): string[] {
  return [
    `To the ${zone} zone of this node, good until ${new Date(expiresAtMs).toLocaleString()}, at ${addresses.join(', ')}`,
    ...(reach === undefined ? [] : [REACHES[reach]]),
    ...(hasKey ? ['It holds the key of the zone: give it only to whom you want in, over a way that others do not read.'] : []),
  ];
}
