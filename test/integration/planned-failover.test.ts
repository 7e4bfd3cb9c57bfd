import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { appPaths, BATCH_TOKENS, createNode, loadSettings, startCluster, type Cluster, type Node, type Settings } from '../../src-main/host/index.ts';
import { layerFactsOf } from '../../src-main/host/layer-facts.ts';
import { planOverPeers, type PeerPlan } from '../../src-main/host/peer-plan.ts';
import { chooseByPlan } from '../../src-main/host/replace-peers.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { createReroute, type Choose, type Pipeline } from '../../src-main/pipeline/index.ts';
import { SEEDED } from '../perf/lib/failover-runs.ts';
import { generateModel } from '../support/models/index.ts';

/** Real node processes, planned by what they told and measured; one is killed amid an answer, and the plan's facts say who takes over. */
const home = mkdtempSync(join(tmpdir(), 'omninode-planned-failover-'));
const path = join(home, 'model.gguf');
const [CONTEXT, TOKENS] = [512, 200];
const prompt = Int32Array.from({ length: 45 }, (_, i) => 5 + ((i * 7) % 200));
const signal = new AbortController().signal;
let settings: Settings;
let cluster: Cluster;
let node: Node;

beforeAll(async () => {
  await generateModel({ path, architecture: 'llama', type: 'Q4_0', layers: 6, seed: 9 });
  settings = await loadSettings({ model: path, home, contextTokens: CONTEXT, threads: 1, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false });
  cluster = await startCluster(settings, { nodes: 3, replicas: 2, paths: appPaths() });
  node = await createNode({ settings, paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
});
afterAll(async () => {
  await node.stop();
  await cluster.stop();
  await rm(home, { recursive: true, force: true });
});

const planned = async (): Promise<PeerPlan> => planOverPeers(node, {
  home, addresses: cluster.nodes.flatMap(({ addresses }) => addresses[0] ?? []), modelHash: cluster.model.manifest.model_hash,
  layers: await layerFactsOf(path, 'f16'), contextTokens: CONTEXT, batchTokens: BATCH_TOKENS, surveyMs: 10_000, signal,
});

async function open(plan: PeerPlan, choose: Choose): Promise<Pipeline> {
  const { coordinator } = node;
  const reroute = createReroute({
    modelHash: plan.modelHash, candidates: () => plan.peers, timeoutMs: 3_000, queryOffers: (request) => coordinator.queryOffers(request),
    planner: { choose, queryNode: (request) => coordinator.queryNode(request) },
  });
  return coordinator.openPipeline({ route: plan.placement.stages, modelHash: plan.modelHash, contextTokens: CONTEXT, batchTokens: 32, dtype: 'f16', reroute });
}

for (const [how, sampling] of [['greedy', GREEDY], ['sampled', SEEDED]] as const) {
  it.runIf(process.platform !== 'win32')(`an answer over a plan goes on token for token when a stage is killed (${how})`, async () => {
    const plan = await planned();
    const byPlan = chooseByPlan(plan);
    const choices: string[] = [];
    const answer = async (atToken: number | undefined): Promise<{ tokens: number[]; failovers: number; peers: string[] }> => {
      const pipeline = await open(plan, (loss) => {
        const stages = byPlan(loss);
        choices.push(...stages.map(({ peer }) => peer));
        return stages;
      });
      const victim = plan.placement.stages[0]?.peer;
      const generation = pipeline.generate({ promptTokens: prompt, sampling, maxTokens: TOKENS, endTokens: [] });
      const tokens: number[] = [];
      for await (const { token } of generation) {
        if (tokens.push(token) === atToken) process.kill(cluster.nodes.find(({ peerId }) => peerId === victim)?.pid ?? 0, 'SIGKILL');
      }
      const peers = pipeline.stages.map(({ peer }) => peer);
      await pipeline.close();
      return { tokens, failovers: generation.failovers, peers };
    };
    const undisturbed = await answer(undefined);
    expect([undisturbed.failovers, choices]).toEqual([0, []]);
    const { tokens, failovers, peers } = await answer(20);
    expect({ tokens, failovers }).toEqual({ tokens: undisturbed.tokens, failovers: 1 });
    expect(choices.length).toBeGreaterThan(0);
    expect(peers[0]).toBe(choices[0]);
    expect(peers).not.toContain(plan.placement.stages[0]?.peer);
    await cluster.revive([]);
  });
}
