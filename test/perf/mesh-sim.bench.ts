import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { simulateMesh, SIM_DEFAULTS, type MeshSimResult, type SimPhase } from '../sim/mesh-sim.ts';
import { hostFacts, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: {
  json: { type: 'boolean' }, nodes: { type: 'string', default: String(SIM_DEFAULTS.nodes) }, dials: { type: 'string', default: String(SIM_DEFAULTS.dials) },
  lost: { type: 'string', default: String(SIM_DEFAULTS.lost) }, 'frame-loss': { type: 'string', default: String(SIM_DEFAULTS.links.loss) },
  'peace-ms': { type: 'string', default: String(SIM_DEFAULTS.peaceMs) }, seed: { type: 'string', default: '1' },
  /** Used by the bench itself: this process has the room that it needs. */
  roomy: { type: 'boolean' },
} });
const options = {
  ...SIM_DEFAULTS, nodes: Number(args.nodes), dials: Number(args.dials), lost: Number(args.lost), peaceMs: Number(args['peace-ms']), seed: Number(args.seed),
  links: { ...SIM_DEFAULTS.links, loss: Number(args['frame-loss']) },
};
/** Most of what a thousand nodes allocate lives for microseconds: with a small young generation collecting it is a third of the time.
 * And every message's bytes lie outside the heap: where these have a limit of their own, the whole heap is gone through each time it is reached. */
const ROOM = ['--max-semi-space-size=256', '--max-old-space-size=20000', '--external-memory-accounted-in-global-limit'];

const phases = ({ join, peace, loss }: MeshSimResult): Record<string, SimPhase> => ({ join, peace, loss });

function report(result: MeshSimResult, host: ReturnType<typeof hostFacts>, cpuMs: number): void {
  const rows = Object.entries(phases(result)).map(([name, { converged, virtualMs, durationVirtualMs, bytesPerNode, framesPerNode, wallMs }]) =>
    [name, converged ? 'yes' : 'no', virtualMs.p50, virtualMs.p99, virtualMs.max, durationVirtualMs, bytesPerNode.p50, bytesPerNode.p99, framesPerNode.p50, Math.round(wallMs / 1000)]);
  print({ name: 'mesh-sim', host, options, time: 'virtual', ...result, residentBytes: process.memoryUsage().rss, cpuMs, runs: 1 },
    `${options.nodes} nodes, ${result.connectionsPerNode.toFixed(1)} connections each; all times but the last are virtual\n\n`
    + table(['phase', 'agreed', 'ms until a node agrees, p50', 'p99', 'last', 'phase took ms', 'bytes sent a node, p50', 'p99', 'frames a node, p50', 'wall s'], rows));
}

async function main(): Promise<void> {
  if (args.roomy !== true) {
    const [code] = await once(fork(import.meta.filename, [...process.argv.slice(2), '--roomy'], { execArgv: ROOM, stdio: 'inherit' }), 'exit');
    process.exitCode = Number(code ?? 1);
    return;
  }
  const host = hostFacts();
  const result = await simulateMesh({ ...options, onPhase: (name, before) => process.stderr.write(`${before === undefined ? '' : `${JSON.stringify(before)}\n`}${name}\n`) });
  const { user, system } = process.cpuUsage();
  report(result, host, (user + system) / 1000);
}

await main();
// Timers of nodes that were made under virtual time mean nothing after it.
process.exit();
