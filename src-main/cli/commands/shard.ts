import { resolve } from 'node:path';
import type { Command } from 'commander';
import { appPaths, shardModelFile, type ShardPlan } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { cliErrors } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { cutPoints, integer } from '../options.ts';
import { megabytes } from '../output.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';

interface Args {
  readonly shards?: number;
  readonly cuts?: readonly number[];
  readonly out?: string;
}

const EXAMPLES = `
Examples:
  omninode shard model.gguf                    one shard per layer
  omninode shard model.gguf --shards 3         three of even size
  omninode shard model.gguf --cuts 4,8 --out parts/`;

export function shardCommand(program: Command, launch: Launch): void {
  program.command('shard').summary('cut a GGUF model into content-addressed shards')
    .argument('<model>', 'a .gguf file, a name of `omninode model ls`, or omni-guide')
    .option('--shards <n>', 'how many, of even size in bytes', integer(1, 10_000))
    .option('--cuts <list>', 'first layer of each shard but the first, e.g. 4,8', cutPoints)
    .option('--out <dir>', 'where to write (default: the store in ~/.omninode)')
    .addHelpText('after', EXAMPLES)
    .action((model: string, args: Args) => launch(shard, { model, args }, jsonOf(args)));
}

async function shard({ settings, output, signal }: CommandContext, { model, args }: { model: string; args: Args }): Promise<number> {
  const { folder, manifest, manifestCid } = await shardModelFile(settings.config, {
    paths: appPaths(), model, plan: planOf(args), signal, onStatus: (text) => output.progress(text),
    ...(args.out === undefined ? {} : { folder: resolve(args.out) }),
  });
  for (const entry of manifest.shards) {
    output.answer(`${entry.shard_index}  layers ${entry.layer_range.join('-')}  ${megabytes(entry.size_bytes)}  ${entry.cid}\n`);
  }
  output.line(`manifest ${manifestCid}\n${folder}`);
  output.result({ folder, manifestCid, manifest });
  return EXIT.ok;
}

function planOf(args: Args): ShardPlan {
  if (args.shards !== undefined && args.cuts !== undefined) throw cliErrors.usage({ problem: '--shards and --cuts exclude each other' });
  if (args.cuts !== undefined) return { kind: 'cuts', at: args.cuts };
  return args.shards === undefined ? { kind: 'per-layer' } : { kind: 'even', shards: args.shards };
}
