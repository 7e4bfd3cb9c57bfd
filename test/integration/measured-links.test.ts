import { afterEach, expect, test } from 'vitest';
import type { LinkFigures, PeerSummary } from '../../src-main/mesh/index.ts';
import { buildDelayLine } from '../perf/lib/rpc-programs.ts';
import { whyNoNamespaces } from '../support/fault-ground.ts';
import { createNetwork, loopbackNetwork, type Network } from '../support/network.ts';
import { PeerProcesses } from '../support/peer-processes.ts';

// What a node says of a link, against what the network does to it.

const lacks = await whyNoNamespaces();
if (lacks !== undefined) console.warn(`round trips are measured on the loopback alone, where there is none to compare them with; no network namespaces: ${lacks}`);

const RTT_MS = 100;
const PINGS = 20;
const processes = new PeerProcesses();
let network: Network | undefined;
afterEach(() => {
  processes.kill();
  network?.stop();
  network = undefined;
});

async function figuresBetween(hosts: Network['hosts']): Promise<LinkFigures> {
  const [near, far] = hosts.map(({ address, prefix }) => processes.start({ listen: [`/ip4/${address}/tcp/0`], prefix }));
  const [address] = (await far!.said('ready'))['addresses'] as string[];
  near!.tell({ dial: address! });
  const { peer } = await near!.said('dialled');
  const { peers } = await near!.state({ ping: { peer: String(peer), times: PINGS } });
  return (peers as PeerSummary[])[0]!.figures!;
}

test.skipIf(lacks !== undefined)('the round trip that the network takes is measured within 10 %', async () => {
  network = await createNetwork({ hosts: 2, rttMs: RTT_MS, delayLine: buildDelayLine });
  // The least: what a busy machine adds is no way of the packets.
  const { minRttMs, rttMs } = await figuresBetween(network.hosts);
  expect(minRttMs).toBeGreaterThan(0.9 * RTT_MS);
  expect(minRttMs).toBeLessThan(1.1 * RTT_MS);
  expect(rttMs).toBeGreaterThanOrEqual(minRttMs!);
});

test('where nothing holds packets back, next to nothing is measured', async () => {
  const { minRttMs } = await figuresBetween(loopbackNetwork(2).hosts);
  expect(minRttMs).toBeGreaterThan(0);
  expect(minRttMs).toBeLessThan(0.1 * RTT_MS);
});
