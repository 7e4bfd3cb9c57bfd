import { afterEach, expect, test } from 'vitest';
import type { PeerId } from '../../src-main/base/index.ts';
import type { PeerSummary } from '../../src-main/mesh/index.ts';
import { buildDelayLine } from '../perf/lib/rpc-programs.ts';
import { whyNoNamespaces } from '../support/fault-ground.ts';
import { createNetwork, loopbackNetwork, type NetworkHost } from '../support/network.ts';
import { PeerProcess } from '../support/peer-processes.ts';
import { TcpLines } from '../support/tcp-lines.ts';

const lacks = await whyNoNamespaces();
if (lacks !== undefined) console.warn(`round trips are measured on the loopback alone, not between namespaces, and losses where src-main/mesh/protocols/loss makes them: ${lacks}`);

const PORT = 4001;
const PINGS = 12;
const LOSS = 0.2;
/** Of a thousand datagrams each: 10 % of that loss are then five standard deviations. */
const PROBES = 10;
const stops: (() => void)[] = [];
afterEach(() => { for (const stop of stops.splice(0).toReversed()) stop(); });

interface Way {
  readonly hosts: readonly NetworkHost[];
  readonly listen: string;
  /** How one reaches what the other listens on. */
  readonly address: (addresses: readonly string[]) => Promise<string>;
  readonly change: (rttMs: number) => Promise<void>;
}

async function betweenNamespaces(rttMs: number): Promise<Way> {
  const network = await createNetwork({ hosts: 2, rttMs, delayLine: buildDelayLine });
  stops.push(() => network.stop());
  return {
    hosts: network.hosts, listen: `/ip4/0.0.0.0/tcp/${PORT}`,
    address: (addresses) => Promise.resolve(addresses.find((address) => address.includes(network.hosts[1]!.address)) ?? ''),
    change: (next) => network.change({ rttMs: next, jitterMs: 0, lossPercent: 0 }),
  };
}

/** What is left where namespaces cannot be made: pieces of the stream are held back. */
async function onTheLoopback(rttMs: number): Promise<Way> {
  const lines = new TcpLines();
  stops.push(() => lines.stop());
  lines.delay(rttMs);
  return {
    hosts: loopbackNetwork(2).hosts, listen: '/ip4/127.0.0.1/tcp/0',
    address: async ([address = '']) => address.replace(/\/tcp\/\d+/, `/tcp/${await lines.add({ from: 0, to: 1 }, Number(/\/tcp\/(\d+)/.exec(address)?.[1]))}`),
    change: (next) => Promise.resolve(lines.delay(next)),
  };
}

function start({ prefix }: NetworkHost, listen: string): PeerProcess {
  const child = new PeerProcess({ listen: [listen], prefix });
  stops.push(() => child.kill());
  return child;
}

const within10Percent = (measuredMs: number | undefined, rttMs: number): void => {
  expect(measuredMs).toBeGreaterThan(rttMs * 0.9);
  expect(measuredMs).toBeLessThan(rttMs * 1.1);
};

for (const [where, why, make] of [['between namespaces', lacks, betweenNamespaces], ['on the loopback', undefined, onTheLoopback]] as const) {
  test.skipIf(why !== undefined)(`a round trip time that the network was told is what the mesh measures, within 10 %, and so is another one (${where})`, async () => {
    const way = await make(100);
    const [near, far] = way.hosts.map((host) => start(host, way.listen)) as [PeerProcess, PeerProcess];
    const { peer, addresses } = await far.said('ready') as { peer: PeerId; addresses: string[] } & Record<string, unknown>;
    near.tell({ dial: await way.address(addresses) });
    await near.said('dialled');
    let asked = 0;
    for (const rttMs of [100, 200]) {
      await way.change(rttMs);
      near.tell({ ping: { peer, times: PINGS + asked } });
      const rttsMs = (await near.said('pinged', (said) => (said['rttsMs'] as number[]).length === PINGS + asked))['rttsMs'] as number[];
      asked++;
      // A busy machine only adds; the first may have left before the change.
      within10Percent(Math.min(...rttsMs.slice(1)), rttMs);
      const figures = ((await near.state())['peers'] as PeerSummary[]).find((summary) => summary.peer === peer)?.figures;
      if (rttMs === 100) within10Percent(figures?.minRttMs, rttMs);
      else expect(figures?.rttMs).toBeGreaterThan(150);
    }
  });
}

test.skipIf(lacks !== undefined)('a loss that the network was told is what the mesh measures, within 10 %, and none where there is none', { timeout: 240_000 }, async () => {
  const rttMs = 20;
  const network = await createNetwork({ hosts: 2, rttMs, delayLine: buildDelayLine });
  stops.push(() => network.stop());
  const [near, far] = network.hosts.map((host) => start(host, `/ip4/0.0.0.0/tcp/${PORT}`)) as [PeerProcess, PeerProcess];
  const { peer, addresses } = await far.said('ready') as { peer: PeerId; addresses: string[] } & Record<string, unknown>;
  near.tell({ dial: addresses.find((address) => address.includes(network.hosts[1]!.address)) ?? '' });
  await near.said('dialled');
  near.tell({ loss: { peer, times: 1 } });
  // A process that gets no time of a busy machine misses some, too.
  expect((await near.said('lost'))['shares']).toEqual([expect.closeTo(0, 1)]);
  await network.change({ rttMs, jitterMs: 0, lossPercent: 100 * LOSS });
  near.tell({ loss: { peer, times: PROBES } });
  expect((await near.said('lost', ({ shares }) => (shares as number[]).length !== 1))['shares']).toHaveLength(PROBES);
  const summary = ((await near.state())['peers'] as PeerSummary[]).find((one) => one.peer === peer);
  expect(summary?.figures?.loss).toBeGreaterThan(LOSS * 0.9);
  expect(summary?.figures?.loss).toBeLessThan(LOSS * 1.1);
});
