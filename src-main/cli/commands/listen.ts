import type { Command } from 'commander';
import { appPaths, createNode, serveCommands, shardsOf, shareStore, type Sharing } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { collect, layerRange } from '../options.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';
import { untilAborted } from './wait.ts';

interface Args {
  readonly address?: readonly string[];
  readonly mdns?: boolean;
  readonly peer?: readonly string[];
  readonly model?: string;
  readonly layers?: { first: number; last: number };
}

const EXAMPLES = `
Examples:
  omninode listen                                        loopback only
  omninode listen --mdns                                 open to the LAN, and found there
  omninode listen --address /ip4/0.0.0.0/tcp/4001        open to the LAN on a port of your choice
  omninode listen --peer /ip4/192.168.1.7/tcp/4001/p2p/12D3...  join a mesh by one of its members
  omninode listen --model m.gguf --layers 0-15           offer these layers

What the store holds is announced to the mesh and given to whoever fetches it; shareStore: false in config.json or
OMNINODE_SHARE_STORE=0 keeps it to yourself.`;

export function listenCommand(program: Command, launch: Launch): void {
  program.command('listen').summary('join the mesh, give what the store holds, offer layers, print what arrives on omni/test/v1')
    .option('--address <multiaddr>', 'listen there; repeat for more (default /ip4/127.0.0.1/tcp/0, with --mdns /ip4/0.0.0.0/tcp/0)', collect)
    .option('--peer <multiaddr>', 'stay connected to this member of the mesh; repeat for more', collect)
    .option('--mdns', 'find and be found on the local network')
    .option('--model <name or file>', 'offer layers of this model: a .gguf file or a name of `omninode model ls`')
    .option('--layers <first-last>', 'which layers (default all)', layerRange)
    .addHelpText('after', EXAMPLES)
    .action((args: Args) => launch(listen, args, { ...jsonOf(args), listen: args.address, mdns: args.mdns, peers: args.peer }));
}

async function listen({ settings, output, signal }: CommandContext, args: Args): Promise<number> {
  const paths = appPaths();
  const shards = args.model === undefined ? [] : await shardsOf(settings.config, { paths, model: args.model, layers: args.layers, signal, onStatus: (text) => output.progress(text) });
  const node = await createNode({ settings, paths, shards, identity: 'file' });
  node.mesh.events.on('topic:message', (message) => {
    if (message.topic !== 'omni/test/v1') return;
    const text = Buffer.from(message.data).toString('utf8');
    output.answer(`${message.from}: ${text}\n`);
    output.result({ event: 'message', from: message.from, topic: message.topic, text });
  });
  await node.start();
  let sharing: Sharing | undefined;
  let endCommands: (() => Promise<void>) | undefined;
  try {
    endCommands = await serveCommands(node, { home: settings.config.home, paths });
    sharing = await shareStore({ config: settings.config, paths, mesh: node.mesh, logger: node.logger });
    output.line(`peer ${node.mesh.peerId}`);
    for (const address of node.mesh.addresses()) output.line(`  ${address}`);
    for (const address of sharing.transfer?.addresses ?? []) output.line(`shards${settings.config.bitswap ? ', for IPFS tools too' : ''}: ${address}`);
    for (const shard of shards) output.line(`offers layers ${shard.layers.first}-${shard.layers.last} of ${shard.modelName}`);
    output.result({ event: 'listening', peerId: node.mesh.peerId, addresses: node.mesh.addresses(), transfer: sharing.transfer?.addresses ?? [] });
    await untilAborted(signal);
  } finally {
    // Others hear at once that this node goes.
    await node.presence?.stop();
    await endCommands?.();
    await sharing?.stop();
    await node.stop();
  }
  return EXIT.ok;
}
