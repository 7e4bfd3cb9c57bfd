import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomRequest } from '../../test/support/placements.ts';
import { systemClock } from '../base/index.ts';
import { planPlacement, type GenerationStats } from '../pipeline/index.ts';
import { isSettled, Lessons, type Taught } from './lessons.ts';
import type { PeerPlan } from './peer-plan.ts';
import { readPlannerMemory, type PlannerMemory } from './planner-memory.ts';

const request = randomRequest({ seed: 3, nodes: 2, layers: 20, objective: 'throughput', room: 3 });
const placement = planPlacement(request);
const plan = { placement, request, peers: placement.stages.map(({ peer }) => ({ peer, node: { isMeasured: true } })), modelHash: 'm' } as unknown as PeerPlan;
const logger = { warn: () => undefined } as unknown as ConstructorParameters<typeof Lessons>[0]['logger'];
let home: string;
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-lessons-')); });
afterEach(() => rm(home, { recursive: true }));

const lessons = (everyMs?: number): Lessons => new Lessons({ home, plan, logger, ...(everyMs === undefined ? {} : { everyMs }) });
const kept = (): Promise<PlannerMemory> => readPlannerMemory(home, { logger, nowMs: systemClock.now() });
/** An answer over the planned stages, each twice as slow as planned. */
function answer({ promptTokens = 10, first = 0, failovers = 0 } = {}): Taught {
  const stats: GenerationStats = {
    promptTokens, microBatch: 10, reusedTokens: 0, replayedTokens: 0, failovers, generatedTokens: 20, ttftMs: 120, queuedMs: 20, itlMs: undefined, tokensPerSecond: 17, boundaries: [], speculation: undefined,
    stages: placement.stages.map(({ predicted }) => ({ msPerToken: 2 * predicted.decodeMs, prefillMs: 2 * promptTokens * predicted.prefillMsPerToken, waitMsPerToken: 0, prefillWaitMs: 0, rows: 30, flow: undefined })),
  };
  return { stats, stages: placement.stages.map(({ peer, layers }, i) => ({ peerId: peer, layers: [layers.first + (i === 0 ? first : 0), layers.last] as const, bytesLoaded: 1, msPerToken: 1 })) };
}

describe('lessons', () => {
  it('are on the disk at the end, each counted', async () => {
    const book = lessons();
    for (let i = 0; i < 3; i++) book.add(answer());
    expect(await readdir(home)).toEqual([]);
    await book.flush();
    const { nodes, answers } = await kept();
    expect(answers.map(({ stages, answerTokens, measured }) => [stages, answerTokens, measured])).toEqual(Array(3).fill([placement.stages.length, 20, { ttftMs: 100, tokensPerSecond: 17 }]));
    for (const { decode } of nodes) expect(decode).toBeCloseTo(2 ** (1 - 0.7 ** 3));
    book.add(answer());
    await Promise.all([book.flush(), book.flush()]);
    expect((await kept()).answers.length).toBe(4);
  });

  it('are written now and then without anybody asking', async () => {
    const book = lessons(1);
    book.add(answer());
    await expect.poll(async () => (await kept()).answers.length, { timeout: 20_000 }).toBe(1);
    book.add(answer());
    await expect.poll(async () => (await kept()).answers.length, { timeout: 20_000 }).toBe(2);
  });

  it.each([['went over other layers', { first: 1 }], ['was held up by a loss', { failovers: 1 }]])('are none of an answer that %s', async (_what, how) => {
    const book = lessons();
    book.add(answer(how));
    await book.flush();
    expect(await readdir(home)).toEqual([]);
  });

  it('come from answers that had the stages for themselves and were long enough', () => {
    const { stats } = answer();
    expect(isSettled({ reason: 'stop', isAlone: true, stats })).toBe(true);
    expect(isSettled({ reason: 'cancelled', isAlone: true, stats })).toBe(true);
    expect(isSettled({ reason: 'stop', isAlone: false, stats })).toBe(false);
    expect(isSettled({ reason: 'failed', isAlone: true, stats })).toBe(false);
    expect(isSettled({ reason: 'cancelled', isAlone: true, stats: { ...stats, generatedTokens: 7 } })).toBe(false);
    expect(isSettled({ reason: 'length', isAlone: true, stats: { ...stats, failovers: 1 } })).toBe(false);
  });
});
