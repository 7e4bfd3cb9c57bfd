import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { asPeerId } from '../../src-main/base/index.ts';
import { appPaths, createNode, loadSettings, type Node } from '../../src-main/host/index.ts';
import { shardForCluster } from '../../src-main/host/sharded-model.ts';
import { createLocalModel, GREEDY } from '../../src-main/inference/index.ts';
import type { Pipeline } from '../../src-main/pipeline/index.ts';
import { generateModel } from '../support/models/index.ts';

const home = mkdtempSync(join(tmpdir(), 'omninode-lane-nodes-'));
const path = join(home, 'model.gguf');
const CONTEXT = 128;
const prompt = Int32Array.from([5, 40, 41, 42, 43]);
const nodes: Node[] = [];
let whole: number[];

beforeAll(async () => {
  await generateModel({ path, architecture: 'llama', type: 'Q8_0', layers: 6, seed: 3 });
  const model = await createLocalModel({ path, contextTokens: CONTEXT, batchTokens: 32, threads: 1, gpuLayers: 0 });
  whole = [];
  for await (const { token } of model.generate({ promptTokens: prompt, sampling: GREEDY, maxTokens: 100, endTokens: [], signal: new AbortController().signal })) whole.push(token);
  await model.dispose();
});
afterEach(async () => { for (const node of nodes.splice(0).toReversed()) await node.stop(); });
afterAll(() => rm(home, { recursive: true, force: true }));

interface PipelineOptions {
  readonly process?: 'own' | 'worker';
  readonly speculate?: boolean | 'always';
}

/** A coordinator and `count` nodes with one shard each, all with a real mesh on loopback. */
async function pipelineOver(count: number, { process = 'own', speculate = true }: PipelineOptions = {}): Promise<Pipeline> {
  const settings = await loadSettings({ model: path, home, contextTokens: CONTEXT, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false });
  const { shards, manifest } = await shardForCluster(settings.config, { nodes: count, paths: appPaths() });
  for (const shard of [undefined, ...shards]) {
    const node = await createNode({ settings, paths: appPaths(), shards: shard === undefined ? [] : [shard], identity: 'ephemeral', process });
    nodes.push(node);
    await node.start();
  }
  const route = shards.map(({ layers }, i) => ({ peer: asPeerId(nodes[i + 1]?.mesh.peerId ?? ''), addresses: nodes[i + 1]?.mesh.addresses() ?? [], layers }));
  return (nodes[0] as Node).coordinator.openPipeline({ route, modelHash: manifest.model_hash, contextTokens: CONTEXT, batchTokens: 32, dtype: 'f32', speculate });
}

async function answer(pipeline: Pipeline, tokens: number): Promise<number[]> {
  const out: number[] = [];
  const generation = pipeline.generate({ promptTokens: prompt, sampling: GREEDY, maxTokens: tokens, endTokens: [] });
  for await (const { token } of generation) out.push(token);
  // The figures come after the last token.
  await generation.result;
  return out;
}

