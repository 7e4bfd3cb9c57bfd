import { noMetrics, silentLogger, toCoded } from '../../src-main/base/index.ts';
import { TransferNode, type TransferShard } from '../../src-main/host/transfer-node.ts';
import { treeOfFile } from '../../src-main/store/index.ts';
import { say } from './say.ts';

// A node that moves shards, in a process of its own: gives files, fetches others, says on stdout what happens (a JSON line each).
export interface TransferPeerSetup {
  readonly home: string;
  readonly listen?: readonly string[];
  /** Paths. */
  readonly files?: readonly string[];
  readonly fetch?: { readonly shards: readonly TransferShard[]; readonly peers: readonly string[]; readonly patienceMs?: number };
  readonly uploadBytesPerSecond?: number;
  readonly storeQuotaBytes?: number;
}

const { home, listen = ['/ip4/127.0.0.1/tcp/0'], files = [], fetch, uploadBytesPerSecond, storeQuotaBytes } = JSON.parse(process.argv[2] ?? '{}') as TransferPeerSetup;

const node = await TransferNode.create({ identity: { kind: 'ephemeral' }, listen, home, logger: silentLogger, metrics: noMetrics, uploadBytesPerSecond, storeQuotaBytes });
await node.start();
for (const path of files) await node.store.add(path, await treeOfFile(path));
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
