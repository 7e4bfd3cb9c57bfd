import type { Command } from 'commander';
import { appPaths, startCluster } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { integer } from '../options.ts';
import { megabytes } from '../output.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';
import { untilAborted } from './wait.ts';

interface Args {
  readonly model?: string;
  readonly replicas: number;
}

export function clusterCommand(program: Command, launch: Launch): void {
  program.command('cluster').summary('start n nodes on this machine, each offering its part of a model')
    .argument('<nodes>', 'how many', integer(1, 64))
    .option('--model <name or file>', 'a .gguf file, a name of `omninode model ls`, or omni-guide, the model inside')
    .option('--replicas <n>', 'nodes that are given each part, so that one may be lost', integer(1, 64), 1)
    .addHelpText('after', '\nExample:\n  omninode cluster 3 --replicas 2\n  omninode pipeline-infer "Hi" --peer ADDR1 --peer ADDR2 --peer ADDR3')
    .action((nodes: number, args: Args) => launch(cluster, { nodes, args }, { ...jsonOf(args), model: args.model }));
}

async function cluster({ settings, output, signal }: CommandContext, { nodes, args: { replicas } }: { nodes: number; args: Args }): Promise<number> {
  const running = await startCluster(settings, { nodes, replicas, paths: appPaths(), signal, onStatus: (text) => output.progress(text) });
  try {
    for (const node of running.nodes) {
      output.line(`node ${node.index}  layers ${node.layers.first}-${node.layers.last}  ${megabytes(node.shardBytes)}  ${node.addresses[0]}`);
    }
    output.result({ nodes: running.nodes.map((n) => ({ index: n.index, peerId: n.peerId, addresses: n.addresses, layers: [n.layers.first, n.layers.last] })) });
    output.line('Ctrl-C ends them all.');
    await untilAborted(signal, running.lost);
  } finally {
    await running.stop();
  }
  return EXIT.ok;
}
