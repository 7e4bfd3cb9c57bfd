import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asPeerId } from '../../src-main/base/index.ts';
import { appPaths, createNode, loadSettings, startCluster, type Cluster, type Node, type Settings } from '../../src-main/host/index.ts';
import { createWorkerTokenizer, GREEDY, type Grammar, type SamplingOptions, type Tokenizer } from '../../src-main/inference/index.ts';
import type { Generation } from '../../src-main/pipeline/index.ts';
import { openOver, runOnce, SEEDED, type FailoverRun, type Stand } from '../perf/lib/failover-runs.ts';
import { generateModel } from '../support/models/index.ts';

/** Real node processes, each holding two of three shards of a real model, killed or stopped amid an answer. */
const home = mkdtempSync(join(tmpdir(), 'omninode-failover-'));
const path = join(home, 'model.gguf');
const CONTEXT = 512;
// The stages run up to 64 tokens ahead of the reader: the harm must come before the end of that.
const TOKENS = 300;
// Longer than a micro-batch, so that the replay has more than one.
const prompt = Int32Array.from({ length: 45 }, (_, i) => 5 + ((i * 7) % 200));
const isPosix = process.platform !== 'win32';
let settings: Settings;
let cluster: Cluster;
let node: Node;
let stand: Stand;
let alert: Node;

beforeAll(async () => {
  await generateModel({ path, architecture: 'llama', type: 'Q4_0', layers: 6, seed: 9 });
  settings = await loadSettings({ model: path, home, contextTokens: CONTEXT, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false });
  cluster = await startCluster(settings, { nodes: 3, replicas: 2, paths: appPaths() });
  node = await createNode({ settings, paths: appPaths(), shards: [], identity: 'ephemeral' });
  // A stopped process is found by silence: the product waits 15 s, the test less.
  alert = await createNode({ settings, paths: appPaths(), shards: [], identity: 'ephemeral', coordinator: { heartbeatMs: 500, heartbeatTimeoutMs: 3_000 } });
  await Promise.all([node.start(), alert.start()]);
  stand = { cluster, node, contextTokens: CONTEXT };
});
afterAll(async () => {
  await Promise.all([node.stop(), alert.stop()]);
  await cluster.stop();
  await rm(home, { recursive: true, force: true });
});

async function undisturbed(sampling: SamplingOptions): Promise<number[]> {
  return [...(await runOnce({ ...stand, speculate: false }, prompt, { harm: 'kill', stage: -1, atToken: 1, sampling, tokens: TOKENS })).tokens];
}

