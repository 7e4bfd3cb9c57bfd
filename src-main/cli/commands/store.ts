import type { Command } from 'commander';
import { appPaths, collectGarbage, listProviders, repairStore, storeStats, verifyStore } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { cliErrors } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { byteSize, collect } from '../options.ts';
import { megabytes } from '../output.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';
import { providersView, scrubView, statsView } from './store-views.ts';

const EXAMPLES = `
Examples:
  omninode store stats                 what is used, pinned, free
  omninode store verify                read everything, name damaged blocks
  omninode store gc --to 20GB          remove what was not used for longest
  omninode store providers             who else has what`;

const VERIFY_EXAMPLES = `
Examples:
  omninode store verify
  omninode store verify --model "Qwen3 8B" --json
  omninode store verify --repair       and fetch what is damaged from who is known to have it
  omninode store verify --repair --peer /ip4/192.168.1.7/tcp/4001/p2p/12D3...

Damaged blocks count as missing from then on. Exit codes: 0 all is well or repaired, 4 something was damaged or gone.`;

const GC_EXAMPLES = `
Examples:
  omninode store gc                    leftovers, and what is over the quota
  omninode store gc --to 0             all that is not pinned or in use
  omninode store gc --unfinished       and what broken-off downloads left

The quota is storeQuotaBytes in config.json or OMNINODE_STORE_QUOTA_BYTES.`;

const STATS_EXAMPLES = `
Example:
  omninode store stats --json`;

const PROVIDERS_EXAMPLES = `
Examples:
  omninode store providers
  omninode store providers bafyr4i... --json

Known are those who announced it while \`omninode listen\` or \`omninode serve\` ran here, and those that a fetch found.`;

/** `omninode store verify|gc|stats|providers`: the shards on this disk, and who else has them. */
export function storeCommand(program: Command, launch: Launch): void {
  const group = program.command('store').summary('verify, limit and measure the shards on this disk').addHelpText('after', EXAMPLES);
  group.command('verify').summary('compare every block with its hash')
    .option('--model <name>', 'only this model, as `omninode model ls` names it')
    .option('--repair', 'fetch damaged blocks from peers')
    .option('--peer <multiaddr>', 'with --repair: a node of the mesh, which has it or knows who has; repeat for more', collect)
    .addHelpText('after', VERIFY_EXAMPLES)
    .action((args: VerifyArgs) => launch(verify, args, jsonOf(args)));
  group.command('gc').summary('remove leftovers and what is over the quota, least recently used first')
    .option('--to <size>', 'down to this size, e.g. 20GB (default: the quota)', byteSize)
    .option('--unfinished', 'also what downloads and fetches left that were broken off')
    .addHelpText('after', GC_EXAMPLES)
    .action((args: GcArgs) => launch(gc, args, jsonOf(args)));
  group.command('stats').summary('what is used, pinned and free')
    .addHelpText('after', STATS_EXAMPLES)
    .action((args: object) => launch(stats, {}, jsonOf(args)));
  group.command('providers').summary('who is known to have which models and shards')
    .argument('[model]', 'CID of a manifest or shard, or the name of a model that is known here')
    .addHelpText('after', PROVIDERS_EXAMPLES)
    .action((model: string | undefined, args: object) => launch(providers, { model }, jsonOf(args)));
}

interface GcArgs {
  readonly to?: number;
  readonly unfinished?: true;
}

interface VerifyArgs {
  readonly model?: string;
  readonly repair?: true;
  readonly peer?: readonly string[];
}

async function verify({ settings, output, signal }: CommandContext, { model, repair, peer: peers = [] }: VerifyArgs): Promise<number> {
  if (repair === undefined && peers.length > 0) throw cliErrors.usage({ problem: '--peer means something with --repair only' });
  const report = await verifyStore(settings.config, { model, signal, onStatus: (text) => output.progress(text) });
  const repaired = repair === undefined ? undefined : await repairStore(settings.config, { damaged: report.damaged, peers }, {
    paths: appPaths(), signal, onEvent: (event) => { if (event.kind === 'progress') output.progress(`repairing ${Math.floor((100 * event.bytesDone) / event.bytesTotal)} %`); },
  });
  output.answer(scrubView(report, repaired));
  output.result({ ...report, repaired: repaired ?? null });
  const isWell = report.gone.length === 0 && report.damaged.every(({ path }) => repaired?.paths.includes(path) === true);
  return isWell ? EXIT.ok : EXIT.local;
}

async function gc({ settings, output }: CommandContext, { to, unfinished }: GcArgs): Promise<number> {
  const done = await collectGarbage(settings.config, { targetBytes: to, unfinished });
  output.answer(`freed ${megabytes(done.freedBytes)}, ${megabytes(done.usedBytes)} used\n`);
  output.result(done);
  return EXIT.ok;
}

async function stats({ settings, output }: CommandContext): Promise<number> {
  const found = await storeStats(settings.config);
  output.answer(statsView(found));
  output.result(found);
  return EXIT.ok;
}

async function providers({ settings, output }: CommandContext, { model }: { model: string | undefined }): Promise<number> {
  const items = await listProviders(settings.config, model);
  output.answer(providersView(items, Date.now()));
  output.result({ items });
  return EXIT.ok;
}
