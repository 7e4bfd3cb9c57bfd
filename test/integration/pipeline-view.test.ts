import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { BridgeServer } from '../../src-main/api/index.ts';
import { forkChild, silentLogger, type Child } from '../../src-main/base/index.ts';
import { appPaths, buildHost, loadSettings, type Host } from '../../src-main/host/index.ts';
import type { AnswerDetail, AnswerEntry, ChatFinish, CommandInput, CommandName, CommandOutput, HostEvent, Push } from '../../src-preload/bridge/index.ts';

const paths = appPaths();
const QUESTION = 'How does OmniNode split a model?';
let home = '';
let host: Host;
let server: BridgeServer;
/** Node processes, in the order in which they were started. */
const nodes: Child[] = [];

async function start(): Promise<void> {
  nodes.length = 0;
  const spawn = (path: string): Child => {
    const child = forkChild(path);
    if (path === paths.nodeProcess) nodes.push(child);
    return child;
  };
  host = await buildHost({ settings: await loadSettings({ home, threads: 1, calibrate: false, shareStore: false }, {}), paths, mode: 'headless', nodes: 3, spawn });
  server = new BridgeServer({ host: host.api, logger: silentLogger });
  await host.start();
}

async function stop(): Promise<void> {
  server.close();
  await host.stop();
}

/** A page. */
function connect() {
  const pushes: Push[] = [];
  const waiting = new Set<() => void>();
  const client = server.connect((push) => {
    pushes.push(push);
    for (const look of [...waiting]) look();
  });
  const call = async <N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> => {
    const result = await client.call(name, input);
    if (!result.ok) throw Object.assign(new Error(result.error.message), result.error);
    return result.value as CommandOutput<N>;
  };
  const until = <E extends HostEvent['event']>(event: E, accept: (data: Extract<HostEvent, { event: E }>['data']) => boolean): Promise<Extract<HostEvent, { event: E }>['data']> => new Promise((resolve) => {
    const look = (): void => {
      const found = pushes.find((push) => push.event === event && accept(push.data as never));
      if (found === undefined) return;
      waiting.delete(look);
      resolve(found.data as never);
    };
    waiting.add(look);
    look();
  });
  return { call, until };
}

type Page = ReturnType<typeof connect>;

/** Asks in a conversation of its own; `onText` hears of the first text. */
async function answered({ call, until }: Page, onText: () => void = () => undefined): Promise<ChatFinish> {
  const { id } = await call('conversations.create', {});
  const { answerId } = await call('conversations.send', { id, text: QUESTION });
  await until('chat.delta', ({ requestId }) => requestId === answerId);
  onText();
  const failed = until('chat.error', ({ requestId }) => requestId === answerId).then(({ error }) => Promise.reject(Object.assign(new Error(error.message), error)));
  return (await Promise.race([until('chat.done', ({ requestId }) => requestId === answerId), failed])).finish;
}

const newest = async ({ call }: Page): Promise<{ readonly entry: AnswerEntry; readonly detail: AnswerDetail; readonly total: number }> => {
  const { answers, total } = await vi.waitFor(async () => {
    const page = await call('pipeline.history', {});
    expect(page.answers).not.toEqual([]);
    return page;
  }, { timeout: 20_000 });
  const entry = answers[0]!;
  return { entry, total, detail: await call('pipeline.answer', { id: entry.id }) };
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-pipeline-view-'));
  await start();
});
afterAll(async () => {
  await stop();
  await rm(home, { recursive: true, force: true });
});

