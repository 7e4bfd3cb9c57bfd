import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { hostFacts, print, table } from './lib/report.ts';

/** kill -9 in everything that writes: downloads from peers and from a hub, and what the store does by itself. See METHODOLOGY.md. */
const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, kills: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } } });

interface Crash {
  readonly kills: number;
  readonly corrupt: number;
  readonly lostBlocksMax: number;
}

interface Part extends Crash {
  readonly part: string;
  readonly result: object;
}

/** Runs one part in a process of its own; one that found something wrong ends with another code and its result all the same. */
async function run(script: string, more: readonly string[] = []): Promise<object> {
  const command = [join(import.meta.dirname, script), '--json', '--kills', args.kills, '--seed', args.seed, ...more];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 26 }).catch((error: { stdout?: string }) => {
    if (error.stdout === undefined || error.stdout === '') throw error;
    return { stdout: error.stdout };
  });
  return JSON.parse(stdout) as object;
}

const host = hostFacts();
const parts: Part[] = [];
const note = (part: string, { kills, corrupt, lostBlocksMax }: Crash, result: object): void => void parts.push({ part, kills, corrupt, lostBlocksMax, result });
const store = await run('lib/store-ops-crash.ts') as Crash;
note('write, cut, evict, scrub', store, store);
const fetch = await run('fetch-crash.bench.ts') as Crash;
note('download from peers', fetch, fetch);
const hub = await run('hub.bench.ts', ['--runs', '0', '--mib', '1']) as { readonly crash: Crash };
note('download from a hub', hub.crash, hub.crash);

const sum = (of: (part: Part) => number): number => parts.reduce((total, part) => total + of(part), 0);
const result = {
  name: 'store-crash', host, kills: sum(({ kills }) => kills), corrupt: sum(({ corrupt }) => corrupt), lostBlocksMax: Math.max(...parts.map(({ lostBlocksMax }) => lostBlocksMax)),
  seed: Number(args.seed), runs: parts,
};
print(result, `${table(['killed during', 'kills', 'corrupt', 'most blocks lost by one, per stream'], parts.map((part) => [part.part, part.kills, part.corrupt, part.lostBlocksMax]))}\n\n${result.kills} kills, ${result.corrupt} corrupt, at most ${result.lostBlocksMax} blocks lost`);
process.exitCode = result.corrupt === 0 && result.lostBlocksMax <= 1 ? 0 : 1;
