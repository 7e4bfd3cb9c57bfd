import { noMetrics, silentLogger, toCoded } from '../../src-main/base/index.ts';
import { TransferNode, type TransferFile } from '../../src-main/host/transfer-node.ts';

// A node that moves shards, in a process of its own: gives files, fetches others, says on stdout what happens (a JSON line each).
export interface TransferPeerSetup {
  readonly home: string;
  readonly listen?: readonly string[];
  readonly files?: readonly TransferFile[];
  readonly fetch?: { readonly shards: readonly TransferFile[]; readonly peers: readonly string[]; readonly patienceMs?: number };
  readonly uploadBytesPerSecond?: number;
}

const { home, listen = ['/ip4/127.0.0.1/tcp/0'], files = [], fetch, uploadBytesPerSecond } = JSON.parse(process.argv[2] ?? '{}') as TransferPeerSetup;
const say = (event: string, detail: object): void => void process.stdout.write(`${JSON.stringify({ event, ...detail })}\n`);

const node = await TransferNode.create({ identity: { kind: 'ephemeral' }, listen, home, logger: silentLogger, metrics: noMetrics, uploadBytesPerSecond });
await node.start();
for (const file of files) await node.shelf.add(file.path, file);
say('ready', { addresses: node.mesh.addresses() });
process.stdin.on('end', () => void node.stop()).resume();
if (fetch !== undefined) {
  try {
    const report = await node.fetch({ ...fetch, urls: [], onEvent: (event) => say(event.kind, event) });
    say('done', { ...report, sources: report.sources.map(({ name, bytes, error }) => ({ name, bytes, code: error?.code })) });
  } catch (error) {
    say('failed', { code: toCoded(error).code });
  }
}