async function laneRows(node: Node | undefined): Promise<number> {
  const text = await node?.metrics.text() ?? '';
  return Number(/^omninode_stage_lane_rows_total (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

test.each([[2, 'own', true], [3, 'own', 'always'], [2, 'worker', 'always'], [2, 'own', false]] as const)('an answer over %i nodes (%s process, speculate: %s) moves from the mesh to the lanes and stays the same; so do the next ones', async (count, process, speculate) => {
  const pipeline = await pipelineOver(count, { process, speculate });
  expect(await answer(pipeline, 100)).toEqual(whole);
  expect(await answer(pipeline, 40)).toEqual(whole.slice(0, 40));
  expect(await answer(pipeline, 100)).toEqual(whole);
  expect(pipeline.stats?.stages.every((stage) => (stage?.msPerToken ?? 0) > 0)).toBe(true);
  expect(pipeline.stats?.boundaries).toHaveLength(count);
  await pipeline.close();
  for (const node of nodes.slice(1)) await expect.poll(() => laneRows(node), { timeout: 20_000 }).toBeGreaterThan(100);
});

test('a traced answer has every step of every stage, those of the lanes and those before them', async () => {
  // Drafts that did not come true are rows, too.
  const pipeline = await pipelineOver(3, { process: 'worker', speculate: false });
  const generation = pipeline.generate({ promptTokens: prompt, sampling: GREEDY, maxTokens: 100, endTokens: [], trace: true });
  for await (const { position } of generation) expect(position).toBeGreaterThan(0);
  const { trace, stats } = await generation.result;
  const positions = [0, ...Array.from({ length: 99 }, (_, i) => prompt.length + i)];
  for (const stage of trace?.stages ?? []) {
    expect(stage?.steps.map(({ position }) => position)).toEqual(positions);
    expect(stage?.steps.filter(({ isLane }) => isLane).length).toBeGreaterThan(60);
  }
  // The lane tells tokens by the handful, yet each has its own time: at most one is lost where the lane takes over.
  expect(trace?.tokens.filter(({ gapUs }) => gapUs === undefined).length).toBeLessThanOrEqual(3);
  expect(stats.itlMs?.p50).toBeGreaterThan(0);
  expect(stats.stages.map((stage) => stage?.rows)).toEqual([104, 104, 104]);
  await pipeline.close();
});

test('a traced answer that was guessed ahead has each position once, and says which rows were guesses', async () => {
  const pipeline = await pipelineOver(3, { speculate: 'always' });
  const generation = pipeline.generate({ promptTokens: prompt, sampling: { ...GREEDY, repetitionPenalty: 0.1 }, maxTokens: 100, endTokens: [], trace: true });
  for await (const { position } of generation) expect(position).toBeGreaterThan(0);
  const { trace, stats } = await generation.result;
  const positions = [0, ...Array.from({ length: 99 }, (_, i) => prompt.length + i)];
  for (const stage of trace?.stages ?? []) {
    const steps = stage?.steps ?? [];
    expect(steps.map(({ position }) => position).slice(0, 100)).toEqual(positions);
    expect(steps.some(({ isDraft }) => isDraft)).toBe(true);
  }
  const { drafted = 0, accepted = 0, dropped = 0 } = stats.speculation ?? {};
  expect(accepted).toBeGreaterThan(50);
  expect(drafted - accepted).toBeGreaterThanOrEqual(dropped);
  await pipeline.close();
});

test.each([['greedy', GREEDY], ['sampled', { ...GREEDY, temperature: 0.9, seed: 5 }]] as const)('answers guessed ahead at the same time do not disturb each other, nor the next turn of one (%s)', async (_how, sampling) => {
  const asked = [prompt, Int32Array.from([...prompt].toReversed()), Int32Array.from([9, 9, 9, 30, 9, 9, 9])];
  const all = async (speculate: boolean | 'always'): Promise<number[][]> => {
    const pipeline = await pipelineOver(2, { speculate });
    const read = async (promptTokens: Int32Array, maxTokens: number): Promise<number[]> => {
      const out: number[] = [];
      const generation = pipeline.generate({ promptTokens, sampling, maxTokens, endTokens: [] });
      for await (const { token } of generation) out.push(token);
      await generation.result;
      return out;
    };
    const answers = await Promise.all(asked.map((promptTokens) => read(promptTokens, 60)));
    const turn = await read(Int32Array.from([...prompt, ...(answers[0] ?? []), 50, 51]), 30);
    await pipeline.close();
    return [...answers, turn];
  };
  expect(await all('always')).toEqual(await all(false));
});

test('a cancelled answer leaves the lanes ready for the next', async () => {
  const pipeline = await pipelineOver(2);
  const cancelled = pipeline.generate({ promptTokens: prompt, sampling: GREEDY, maxTokens: 100, endTokens: [] });
  let seen = 0;
  for await (const one of cancelled) if (one.position > 0 && ++seen === 60) break;
  expect((await cancelled.result).finishReason).toBe('cancelled');
  expect(await answer(pipeline, 100)).toEqual(whole);
  await pipeline.close();
});

test('a slow reader holds the lanes back, and gets every token', async () => {
  const pipeline = await pipelineOver(2);
  const generation = pipeline.generate({ promptTokens: prompt, sampling: GREEDY, maxTokens: 100, endTokens: [] });
  const out: number[] = [];
  for await (const { token } of generation) {
    out.push(token);
    // Nothing was taken but this one token, so that the window (64) fills; it must open again.
    if (out.length === 1) await expect.poll(() => generation.received, { timeout: 20_000 }).toBeGreaterThanOrEqual(60);
  }
  expect(out).toEqual(whole);
  await pipeline.close();
});

test('a node that stops amid an answer is named, and nothing hangs', async () => {
  const pipeline = await pipelineOver(3);
  const generation = pipeline.generate({ promptTokens: prompt, sampling: GREEDY, maxTokens: 100, endTokens: [] });
  generation.result.catch(() => undefined);
  const reading = (async () => {
    let seen = 0;
    for await (const one of generation) if (one.position > 0 && ++seen === 30) void nodes[2]?.stop();
  })();
  await expect(reading).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LOST', meta: { stage: 1 } });
});
