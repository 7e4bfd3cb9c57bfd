import { mkdtempSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HostServiceEvents } from '../../src-main/api/index.ts';
import { asPeerId, Events } from '../../src-main/base/index.ts';
import { appPaths, createNode, encodeReceiptsFile, loadSettings, verifyReceipts, type AnswerReceipts, type GivenShard, type Node, type Verification } from '../../src-main/host/index.ts';
import { findModel } from '../../src-main/host/model-file.ts';
import { PeerReceipts, type WrongReceipt } from '../../src-main/host/receipts/peer-receipts.ts';
import { shardForCluster } from '../../src-main/host/sharded-model.ts';
import { GREEDY, type ActivationDtype, type SamplingOptions } from '../../src-main/inference/index.ts';
import type { Pipeline } from '../../src-main/pipeline/index.ts';
import { cutStage } from '../../src-main/store/index.ts';
import { generateModel } from '../support/models/index.ts';

const home = mkdtempSync(join(tmpdir(), 'omninode-receipts-live-'));
const path = join(home, 'model.gguf');
const [LAYERS, CONTEXT] = [6, 192];
const prompt = Int32Array.from({ length: 37 }, (_, i) => 40 + ((i * 13) % 200));
const WARM: SamplingOptions = { ...GREEDY, temperature: 1, seed: 11 };
const nodes: Node[] = [];

beforeAll(() => generateModel({ path, architecture: 'llama', type: 'Q8_0', layers: LAYERS, seed: 3 }));
afterEach(async () => { for (const node of nodes.splice(0).toReversed()) await node.stop(); });
afterAll(() => rm(home, { recursive: true, force: true }));

const settingsFor = (model = path) => loadSettings({ model, home, contextTokens: CONTEXT, threads: 1, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false });

interface Cluster {
  readonly process?: 'own' | 'worker';
  /** As what each stage sends. */
  readonly sends?: readonly ActivationDtype[];
  readonly speculate?: boolean | 'always';
  /** Of every answer, after its end. */
  readonly receipts?: boolean;
  /** What a node really loads instead of its shard. */
  readonly swap?: (shard: GivenShard, index: number) => Promise<string>;
}

/** A coordinator and three nodes with a shard each, all with a real mesh on loopback. */
async function pipelineOver({ process = 'own', sends = ['f16', 'f16', 'f16'], speculate = true, receipts = false, swap = (shard) => Promise.resolve(shard.path) }: Cluster = {}): Promise<Pipeline> {
  const settings = await settingsFor();
  const { shards, manifest } = await shardForCluster(settings.config, { nodes: 3, paths: appPaths() });
  const given = await Promise.all(shards.map(async (shard, i) => ({ ...shard, path: await swap(shard, i) })));
  for (const shard of [undefined, ...given]) {
    const node = await createNode({ settings, paths: appPaths(), shards: shard === undefined ? [] : [shard], identity: 'ephemeral', process });
    nodes.push(node);
    await node.start();
  }
  const route = shards.map(({ layers }, i) => ({ peer: asPeerId(nodes[i + 1]?.mesh.peerId ?? ''), addresses: nodes[i + 1]?.mesh.addresses() ?? [], layers, sends: sends[i] ?? 'f32' }));
  return (nodes[0] as Node).coordinator.openPipeline({ route, modelHash: manifest.model_hash, contextTokens: CONTEXT, batchTokens: 16, dtype: 'f16', speculate, receipts });
}

interface Answered {
  readonly tokens: readonly number[];
  readonly receipts: AnswerReceipts;
}

async function answer(pipeline: Pipeline, { maxTokens = 100, promptTokens = prompt, sampling = GREEDY } = {}): Promise<Answered> {
  const generation = pipeline.generate({ promptTokens, sampling, maxTokens, endTokens: [], receipts: true });
  const tokens: number[] = [];
  for await (const { token } of generation) tokens.push(token);
  const { receipts } = await generation.result;
  if (receipts === undefined) throw new TypeError('no receipts');
  return { tokens, receipts };
}

