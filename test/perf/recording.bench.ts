import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { asPeerId, systemClock } from '../../src-main/base/index.ts';
import { appPaths, createNode, loadSettings, startCluster, type Node } from '../../src-main/host/index.ts';
import { createOwnProcessEngine, findLibraries, GREEDY, type StageEngine, type StageInput, type TappedWindow } from '../../src-main/inference/index.ts';
import { windowFields, type Pipeline } from '../../src-main/pipeline/index.ts';
import { cutStage } from '../../src-main/store/index.ts';
import { SMALL, smallModel } from './lib/model.ts';
import { hostFacts, median, print, table } from './lib/report.ts';
import { NATIVE_PATH } from './lib/stage-pool.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '30' }, tokens: { type: 'string', default: '128' } } });
const [ROUNDS, TOKENS] = [Number(args.rounds), Number(args.tokens)];
const PROMPT = Int32Array.from({ length: 32 }, (_, i) => 260 + i);
const CONTEXT = 256;
const SIZES = { contextTokens: CONTEXT, maxSessions: 2, batchTokens: CONTEXT, threads: 1, gpuLayers: 0 };
const STAGES = [{ first: 0, last: 1 }, { first: 2, last: 3 }, { first: 4, last: 5 }];

/** One answer twice at the same time, token by token in turn, recorded and not. */
interface Run {
  readonly isExact: boolean;
  /** CPU time of this process for each token: other work on the machine does not count. */
  readonly onUs: readonly number[];
  readonly offUs: readonly number[];
  /** To commit to a window afterwards, both sides. */
  readonly commitUs: number;
}

interface Answer {
  readonly tokens: readonly number[];
  readonly tokensPerSecond: number;
  /** From the last token until the figures, and the receipts where there are any, are in. */
  readonly endMs: number;
}

/** A session over three stages in this process, on one thread, driven by hand: nothing but the engines is in the figure. */
class Session {
  readonly tokens: number[] = [];
  readonly usPerToken: number[] = [];
  readonly #engines: readonly StageEngine[];
  readonly #sessions: readonly number[];

  constructor(engines: readonly StageEngine[], sessions: readonly number[]) {
    this.#engines = engines;
    this.#sessions = sessions;
  }

  static async open(engines: readonly StageEngine[], record: boolean): Promise<Session> {
    return new Session(engines, await Promise.all(engines.map((engine) => engine.open(GREEDY, record ? { record: 'f16' } : {}))));
  }

