import { Command, Option } from 'commander';
import type { CommandContext, CommandRun } from './command.ts';
import { banCommand } from './commands/ban.ts';
import { clusterCommand } from './commands/cluster.ts';
import { contributeCommand } from './commands/contribute.ts';
import { doctorCommand } from './commands/doctor.ts';
import { embedCommand } from './commands/embed.ts';
import { fetchCommand } from './commands/fetch.ts';
import { inferCommand } from './commands/infer.ts';
import { inviteCommand } from './commands/invite.ts';
import { joinCommand } from './commands/join.ts';
import { keyCommand } from './commands/key.ts';
import { listenCommand } from './commands/listen.ts';
import { modelCommand } from './commands/model.ts';
import { netCommand } from './commands/net.ts';
import { peersCommand } from './commands/peers.ts';
import { pipelineCommand } from './commands/pipeline.ts';
import { pipelineInferCommand } from './commands/pipeline-infer.ts';
import { sendCommand } from './commands/send.ts';
import { serveCommand } from './commands/serve.ts';
import { chainCommand } from './commands/sum/chain.ts';
import { committeeCommand } from './commands/sum/committee.ts';
import { slashEvidenceCommand } from './commands/sum/slash-evidence.ts';
import { stakeCommands } from './commands/sum/stake.ts';
import { walletCommand } from './commands/sum/wallet.ts';
import { shardCommand } from './commands/shard.ts';
import { storeCommand } from './commands/store.ts';
import { verifyCommand } from './commands/verify.ts';
import { zoneCommand } from './commands/zone.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';

/** Runs one command with the global options that were given; its exit code becomes the process's. */
export type Invoke = (globals: Readonly<Record<string, unknown>>, run: (context: CommandContext) => Promise<number>) => Promise<void>;

/** How a command file adds itself: `define(program, launch)`. */
export type Launch = <Args>(run: CommandRun<Args>, args: Args, globals: Readonly<Record<string, unknown>>) => Promise<void>;

const EXAMPLES = `
Examples:
  omninode doctor                                  check this machine
  omninode infer "What is a shard?"                one process, the whole model
  omninode pipeline-infer "What is a shard?" --cluster 3
                                                   three processes, each a third of the layers
  omninode listen --model m.gguf --layers 0-15     serve layers to the mesh
  omninode invite --qr                             a link with which another machine joins this mesh
  omninode join omni://join/...                    join by such a link
  omninode pipeline-infer "Hi" --model m.gguf --peer /ip4/192.168.1.7/tcp/4001/p2p/12D3...
  omninode verify receipts.json --model m.gguf     check what the nodes computed
  omninode pipeline trace "Hi" --cluster 3 -o t.json  where the time goes, for ui.perfetto.dev
  omninode peers --watch                           who is in the mesh, and what each machine can do
  omninode model ls                                what is in the store, and how much of it
  omninode store verify                            compare every block on the disk with its hash
  omninode fetch bafyr4i... --peer /ip4/...        a sharded model, from peers that hold it
  omninode zone new-key                            found a private zone
  omninode serve                                   the app, in your browser
  omninode key new --scope chat                    a key for programs that speak OpenAI's API
  omninode wallet create                           an account for staking and paid work
  omninode stake 1000                              stake SUM for this node
  omninode embed "a text" --model FOLDER           text to a vector, for search
  eval "$(omninode completion bash)"               completion for this shell

Exit codes: 0 done, 1 internal, 2 your input, 3 a peer's fault, 4 this machine, 130 cancelled.`;

export function createProgram(version: string, invoke: Invoke): Command {
  const program = new Command('omninode');
  program
    .description('Run one language model across several machines, layer range by layer range.')
    .version(version)
    .option('--json', 'machine-readable output on stdout')
    .option('--home <dir>', 'where identity, configuration and shards are kept (default ~/.omninode)')
    .addOption(new Option('--log-level <level>', 'logs on stderr').choices(['debug', 'info', 'warn', 'error', 'silent']))
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(omninode --help shows commands and examples)')
    .exitOverride();
  const launch: Launch = (run, args, globals) => invoke({ ...program.opts(), ...globals }, (context) => run(context, args));
  for (const define of [doctorCommand, listenCommand, inviteCommand, joinCommand, sendCommand, shardCommand, fetchCommand, modelCommand, storeCommand, inferCommand, pipelineInferCommand, pipelineCommand, peersCommand, netCommand, clusterCommand, serveCommand, contributeCommand, keyCommand, embedCommand, verifyCommand, zoneCommand, banCommand, walletCommand, stakeCommands, slashEvidenceCommand, committeeCommand, chainCommand]) define(program, launch);
  defineCompletion(program);
  // --json reads naturally before or after the command, so every command takes the global flags too.
  for (const command of program.commands.flatMap((one) => [one, ...one.commands])) command.exitOverride().addOption(new Option('--json', 'machine-readable output').hideHelp());
  return program;
}

function defineCompletion(program: Command): void {
  program.command('completion').summary('print a completion script for your shell').argument('<shell>', SHELLS.join(', '))
    .addHelpText('after', '\nExample:\n  eval "$(omninode completion bash)"')
    .action((shell: string) => {
      if (!SHELLS.some((known) => known === shell)) program.error(`error: "${shell}" is not one of ${SHELLS.join(', ')}`);
      process.stdout.write(completionScript(program, shell as Shell));
    });
}