/** As `omninode verify` does, from a file. */
async function verify({ file }: Pick<AnswerReceipts, 'file'>, windows = 99): Promise<Verification> {
  const written = join(home, 'receipts.json');
  await writeFile(written, file === undefined ? '' : encodeReceiptsFile(file));
  return verifyReceipts(await settingsFor(), { path: written, windows, signal: new AbortController().signal });
}
const outcomes = ({ verdicts }: Verification): Record<string, number> => Object.fromEntries([...Map.groupBy(verdicts, ({ layers, outcome }) => `${layers.join('-')} ${outcome}`)].map(([key, all]) => [key, all.length]));

async function laneRows(node: Node | undefined): Promise<number> {
  return Number(/^omninode_stage_lane_rows_total (\d+)/m.exec(await node?.metrics.text() ?? '')?.[1] ?? Number.NaN);
}

describe('three nodes that sign what they compute', () => {
  it.each([
    { process: 'own', sends: ['f16', 'f16'], speculate: false, sampling: GREEDY }, { process: 'worker', sends: ['f32', 'f16'], speculate: false, sampling: WARM },
    { process: 'own', sends: ['f16', 'f16'], speculate: 'always', sampling: GREEDY }, { process: 'worker', sends: ['f32', 'f16'], speculate: 'always', sampling: WARM },
  ] as const)('in $process processes over $sends (speculate: $speculate) are accepted in every window, of an answer that went by the lanes', async ({ process, sends, speculate, sampling }) => {
    const pipeline = await pipelineOver({ process, sends, speculate });
    const answered = await answer(pipeline, { sampling });
    await pipeline.close();
    for (const node of nodes.slice(1)) await expect.poll(() => laneRows(node), { timeout: 20_000 }).toBeGreaterThan(50);
    // Rows 0 to 135: the last token went through no stage.
    expect(answered.receipts).toMatchObject({ problems: [], perStage: [5, 5, 5] });
    const found = await verify(answered.receipts);
    expect(found).toMatchObject({ accepted: true, windows: 5, receipts: 15, contradictions: [] });
    // In the first window, all of the prompt, the last stage samples nothing.
    expect(outcomes(found)).toEqual({ '0-1 accepted': 5, '2-3 accepted': 5, '4-5 accepted': 4, '4-5 unchecked': 1 });
  });

  // Rows that were guessed wrongly are no rows.
  it.each([false, 'always'] as const)('sign the rows of each answer of a conversation once (speculate: %s)', async (speculate) => {
    const pipeline = await pipelineOver({ speculate });
    const first = await answer(pipeline, { maxTokens: 50 });
    const second = await answer(pipeline, { promptTokens: Int32Array.from([...prompt, ...first.tokens, 44, 45, 46]), maxTokens: 40 });
    await pipeline.close();
    const rowsOf = async (answered: Answered): Promise<string[]> => {
      const found = await verify(answered.receipts);
      expect({ problems: answered.receipts.problems, accepted: found.accepted, contradictions: found.contradictions }).toEqual({ problems: [], accepted: true, contradictions: [] });
      return [...new Set(found.verdicts.toSorted((a, b) => a.first - b.first).map(({ first: at, count }) => `${at}+${count}`))];
    };
    expect(await rowsOf(first)).toEqual(['0+32', '32+32', '64+22']);
    // All of the first answer but its last token was still in the caches. The last window is of one row.
    expect(await rowsOf(second)).toEqual(['86+10', '96+32', '128+1']);
  });
});

