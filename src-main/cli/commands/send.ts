import type { Command } from 'commander';
import { appPaths, createNode, ephemeral } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { cliErrors } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { collect, integer } from '../options.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';

const TOPIC = 'omni/test/v1';

interface Args {
  readonly peer?: readonly string[];
  readonly mdns?: boolean;
  readonly timeout: number;
}

export function sendCommand(program: Command, launch: Launch): void {
  program.command('send').summary(`publish a text on ${TOPIC}`)
    .argument('<text>', 'at most 4 KiB')
    .option('--peer <addr>', 'multiaddr of a listening node; repeat for more', collect)
    .option('--mdns', 'find nodes on the local network')
    .option('--timeout <seconds>', 'how long to wait for a listener', integer(1, 3600), 10)
    .addHelpText('after', '\nExample:\n  omninode send "hello" --peer /ip4/127.0.0.1/tcp/4001/p2p/12D3...')
    .action((text: string, args: Args) => launch(send, { text, args }, { ...jsonOf(args), mdns: args.mdns }));
}

async function send({ settings, output, signal }: CommandContext, { text, args }: { text: string; args: Args }): Promise<number> {
  if (args.peer === undefined && args.mdns !== true) throw cliErrors.usage({ problem: 'send needs --peer ADDR or --mdns' });
  // A passing sender takes no identity from the home: a `listen` with the same home may be running.
  const node = await createNode({ settings: ephemeral(settings), paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
  try {
    await Promise.all((args.peer ?? []).map((address) => node.mesh.dial(address, { signal })));
    await node.mesh.waitForSubscriber(TOPIC, AbortSignal.any([signal, AbortSignal.timeout(args.timeout * 1000)]))
      .catch((error: unknown) => { throw signal.aborted ? error : cliErrors.nobodyListens({ topic: TOPIC, waitedMs: args.timeout * 1000 }); });
    const { recipients } = await node.mesh.publish(TOPIC, Buffer.from(text, 'utf8'));
    // On one connection bytes arrive in order: an answered ping says that the text before it is there.
    await Promise.allSettled(node.mesh.subscribers(TOPIC).map((peer) => node.mesh.ping(peer, { signal })));
    output.line(`sent to ${recipients} ${recipients === 1 ? 'peer' : 'peers'}`);
    output.result({ recipients });
  } finally {
    await node.stop();
  }
  return EXIT.ok;
}