it('an answer leaves its figures in the history, those of chat.done, and samples of what it took', async () => {
  const page = connect();
  const { state } = await page.call('state.subscribe', {});
  await page.call('pipeline.watch', { isOn: true });
  const finish = await answered(page);
  const { entry, detail } = await newest(page);
  expect(entry).toMatchObject({ model: state.info.model?.name, tokens: finish.tokens, ttftMs: finish.ttftMs, tokensPerSecond: finish.tokensPerSecond, finishReason: finish.finishReason, stages: 3, machines: 1, failovers: 0 });
  expect(detail.route.map(({ peerId, layers, bytesLoaded, msPerToken }) => ({ peerId, layers, bytesLoaded, msPerToken }))).toEqual(finish.stages);
  for (const stage of detail.route) expect(stage).toMatchObject({ backend: 'cpu', waitMsPerToken: expect.any(Number), wireMsPerToken: expect.any(Number), bytesOut: expect.any(Number) });
  expect(detail.losses).toEqual([]);
  expect(JSON.stringify([entry, detail])).not.toContain('split');
  await vi.waitFor(() => {
    expect(host.api.stages()[0]).toMatchObject({ waitMsPerToken: expect.any(Number), wireMsPerToken: expect.any(Number), mostWaiting: expect.any(Number) });
    expect(host.api.activity?.()?.tokens).toBe(finish.tokens);
  }, { timeout: 20_000 });
  const sample = await page.until('pipeline.sampled', ({ stagesBytes }) => stagesBytes !== undefined);
  expect(sample.hostBytes).toBeGreaterThan(1e7);
  expect(sample.stagesBytes).toBeGreaterThan(3e7);
  const { samples } = await vi.waitFor(async () => {
    const kept = await page.call('pipeline.samples', { spanMs: 3_600_000 });
    expect(kept.samples.some(({ ttftMs }) => ttftMs !== undefined)).toBe(true);
    return kept;
  }, { timeout: 20_000 });
  const tokens = samples.reduce((sum, { tokensPerSecond = 0, spanMs }) => sum + (tokensPerSecond * spanMs) / 1000, 0);
  const stageBytes = samples.reduce((sum, { stageBytesPerSecond = 0, spanMs }) => sum + (stageBytesPerSecond * spanMs) / 1000, 0);
  // A sample may be missing where this machine was too busy to take it.
  expect(tokens).toBeGreaterThan(0);
  expect(tokens).toBeLessThanOrEqual((finish.tokens ?? 0) * 1.001);
  expect(stageBytes).toBeGreaterThan(0);
  expect(stageBytes).toBeLessThanOrEqual(detail.route.reduce((sum, { bytesOut = 0 }) => sum + bytesOut, 0) * 1.001);
});

it('asks the planner over the stages that run, against what was measured; not while an answer is written', async () => {
  const page = connect();
  await page.call('state.subscribe', {});
  const plan = await page.call('pipeline.plan', {});
  const stages = host.api.stages().map(({ peerId, layers }) => ({ peerId, layers }));
  expect(plan).toMatchObject({ silent: [], current: { stages, predicted: { tokensPerSecond: expect.any(Number) } }, measured: { answers: 1 }, plan: { stages } });
  expect(new Set(plan.asked)).toEqual(new Set(stages.map(({ peerId }) => peerId)));
  expect(plan.plan?.explanation[0]).toMatch(/^3 of 3 nodes used/);
  let refused: Promise<unknown> | undefined;
  await answered(page, () => { refused = page.call('pipeline.plan', {}).catch((error: unknown) => error); });
  expect(await refused).toMatchObject({ code: 'HOST_ANSWERING', retryable: true });
});

it('a killed stage process leaves its loss in the history: which, after how many tokens, how long, who took over', async () => {
  const page = connect();
  await page.call('state.subscribe', {});
  const lost = host.api.stages()[1]!;
  const finish = await answered(page, () => { nodes[1]!.kill('SIGKILL'); });
  const { entry, detail } = await newest(page);
  expect(entry).toMatchObject({ tokens: finish.tokens, tokensPerSecond: finish.tokensPerSecond, failovers: 1, finishReason: 'stop' });
  expect(detail.losses).toHaveLength(1);
  const [loss] = detail.losses;
  expect(loss).toMatchObject({ peerId: lost.peerId, layers: lost.layers, code: expect.stringMatching(/^PIPELINE_/), takenBy: [{ peerId: detail.route[1]?.peerId, layers: lost.layers }] });
  expect(detail.route[1]?.peerId).not.toBe(lost.peerId);
  expect(loss?.pausedMs).toBeGreaterThan(0);
  expect(entry.pausedMs).toBe(loss?.pausedMs);
  expect(loss?.afterTokens).toBeLessThan(finish.tokens ?? 0);
});

it('the history outlives the node, and is forgotten when told to', async () => {
  await stop();
  await start();
  const page = connect();
  expect((await newest(page)).total).toBe(3);
  await page.call('pipeline.forget', {});
  expect(await page.call('pipeline.history', {})).toEqual({ answers: [], total: 0 });
});
