import { parseArgs } from 'node:util';
import { formatZoneKey, newZoneKey, type Mesh } from '../../src-main/mesh/index.ts';
import { ECHO_PROTOCOL, TEST_LIMITS, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { PeerProcess } from '../support/peer-processes.ts';
import type { FrameStream } from '../../src-main/mesh/types.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' }, hops: { type: 'string', default: '2000' }, dials: { type: 'string', default: '20' } } });
const [ROUNDS, HOPS, DIALS] = [Number(args.rounds), Number(args.hops), Number(args.dials)];
const HOP_BYTES = 8 * 1024;
const BULK_BYTES = 256 * 1024;
const BULK_FRAMES = 512;

interface Run {
  readonly zone: 'public' | 'private';
  readonly hopUs: number;
  readonly directHopUs: number;
  readonly directEchoMBs: number;
  /** Processor time of the dialler's process for a gigabyte sent and come back. */
  readonly directCpuSPerGB: number;
  readonly dialMs: number;
}

async function hop(stream: FrameStream, count: number): Promise<number> {
  const [frame, frames, us] = [Buffer.alloc(HOP_BYTES, 7), stream[Symbol.asyncIterator](), [] as number[]];
  for (let i = 0; i < count; i++) {
    const begunMs = performance.now();
    await stream.send(frame);
    await frames.next();
    us.push((performance.now() - begunMs) * 1000);
  }
  return median(us.slice(count / 4));
}

async function bulk(stream: FrameStream): Promise<Pick<Run, 'directEchoMBs' | 'directCpuSPerGB'>> {
  const frame = Buffer.alloc(BULK_BYTES, 7);
  const [begunMs, begunCpu] = [performance.now(), process.cpuUsage()];
  const sending = (async () => { for (let i = 0; i < BULK_FRAMES; i++) await stream.send(frame); })();
  let received = 0;
  for await (const echo of stream) {
    stream.recycle?.(echo);
    if (++received === BULK_FRAMES) break;
  }
  await sending;
  const { user, system } = process.cpuUsage(begunCpu);
  const bytes = BULK_FRAMES * BULK_BYTES;
  return { directEchoMBs: bytes / 1e3 / (performance.now() - begunMs), directCpuSPerGB: (1000 * (user + system)) / bytes };
}

async function dials(mesh: Mesh, address: string): Promise<number> {
  const ms: number[] = [];
  for (let i = 0; i < DIALS; i++) {
    const begunMs = performance.now();
    const peer = await mesh.dial(address);
    ms.push(performance.now() - begunMs);
    const gone = mesh.events.once('peer:disconnect');
    await mesh.hangUp(peer);
    await gone;
  }
  return median(ms);
}

async function measure(zone: Run['zone']): Promise<Run> {
  const key = newZoneKey();
  const far = new PeerProcess({ nativeTls: true, ...(zone === 'private' ? { zoneKey: formatZoneKey(key) } : {}) });
  const nodes = new TestNodes();
  try {
    const address = String(((await far.said('ready'))['addresses'] as string[])[0]);
    const near = await nodes.start({ nativeTls: true, zone: zone === 'private' ? { kind: 'private', key } : { kind: 'public' } });
    const dialMs = await dials(near, address);
    const peer = await near.dial(address);
    const hopUs = await hop(await near.open(peer, ECHO_PROTOCOL, { limits: TEST_LIMITS }), HOPS);
    const direct = await near.openDirect(address, ECHO_PROTOCOL, { limits: TEST_LIMITS });
    const directHopUs = await hop(direct, HOPS);
    return { zone, hopUs, directHopUs, ...(await bulk(direct)), dialMs };
  } finally {
    await nodes.stop();
    far.kill();
  }
}

const host = hostFacts();
const runs: Run[] = [];
for (let round = 0; round < ROUNDS; round++) for (const zone of ['public', 'private'] as const) runs.push(await measure(zone));
const of = (zone: Run['zone'], figure: Exclude<keyof Run, 'zone'>): number => median(runs.filter((run) => run.zone === zone).map((run) => run[figure]));
const FIGURES = ['hopUs', 'directHopUs', 'directEchoMBs', 'directCpuSPerGB', 'dialMs'] as const;
const medians = { public: Object.fromEntries(FIGURES.map((figure) => [figure, of('public', figure)])), private: Object.fromEntries(FIGURES.map((figure) => [figure, of('private', figure)])) };
const ratios = Object.fromEntries(FIGURES.map((figure) => [figure, of('private', figure) / of('public', figure)]));
print({ name: 'zone', host, ratios, medians, runs }, table(['', 'public', 'private', 'ratio'], FIGURES.map((figure) => [figure, of('public', figure).toFixed(1), of('private', figure).toFixed(1), (ratios[figure] ?? Number.NaN).toFixed(2)])));
