import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asPeerId } from '../base/index.ts';
import { correctionsFor, freshLinks, NO_MEMORY, planRecord, readPlannerMemory, updatePlannerMemory, withLesson, withLinks, type Lesson, type LinkMemory, type PlannerMemory } from './planner-memory.ts';

const DAY_MS = 24 * 3_600_000;
const NOW_MS = 100 * DAY_MS;
let home: string;
let warnings: string[];
const logger = { warn: (_meta: object, text?: string) => { warnings.push(text ?? ''); } };
const read = (nowMs = NOW_MS): Promise<PlannerMemory> => readPlannerMemory(home, { logger, nowMs });
const update = (change: (memory: PlannerMemory) => PlannerMemory, nowMs = NOW_MS): Promise<void> => updatePlannerMemory(home, change, { logger, nowMs });
const [a, b] = [asPeerId('a'), asPeerId('b')];
const link = (more: Partial<LinkMemory> = {}): LinkMemory => ({ a, b, rttMs: 3, bytesPerSecond: 1e6, atMs: NOW_MS, ...more });
const lesson = (more: Partial<Lesson> = {}): Lesson => ({
  modelHash: 'm', nodes: [{ peer: a, isMeasured: true }], corrections: new Map([[a, { decode: 2, prefill: 1.5 }]]),
  answer: { stages: 2, promptTokens: 10, answerTokens: 20, predicted: { ttftMs: 100, tokensPerSecond: 18 }, measured: { ttftMs: 120, tokensPerSecond: 17 } }, ...more,
});

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-planner-'));
  warnings = [];
});
afterEach(() => rm(home, { recursive: true }));

describe('what planning remembers', () => {
  it('is there for the next run, readable by its owner alone', async () => {
    await update((memory) => withLesson(withLinks(memory, [link()]), lesson(), NOW_MS));
    const memory = await read();
    expect(correctionsFor(memory, 'm', [{ peer: a, node: { isMeasured: true } }, { peer: b, node: { isMeasured: true } }])).toEqual(new Map([[a, { decode: 2, prefill: 1.5 }]]));
    expect(freshLinks(memory, NOW_MS)).toEqual([link()]);
    expect(warnings).toEqual([]);
    expect(await readdir(home)).toEqual(['planner.json']);
  });

  it('is of one model, and of figures of the same kind', async () => {
    const memory = withLesson(NO_MEMORY, lesson(), NOW_MS);
    const of = (hash: string, isMeasured: boolean): number => correctionsFor(memory, hash, [{ peer: a, node: { isMeasured } }]).size;
    expect([of('m', true), of('other', true), of('m', false)]).toEqual([1, 0, 0]);
  });

  it('is replaced by what is newer, whichever way round a link is told', () => {
    const memory = withLinks(withLinks(NO_MEMORY, [link()]), [link({ a: b, b: a, rttMs: 9 })]);
    expect(memory.links).toEqual([link({ a: b, b: a, rttMs: 9 })]);
    const twice = withLesson(withLesson(NO_MEMORY, lesson(), NOW_MS), lesson({ corrections: new Map([[a, { decode: 3, prefill: 1 }]]) }), NOW_MS + 1);
    expect(twice.nodes).toEqual([{ peer: a, modelHash: 'm', isMeasured: true, decode: 3, prefill: 1, atMs: NOW_MS + 1 }]);
  });

  it('is forgotten with time, and when the clock was set back', async () => {
    await update((memory) => withLesson(withLinks(memory, [link()]), lesson(), NOW_MS));
    expect(freshLinks(await read(), NOW_MS + 11 * 60_000)).toEqual([]);
    expect((await read(NOW_MS + 31 * DAY_MS)).nodes).toEqual([]);
    expect((await read(NOW_MS - 1)).answers).toEqual([]);
  });

  it('stays within its bounds, the newest first to stay', async () => {
    await update(() => ({
      ...withLinks(NO_MEMORY, Array.from({ length: 5000 }, (_, i) => link({ a: `p${i}` }))),
      answers: Array.from({ length: 300 }, (_, i) => ({ modelHash: 'm', ...lesson().answer!, promptTokens: i, atMs: NOW_MS })),
    }));
    const { links, answers } = await read();
    expect([links.at(-1)?.a, answers.at(-1)?.promptTokens]).toEqual(['p4999', 299]);
    expect(warnings).toEqual([]);
  });

  it('tells how plans turned out, by the last few', () => {
    let memory = NO_MEMORY;
    for (const tokensPerSecond of [1, 1, 17, 17, 17, 17, 17, 17, 17, 17]) memory = withLesson(memory, lesson({ answer: { ...lesson().answer!, measured: { ttftMs: 120, tokensPerSecond } } }), NOW_MS);
    expect(planRecord(memory)).toEqual({ answers: 8, predicted: { ttftMs: 100, tokensPerSecond: 18 }, measured: { ttftMs: 120, tokensPerSecond: 17 } });
    expect(planRecord(memory, 'other')).toBeUndefined();
    expect(withLesson(NO_MEMORY, lesson({ answer: undefined }), NOW_MS).answers).toEqual([]);
  });
});

describe('a file that cannot be used', () => {
  it.each([
    ['garbage', 'no json'], ['half of one', '{"version":1,"nodes":['], ['another version', JSON.stringify({ ...NO_MEMORY, version: 2 })], ['unknown fields', JSON.stringify({ ...NO_MEMORY, more: 1 })],
    ['absurd factors', JSON.stringify({ ...NO_MEMORY, nodes: [{ peer: a, modelHash: 'm', isMeasured: true, decode: -1, prefill: 1, atMs: 1 }] })],
    ['too much', JSON.stringify({ ...NO_MEMORY, links: Array(20_000).fill(link()) })],
  ])('is as none, with a warning, and is written anew: %s', async (_what, text) => {
    await writeFile(join(home, 'planner.json'), text);
    expect(await read()).toEqual(NO_MEMORY);
    expect(warnings).toHaveLength(1);
    await update((memory) => withLinks(memory, [link()]));
    expect((await read()).links).toEqual([link()]);
  });

  it('is not made: what could not be read again is not written', async () => {
    await update((memory) => withLinks(memory, [link()]));
    await update((memory) => withLinks(memory, [link({ a: 'z', rttMs: Infinity })]));
    expect([(await read()).links, warnings.length]).toEqual([[link()], 1]);
  });

  it('that cannot be written costs a warning only', async () => {
    await writeFile(join(home, 'file'), '');
    await updatePlannerMemory(join(home, 'file', 'folder'), (memory) => memory, { logger, nowMs: NOW_MS });
    expect(warnings.length).toBeGreaterThan(0);
  });
});

it('is whole after a writer was killed amid its work', async () => {
  const script = `
    const { updatePlannerMemory, withLinks } = await import(${JSON.stringify(join(import.meta.dirname, 'planner-memory.ts'))});
    const links = Array.from({ length: 2000 }, (_, i) => ({ a: 'p' + i, b: 'q', rttMs: 1, atMs: 1 }));
    for (let i = 0; ; i++) {
      await updatePlannerMemory(${JSON.stringify(home)}, (memory) => withLinks({ ...memory, links: [] }, links.map((link) => ({ ...link, rttMs: i }))), { logger: console, nowMs: 1 });
      if (i === 2) process.stdout.write('writing');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const { links } = await read(1);
  expect(warnings).toEqual([]);
  expect(links).toHaveLength(2000);
  expect(new Set(links.map(({ rttMs }) => rttMs)).size).toBe(1);
  expect(JSON.parse(await readFile(join(home, 'planner.json'), 'utf8'))).toMatchObject({ version: 1 });
});