describe.runIf(isPosix)('an answer over node processes', () => {
  const runs: readonly Omit<FailoverRun, 'tokens' | 'sampling'>[] = [
    { harm: 'kill', stage: 0, atToken: 3 }, { harm: 'kill', stage: 1, atToken: 50 }, { harm: 'kill', stage: 2, atToken: 200 },
    { harm: 'freeze', stage: 1, atToken: 20 },
  ];
  for (const [how, sampling] of [['greedy', GREEDY], ['sampled', SEEDED]] as const) {
    it(`goes on token for token when a stage is lost (${how})`, async () => {
      const expected = await undisturbed(sampling);
      expect(expected).toHaveLength(TOKENS);
      for (const run of sampling === GREEDY ? runs : runs.filter(({ harm }) => harm === 'kill')) {
        const { tokens, failovers, error } = await runOnce({ ...stand, node: run.harm === 'freeze' ? alert : node }, prompt, { ...run, sampling, tokens: TOKENS });
        expect({ run, tokens, error }).toEqual({ run, tokens: expected, error: undefined });
        expect(failovers).toBe(1);
      }
    });
  }

  it('keeps every boundary where it was when one node takes over two stages', async () => {
    // Hidden states are rounded to F16 there: without a boundary the answer would go on with other bits.
    const full = await startCluster(settings, { nodes: 3, replicas: 3, paths: appPaths() });
    try {
      const all = { ...stand, cluster: full };
      const lost = { harm: 'kill', stage: 1, also: [2], atToken: 20, sampling: SEEDED, tokens: TOKENS } as const;
      const expected = (await runOnce(all, prompt, { ...lost, stage: -1, also: [] })).tokens;
      expect(await runOnce(all, prompt, lost)).toMatchObject({ tokens: expected, error: undefined });
    } finally {
      await full.stop();
    }
  });

  // A penalty below 1 has the model say the same again, so that many guesses come true.
  it.each([['that come true', { ...GREEDY, repetitionPenalty: 0.1 }], ['that do not', SEEDED]])('goes on token for token when a stage is lost amid guesses %s', async (_how, sampling) => {
    const expected = await undisturbed(sampling);
    for (const run of runs.filter(({ harm }) => harm === 'kill')) {
      const { tokens, failovers, error } = await runOnce({ ...stand, speculate: 'always' }, prompt, { ...run, sampling, tokens: TOKENS });
      expect({ run, tokens, error }).toEqual({ run, tokens: expected, error: undefined });
      expect(failovers).toBe(1);
    }
  });

  describe('of a shape', () => {
    // Forty to a hundred numbers: a text that the model would never write by itself.
    const NUMBERS: Grammar = [{ any: [['[', 1, 2, ']']] }, { repeat: { in: '0123456789' }, min: 1, max: 5 }, { repeat: 3, min: 40, max: 100 }, { any: [[',', 1]] }];
    let tokenizer: Tokenizer;
    beforeAll(async () => { tokenizer = await createWorkerTokenizer({ path: cluster.model.vocabularyPath }, node.worker); });
    afterAll(() => tokenizer.dispose());
    const textOf = async (tokens: readonly number[]): Promise<string> => Buffer.concat(await Promise.all(tokens.map((token) => tokenizer.tokenBytes(token)))).toString();
    const shaped = async (sampling: SamplingOptions): Promise<FailoverRun> =>
      ({ shape: { grammar: NUMBERS, spelling: await tokenizer.spelling() }, endTokens: tokenizer.endTokens, sampling, tokens: 200, harm: 'kill', stage: -1, atToken: 1 });

    it.each([['greedy', GREEDY], ['drawn', SEEDED]])('is the same over one stage and three (%s)', async (_how, sampling) => {
      const single = await startCluster(settings, { nodes: 1, paths: appPaths() });
      try {
        const wanted = await shaped(sampling);
        // F16 rounds at boundaries, of which one stage has none.
        const { tokens } = await runOnce({ ...stand, dtype: 'f32' }, prompt, wanted);
        expect(await textOf(tokens)).toMatch(/^\[[0-9]{1,5}(,[0-9]{1,5}){20}/);
        expect((await runOnce({ ...stand, cluster: single }, prompt, wanted)).tokens).toEqual(tokens);
      } finally {
        await single.stop();
      }
    });

    it.each([
      { how: 'greedy, the last stage lost', sampling: GREEDY, stage: 2, speculate: false }, { how: 'drawn, the last stage lost amid guesses', sampling: SEEDED, stage: 2, speculate: 'always' },
      { how: 'drawn, another', sampling: SEEDED, stage: 1, speculate: false }, { how: 'greedy, the first amid guesses', sampling: GREEDY, stage: 0, speculate: 'always' },
    ] as const)('goes on token for token ($how)', async ({ sampling, stage, speculate }) => {
      const wanted = await shaped(sampling);
      const { tokens: expected } = await runOnce({ ...stand, speculate: false }, prompt, wanted);
      const { tokens, failovers, error } = await runOnce({ ...stand, speculate }, prompt, { ...wanted, stage, atToken: 40 });
      expect({ tokens, failovers, error }).toEqual({ tokens: expected, failovers: 1, error: undefined });
    });

    it.each([['greedy, the first stage', GREEDY, 0], ['drawn, the last', SEEDED, 2]])('computes only what is new in the next turn, and gives the same tokens where a stage is lost in it (%s)', async (_how, sampling, lostStage) => {
      const { shape, endTokens = [] } = await shaped(sampling);
      const turns = async (victim?: number): Promise<{ readonly first: number[]; readonly second: number[]; readonly reused: number; readonly failovers: number }> => {
        const pipeline = await openOver({ ...stand, speculate: 'always' });
        const lost = cluster.nodes[victim ?? -1];
        const turn = async (promptTokens: Int32Array, onToken = (_count: number): void => undefined): Promise<{ tokens: number[]; generation: Generation }> => {
          const generation = pipeline.generate({ promptTokens, sampling, maxTokens: 200, endTokens, ...(shape === undefined ? {} : { shape }) });
          const tokens: number[] = [];
          for await (const { token } of generation) onToken(tokens.push(token));
          return { tokens, generation };
        };
        try {
          const { tokens: first } = await turn(prompt);
          const { tokens: second, generation: { reusedTokens, failovers } } = await turn(goOn(first), (count) => { if (count === 30 && lost !== undefined) process.kill(lost.pid, 'SIGKILL'); });
          return { first, second, reused: reusedTokens, failovers };
        } finally {
          await pipeline.close();
          if (lost !== undefined) await cluster.revive([asPeerId(lost.peerId)]);
        }
      };
      const goOn = (answer: readonly number[]): Int32Array => Int32Array.from([...prompt, ...answer, 11, 12, 13]);
      const { first, second, reused, failovers } = await turns();
      // After its last token nothing was computed: it ended by its length.
      expect({ reused, failovers }).toEqual({ reused: prompt.length + first.length - 1, failovers: 0 });
      expect(await textOf(second)).toMatch(/^\[[0-9]{1,5}(,[0-9]{1,5}){20}/);
      // After a loss a new session computes all of it again, in the same passes.
      expect(await turns(lostStage)).toMatchObject({ second, failovers: 1 });
    });
  });

  it('ends with a clear error and the answer so far when no node holds the layers', async () => {
    const lone = await startCluster(settings, { nodes: 3, paths: appPaths() });
    try {
      const { tokens, error } = await runOnce({ ...stand, cluster: lone }, prompt, { harm: 'kill', stage: 1, atToken: 30, sampling: GREEDY, tokens: TOKENS });
      expect(error).toMatchObject({ code: 'PIPELINE_NOT_RECOVERED', meta: { stage: 1, layers: { first: 2, last: 3 } } });
      expect(tokens.length).toBeGreaterThanOrEqual(30);
    } finally {
      await lone.stop();
    }
  });
});