  async step(): Promise<void> {
    const before = process.cpuUsage();
    const isFirst = this.tokens.length === 0;
    this.tokens.push(await this.#pass(isFirst ? 0 : PROMPT.length + this.tokens.length - 1, isFirst ? PROMPT : Int32Array.of(this.tokens.at(-1) ?? 0)));
    const { user, system } = process.cpuUsage(before);
    if (!isFirst) this.usPerToken.push(user + system);
  }

  async close(): Promise<TappedWindow[]> {
    const windows: TappedWindow[] = [];
    for (const [i, engine] of this.#engines.entries()) {
      windows.push(...await engine.takeWindows(this.#sessions[i] ?? 0, { end: CONTEXT, most: 100 }));
      await engine.close(this.#sessions[i] ?? 0);
    }
    return windows;
  }

  async #pass(position: number, fed: Int32Array): Promise<number> {
    let input: StageInput = { kind: 'tokens', tokens: fed };
    for (const [i, engine] of this.#engines.entries()) {
      const want = i === this.#engines.length - 1 ? { kind: 'sample' } as const : { kind: 'hidden', dtype: 'f16' } as const;
      const { outputs: [output] } = await engine.forward([{ session: this.#sessions[i] ?? 0, position, input, want }]);
      if (output?.kind === 'sampled') return output.token;
      if (output?.kind === 'hidden') input = output;
    }
    return -1;
  }
}

async function decode(engines: readonly StageEngine[]): Promise<Run> {
  const [on, off] = [await Session.open(engines, true), await Session.open(engines, false)];
  for (let i = 0; i <= TOKENS; i++) for (const session of i % 2 === 0 ? [on, off] : [off, on]) await session.step();
  await off.close();
  const windows = await on.close();
  const startedMs = systemClock.monotonicMs();
  windows.forEach(windowFields);
  return { isExact: on.tokens.join() === off.tokens.join(), onUs: on.usPerToken, offUs: off.usPerToken, commitUs: ((systemClock.monotonicMs() - startedMs) * 1000) / windows.length };
}

async function answer(pipeline: Pipeline, receipts: boolean): Promise<Answer> {
  const generation = pipeline.generate({ promptTokens: PROMPT, sampling: GREEDY, maxTokens: TOKENS, endTokens: [], ...(receipts ? { receipts: true } : {}) });
  const tokens: number[] = [];
  for await (const { token } of generation) tokens.push(token);
  const lastMs = systemClock.monotonicMs();
  const { stats, receipts: signed } = await generation.result;
  if (receipts && signed?.problems.length !== 0) throw new RangeError(`receipts are missing: ${signed?.problems.join()}`);
  return { tokens, tokensPerSecond: 1000 / (stats.itlMs?.p50 ?? Number.NaN), endMs: systemClock.monotonicMs() - lastMs };
}

/** On and off in turn, after one of each that does not count. */
async function inTurn<T>(run: (on: boolean) => Promise<T>): Promise<{ readonly on: T; readonly off: T }[]> {
  const rounds: { on: T; off: T }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const first = await run(round % 2 === 0);
    const second = await run(round % 2 !== 0);
    rounds.push(round % 2 === 0 ? { on: first, off: second } : { on: second, off: first });
  }
  return rounds.slice(1);
}

async function engineRuns(model: string): Promise<Run[]> {
  const folder = await mkdtemp(join(tmpdir(), 'omninode-recording-'));
  const engines: StageEngine[] = [];
  for (const [i, layers] of STAGES.entries()) {
    const { path } = await cutStage({ model, layers, outputPath: join(folder, `${i}.gguf`) });
    engines.push(await createOwnProcessEngine({ ...SIZES, path, layers, isFirst: i === 0, isLast: i === STAGES.length - 1 }, { nativePath: NATIVE_PATH, librariesFolder: findLibraries() }));
  }
  const rounds: Run[] = [];
  for (let round = 0; round <= ROUNDS; round++) rounds.push(await decode(engines));
  for (const engine of engines) await engine.dispose();
  await rm(folder, { recursive: true, force: true });
  return rounds.slice(1);
}

async function pipelineRuns(model: string): Promise<Awaited<ReturnType<typeof inTurn<Answer>>>> {
  const settings = await loadSettings({ model, home: join(tmpdir(), 'omninode-bench', 'home'), contextTokens: CONTEXT, threads: 1 });
  const node: Node = await createNode({ settings, paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
  const cluster = await startCluster(settings, { nodes: STAGES.length, paths: appPaths() });
  const route = cluster.nodes.map(({ peerId, addresses, layers }) => ({ peer: asPeerId(peerId), addresses, layers }));
  const pipeline = await node.coordinator.openPipeline({ route, modelHash: cluster.model.manifest.model_hash, contextTokens: CONTEXT, batchTokens: CONTEXT, dtype: 'f16' });
  const rounds = await inTurn((on) => answer(pipeline, on));
  await pipeline.close();
  await cluster.stop();
  await node.stop();
  return rounds;
}

async function main(): Promise<void> {
  const host = hostFacts();
  const model = await smallModel();
  const [alone, whole] = [await engineRuns(model), await pipelineRuns(model)];
  const isExact = alone.every((run) => run.isExact) && whole.every(({ on, off }) => on.tokens.join() === off.tokens.join());
  const of = (values: readonly number[]): number => Number(median(values).toFixed(4));
  const cpuUsPerToken = { off: of(alone.flatMap(({ offUs }) => offUs)), on: of(alone.flatMap(({ onUs }) => onUs)) };
  const engines = { cpuUsPerToken, ratio: Number((cpuUsPerToken.on / cpuUsPerToken.off).toFixed(4)), commitUsPerWindow: of(alone.map(({ commitUs }) => commitUs)) };
  const pipeline = {
    tokensPerSecond: { off: of(whole.map(({ off }) => off.tokensPerSecond)), on: of(whole.map(({ on }) => on.tokensPerSecond)) },
    ratio: of(whole.map(({ on, off }) => on.tokensPerSecond / off.tokensPerSecond)), endMs: { off: of(whole.map(({ off }) => off.endMs)), on: of(whole.map(({ on }) => on.endMs)) },
  };
  const runs = { engines: alone.map(({ onUs, offUs }) => ({ offUs: of(offUs), onUs: of(onUs) })), pipeline: whole.map(({ on, off }) => [off, on].map(({ tokensPerSecond, endMs }) => ({ tokensPerSecond, endMs }))) };
  const result = { name: 'recording', host, model: { name: 'random 20M', ...SMALL }, tokens: TOKENS, exact: isExact, engines, pipeline, runs };
  const text = [
    `${host.cpu}, ${host.cores} cores, load ${host.loadAtStart.toFixed(2)} at start, tokens ${isExact ? 'equal' : 'DIFFER'}`, '',
    table(['', 'not recorded', 'recorded', 'recorded ÷ not'], [
      ['engines alone: CPU µs per token, three stages', engines.cpuUsPerToken.off, engines.cpuUsPerToken.on, engines.ratio],
      ['three nodes: tokens/s (1 / median gap)', pipeline.tokensPerSecond.off, pipeline.tokensPerSecond.on, pipeline.ratio],
      ['from the last token to the end, ms', pipeline.endMs.off, pipeline.endMs.on, Number((pipeline.endMs.on / pipeline.endMs.off).toFixed(2))],
    ]), '', `to commit to one window, both sides: ${engines.commitUsPerWindow.toFixed(0)} µs`,
  ].join('\n');
  print(result, text);
}

await main();
