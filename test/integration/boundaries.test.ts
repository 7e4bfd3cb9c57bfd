import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { asPeerId } from '../../src-main/base/index.ts';
import { appPaths, createNode, loadSettings, type GivenShard, type Node, type Settings } from '../../src-main/host/index.ts';
import { shardModelFile } from '../../src-main/host/sharded-model.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { createReroute, type OpenPipelineRequest, type Pipeline, type StageAssignment } from '../../src-main/pipeline/index.ts';
import { generateModel } from '../support/models/index.ts';

/** Where hidden states are rounded to F16 is part of an answer's bits, in a real model, over mesh and lanes. */
const home = mkdtempSync(join(tmpdir(), 'omninode-boundaries-'));
const path = join(home, 'model.gguf');
const [CONTEXT, TOKENS] = [512, 200];
const prompt = Int32Array.from({ length: 45 }, (_, i) => 5 + ((i * 7) % 200));
const SEEDED = { ...GREEDY, temperature: 0.9, seed: 42 };
const nodes: Node[] = [];
let settings: Settings;
let modelHash: string;
/** Of two layers each, and of one. */
let pairs: readonly GivenShard[];
let singles: readonly GivenShard[];

beforeAll(async () => {
  await generateModel({ path, architecture: 'llama', type: 'Q4_0', layers: 6, seed: 9 });
  settings = await loadSettings({ model: path, home, contextTokens: CONTEXT, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false });
  const cut = (plan: Parameters<typeof shardModelFile>[1]['plan']): ReturnType<typeof shardModelFile> => shardModelFile(settings.config, { paths: appPaths(), model: path, plan });
  const [even, fine] = [await cut({ kind: 'even', shards: 3 }), await cut({ kind: 'per-layer' })];
  [pairs, singles, modelHash] = [even.shards, fine.shards, even.manifest.model_hash];
});
afterEach(async () => { for (const node of nodes.splice(0).toReversed()) await node.stop(); });
afterAll(() => rm(home, { recursive: true, force: true }));

/** A coordinator, and a node for each shard. */
async function start(shards: readonly (GivenShard | undefined)[]): Promise<StageAssignment[]> {
  for (const shard of [undefined, ...shards]) {
    const node = await createNode({ settings, paths: appPaths(), shards: shard === undefined ? [] : [shard], identity: 'ephemeral', process: 'own' });
    nodes.push(node);
    await node.start();
  }
  return shards.map((shard, i) => ({ peer: asPeerId(nodes[i + 1]?.mesh.peerId ?? ''), addresses: nodes[i + 1]?.mesh.addresses() ?? [], layers: shard?.layers ?? { first: 0, last: 0 } }));
}

const open = (request: Pick<OpenPipelineRequest, 'route' | 'reroute'>): Promise<Pipeline> =>
  (nodes[0] as Node).coordinator.openPipeline({ ...request, modelHash, contextTokens: CONTEXT, batchTokens: 32, dtype: 'f16' });

async function answer(pipeline: Pipeline, onToken: (count: number) => void = () => undefined): Promise<number[]> {
  const tokens: number[] = [];
  const generation = pipeline.generate({ promptTokens: prompt, sampling: SEEDED, maxTokens: TOKENS, endTokens: [] });
  for await (const { token } of generation) onToken(tokens.push(token));
  await generation.result;
  return tokens;
}

test('a lost range that two nodes share goes on with the same tokens, and with others if the cut between them rounded', async () => {
  const route = await start([...pairs, singles[2], singles[3]]);
  const [first, , last, ...halves] = route as [StageAssignment, StageAssignment, StageAssignment, ...StageAssignment[]];
  const serving = route.slice(0, 3);
  const whole = await open({ route: serving });
  const expected = await answer(whole);
  await whole.close();

  const rounding = await open({ route: [first, ...halves, last] });
  expect(await answer(rounding)).not.toEqual(expected);
  await rounding.close();

  const exact = await open({ route: [first, ...halves.map((stage, i) => (i === 0 ? { ...stage, sends: 'f32' as const } : stage)), last] });
  expect(await answer(exact)).toEqual(expected);
  await exact.close();

  const { coordinator } = nodes[0] as Node;
  const reroute = createReroute({ modelHash, candidates: () => route, queryOffers: (request) => coordinator.queryOffers(request), timeoutMs: 3_000 });
  const pipeline = await open({ route: serving, reroute });
  expect(await answer(pipeline, (count) => { if (count === 20) void nodes[2]?.stop(); })).toEqual(expected);
  expect(pipeline.stages.map(({ peer }) => peer)).toEqual([first, ...halves, last].map(({ peer }) => peer));
  await pipeline.close();
});
