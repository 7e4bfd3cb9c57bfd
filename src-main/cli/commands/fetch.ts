import { resolve } from 'node:path';
import type { Command } from 'commander';
import { appPaths, fetchModel, type FoundProvider, type TransferEvent } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { cliErrors } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { byteSize, collect, layerRange } from '../options.ts';
import { megabytes, type Output } from '../output.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';

interface Args {
  readonly peer?: readonly string[];
  readonly url?: readonly string[];
  readonly layers?: { first: number; last: number };
  readonly out?: string;
  readonly limit?: number;
}

const EXAMPLES = `
Examples:
  omninode fetch bafyr4i... --peer /ip4/192.168.1.7/tcp/4001/p2p/12D3...
  omninode fetch bafyr4i...                          from whoever announced it to this home's node
  omninode fetch bafyr4i... --peer A --peer B --layers 0-15   only the shards with these layers
  omninode fetch bafyr4i... --peer A --url https://host/parts/ a web server helps
  omninode fetch bafyr4i... --peer A --out parts/ --limit 5MB

A peer need not have the model: it is asked who has.
Interrupted, it goes on where it was: what was fetched is checked and kept.`;

export function fetchCommand(program: Command, launch: Launch): void {
  program.command('fetch').summary('fetch a sharded model from peers, block by block')
    .argument('<manifest-cid>', 'as `omninode shard` printed it')
    .option('--peer <multiaddr>', 'a node of the mesh, which has some of it or knows who has; repeat for more', collect)
    .option('--url <folder>', 'an http(s) folder with its shards; repeat for more', collect)
    .option('--layers <first-last>', 'only the shards with these layers', layerRange)
    .option('--out <dir>', 'also put the shards there under their names')
    .option('--limit <size>', 'download at most so much a second, e.g. 5MB', byteSize)
    .addHelpText('after', EXAMPLES)
    .action((cid: string, args: Args) => launch(fetch, { cid, args }, jsonOf(args)));
}

async function fetch({ settings, output, signal }: CommandContext, { cid, args }: { cid: string; args: Args }): Promise<number> {
  const { peer: peers = [], url: urls = [], layers, out, limit } = args;
  if (limit === 0) throw cliErrors.usage({ problem: '--limit 0 would fetch nothing' });
  const view = new FetchView(output);
  const { manifest, report } = await fetchModel(settings.config, { manifestCid: cid, peers, urls, layers, folder: out === undefined ? undefined : resolve(out), downloadBytesPerSecond: limit }, {
    paths: appPaths(), signal, onEvent: (event) => view.show(event), onFound: (found) => view.found(found),
    onManifest: ({ model_name, shards }) => output.line(`${model_name}: ${shards.length} shards`),
  });
  for (const { name, bytes } of report.sources) if (bytes > 0) output.line(`  ${megabytes(bytes)} from ${name}`);
  output.answer(`${manifest.model_name}  ${megabytes(report.bytesTotal)}, ${megabytes(report.bytesFetched)} of it fetched\n`);
  output.result({ event: 'done', manifestCid: cid, modelName: manifest.model_name, ...report });
  return EXIT.ok;
}

const WAYS: Readonly<Record<FoundProvider['via'], string>> = { catalogue: 'it announced it', member: 'a member of the mesh says so', dht: 'found on the DHT' };

/** Progress for eyes, or one JSON object a line. */
class FetchView {
  readonly #output: Output;
  readonly #found = new Set<string>();
  #begun: { readonly atMs: number; readonly bytes: number } | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  found({ peer, addresses, via }: FoundProvider): void {
    this.#output.result({ event: 'found', peer, addresses, via });
    if (this.#found.has(peer)) return;
    this.#found.add(peer);
    this.#output.line(`${peer} has some of it (${WAYS[via]})`);
  }

  show(event: TransferEvent): void {
    const { kind, ...detail } = event;
    this.#output.result({ event: kind, ...detail });
    if (event.kind === 'progress') this.#output.progress(this.#progress(event));
    if (event.kind === 'stalled') this.#output.line(`${event.source} says nothing; others are asked`);
    if (event.kind === 'dropped') this.#output.line(`dropped ${event.source}: ${event.error.message} [${event.error.code}]`);
  }

  #progress({ bytesDone, bytesTotal }: Extract<TransferEvent, { kind: 'progress' }>): string {
    // What was here already is no speed.
    this.#begun ??= { atMs: performance.now(), bytes: bytesDone };
    const seconds = (performance.now() - this.#begun.atMs) / 1000;
    const bytesPerSecond = seconds > 0 ? (bytesDone - this.#begun.bytes) / seconds : 0;
    const left = bytesPerSecond > 0 ? `, ${Math.ceil((bytesTotal - bytesDone) / bytesPerSecond)} s left` : '';
    return `${Math.floor((100 * bytesDone) / bytesTotal)} %  ${megabytes(bytesDone)} of ${megabytes(bytesTotal)}  ${megabytes(bytesPerSecond)}/s${left}`;
  }
}
