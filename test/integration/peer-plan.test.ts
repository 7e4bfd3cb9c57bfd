import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { appPaths, inferPipeline, loadSettings, planPipeline, recentPlans, startCluster, type Cluster, type PipelineRequest, type Settings } from '../../src-main/host/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';

/** Planning over real node processes: their links measured by themselves, answers remembered for the next plan. */
const home = mkdtempSync(join(tmpdir(), 'omninode-peer-plan-'));
const signal = new AbortController().signal;
let settings: Settings;
let cluster: Cluster;
let route: Extract<PipelineRequest['route'], { kind: 'peers' }>;

beforeAll(async () => {
  settings = await loadSettings({ home, contextTokens: 512, threads: 1, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, logLevel: 'silent' });
  cluster = await startCluster(settings, { nodes: 3, paths: appPaths() });
  route = { kind: 'peers', addresses: cluster.nodes.flatMap(({ addresses }) => addresses[0] ?? []) };
});
afterAll(async () => {
  await cluster.stop();
  await rm(home, { recursive: true, force: true });
});

const plan = () => planPipeline(settings, route, { signal });
const infer = () => inferPipeline(settings, { route, dtype: 'f16', sampling: GREEDY, maxTokens: 24, prompt: { kind: 'text', text: 'A shard is a part of a model that one node holds, and a pipeline runs over several of them; so' } }, { signal });

it('every link is measured: from here to each peer, and between each two by one of them', async () => {
  const { links, nodes, record } = await plan();
  const peers = cluster.nodes.map(({ peerId }) => peerId);
  const pairs = links?.map(({ a, b }) => [a, b].toSorted().join(' '));
  expect(pairs?.toSorted()).toEqual([...peers.map((peer) => [peer, 'here'].toSorted().join(' ')), ...peers.flatMap((a, i) => peers.slice(i + 1).map((b) => [a, b].toSorted().join(' ')))].toSorted());
  for (const link of links ?? []) {
    expect(link).toMatchObject({ roundTrip: 'measured', bandwidth: expect.stringMatching(/^(measured|at least)$/) });
    expect(link.rttMs).toBeGreaterThan(0);
    expect(link.bytesPerSecond).toBeGreaterThan(0);
  }
  expect(nodes.map(({ able }) => able?.correction)).toEqual(peers.map(() => ({ decode: 1, prefill: 1 })));
  expect(record).toBeUndefined();
});

it('what was measured of links is used again', async () => {
  const figures = async () => (await plan()).links?.filter(({ a }) => a !== 'here').map(({ rttMs, bytesPerSecond }) => [rttMs, bytesPerSecond]);
  expect(await figures()).toEqual(await figures());
});

it('an answer teaches the next plan what the nodes were worth, and says how good the plan was', async () => {
  expect(await recentPlans(settings)).toBeUndefined();
  const { tokenIds } = await infer();
  expect((await infer()).tokenIds).toEqual(tokenIds);
  const { nodes, record } = await plan();
  expect(record).toMatchObject({ answers: 2, predicted: { tokensPerSecond: expect.any(Number) }, measured: { tokensPerSecond: expect.any(Number) } });
  expect(await recentPlans(settings)).toEqual(record);
  const kept = JSON.parse(await readFile(join(home, 'planner.json'), 'utf8'));
  // Against a guess at first, then against what they measured themselves.
  expect(new Set(kept.nodes.map(({ isMeasured }: { isMeasured: boolean }) => isMeasured))).toEqual(new Set([false, true]));
  const known = new Map(kept.nodes.filter(({ isMeasured }: { isMeasured: boolean }) => isMeasured).map(({ peer, decode, prefill }: { peer: string; decode: number; prefill: number }) => [peer, { decode, prefill }]));
  expect(nodes.map(({ peerId, able }) => [peerId, able?.correction])).toEqual(nodes.map(({ peerId }) => [peerId, known.get(peerId ?? '')]));
});

it('a memory that was destroyed costs what was learnt, and no answer', async () => {
  await writeFile(join(home, 'planner.json'), '{"version":1,"nodes":');
  expect((await infer()).tokenIds.length).toBeGreaterThan(0);
  expect((await plan()).record).toMatchObject({ answers: 1 });
});