describe('a node that does otherwise', () => {
  const other = join(home, 'other.gguf');
  beforeAll(() => generateModel({ path: other, architecture: 'llama', type: 'Q8_0', layers: LAYERS, seed: 4 }));
  const cheat = (index: number, model: string, skip: number) => async (shard: GivenShard, i: number): Promise<string> => {
    if (i !== index) return shard.path;
    const { path: cut } = await cutStage({ model, layers: { first: shard.layers.first, last: shard.layers.last - skip }, outputPath: join(home, `cheat-${index}-${skip}.gguf`) });
    return cut;
  };

  it.each([
    { what: 'leaves a layer out in the middle', swap: cheat(1, path, 1), index: 1, layers: '2-3' },
    { what: 'has other weights in the middle', swap: cheat(1, other, 0), index: 1, layers: '2-3' },
    { what: 'has other weights at the end', swap: cheat(2, other, 0), index: 2, layers: '4-5' },
  ])('and $what is rejected', async ({ swap, index, layers }) => {
    const pipeline = await pipelineOver({ swap });
    // A seed makes the last stage's samples no evidence.
    const answered = await answer(pipeline, { sampling: WARM });
    await pipeline.close();
    // Nothing that can be seen without computing: it signs what it did, and its neighbours what they were sent.
    expect(answered.receipts.problems).toEqual([]);
    const found = await verify(answered.receipts);
    expect(found.accepted).toBe(false);
    const rejected = found.verdicts.filter(({ outcome }) => outcome === 'rejected');
    expect(rejected.length).toBeGreaterThanOrEqual(4);
    expect(new Set(rejected.map((verdict) => verdict.layers.join('-')))).toEqual(new Set([layers]));
    expect(new Set(rejected.map(({ peer }) => peer))).toEqual(new Set([nodes[index + 1]?.mesh.peerId]));
  });

  it('is found out by the app now and then, while nobody asks anything', async () => {
    const pipeline = await pipelineOver({ swap: cheat(1, other, 0), receipts: true });
    const events = new Events<HostServiceEvents>();
    const { config } = await settingsFor();
    const wrong: WrongReceipt[] = [];
    const options = { onWrong: (found: WrongReceipt) => Promise.resolve(void wrong.push(found)), node: nodes[0] as Node, config, events, random: () => 0, times: { idleMs: 1, pauseMs: 1, maxWaitMs: 60_000, maxRunMs: 60_000 } };
    const kept = await PeerReceipts.open(options);
    kept.opened({ pipeline, route: { model: { file: await findModel(path, { paths: appPaths(), config }) } } });
    const of = () => nodes.slice(1).map(({ mesh }) => kept.of(mesh.peerId));
    // A window in which the other weights do not show is one of few.
    for (let answers = 1; of()[1]?.failed !== 1; answers += 1) {
      events.emit('activity', { answering: 1, waiting: 0 });
      const generation = pipeline.generate({ promptTokens: prompt, sampling: WARM, maxTokens: 100, endTokens: [], anySeed: true });
      for await (const _ of generation);
      expect((await generation.result).receipts).toBeUndefined();
      await expect.poll(() => of()[0]?.signed, { timeout: 30_000 }).toBe(5 * answers);
      expect(of()[0]?.checked).toBe(answers - 1);
      events.emit('activity', { answering: 0, waiting: 0 });
      await expect.poll(() => of()[0]?.checked, { timeout: 30_000 }).toBe(answers);
    }
    const [first, cheating, last] = of();
    expect([first?.failed, cheating?.failed, last?.failed, last?.checked]).toEqual([0, 1, 0, first === undefined ? 0 : first.checked - 1]);
    await kept.stop();
    await pipeline.close();
    // What shows it to others: the one window, and the receipt that speaks against its peer.
    expect(wrong.map(({ receipt, file }) => file.receipts.includes(receipt))).toEqual([true]);
    const found = await verify({ file: wrong[0]?.file });
    expect(found).toMatchObject({ accepted: false, windows: 1, receipts: 3 });
    expect(found.verdicts.filter(({ outcome }) => outcome === 'rejected').map(({ peer }) => peer)).toEqual([nodes[2]?.mesh.peerId]);
    const again = await PeerReceipts.open(options);
    expect(nodes.slice(1).map(({ mesh }) => again.of(mesh.peerId))).toEqual([first, cheating, last]);
    await again.stop();
    expect((await readdir(home)).filter((name) => name.startsWith('verify-'))).toEqual([]);
  });
});
