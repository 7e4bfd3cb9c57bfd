import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GREEDY, type ActivationDtype, type LaneFeed, type LaneStats, type SamplingOptions, type StageEngine } from '../../src-main/inference/index.ts';
import { StageChain } from '../compliance/stage-chain.ts';
import { evenly, inProcess, inWorker, stagesOf, type StageMaker } from '../compliance/stage-subjects.ts';
import { closeRing, prefill, start, takeSeats, type Seat, type SeatOptions } from '../support/lane-ring.ts';
import { generateModel } from '../support/models/index.ts';

/** Lanes that guess ahead, on real models: whatever is guessed, the tokens are those of a chain that guesses nothing. */
const SOON = { timeout: 20_000 };
const folder = mkdtempSync(join(tmpdir(), 'omninode-speculation-'));
const LAYERS = 6;
const CONTEXT = 64;
const TOKENS = 40;
const prompt = [5, 40, 41, 42, 43];
const SEEDED: SamplingOptions = { ...GREEDY, temperature: 0.8, topK: 40, topP: 0.95, repetitionPenalty: 1.2, penaltyWindow: 16, seed: 7 };
const ALWAYS = { speculate: 'always' } as const;
const makers = new Map<string, StageMaker>();
const open: StageEngine[] = [];
/** Of the Q8_0 model, greedy. */
let whole: readonly number[];

beforeAll(async () => {
  for (const type of ['Q8_0', 'F16'] as const) {
    const path = join(folder, `${type}.gguf`);
    await generateModel({ path, architecture: 'llama', type, layers: LAYERS, seed: 3 });
    makers.set(type, stagesOf(path, join(folder, type), inProcess));
    makers.set(`${type} in workers`, stagesOf(path, join(folder, type), inWorker));
  }
  whole = await plain('Q8_0', {});
});
afterEach(async () => { for (const engine of open.splice(0)) await engine.dispose(); });
afterAll(() => rm(folder, { recursive: true, force: true }));

async function stages(model: string, count: number): Promise<StageEngine[]> {
  const load = makers.get(model);
  if (load === undefined) throw new RangeError(`no model ${model}`);
  const engines = await Promise.all(evenly(LAYERS, count).map((layers, i) => load({ layers, isFirst: i === 0, isLast: i === count - 1, contextTokens: CONTEXT, maxSessions: 2, batchTokens: 16 })));
  open.push(...engines);
  return engines;
}

/** What comes without any guess, row by row. */
async function plain(model: string, { sampling = GREEDY, dtype = 'f32', count = 3 }: { readonly sampling?: SamplingOptions; readonly dtype?: ActivationDtype; readonly count?: number }): Promise<readonly number[]> {
  const chain = new StageChain(await stages(model, count), dtype);
  return (await chain.open(sampling)).generate(prompt, TOKENS);
}

async function ringOf(engines: readonly StageEngine[], options: SeatOptions): Promise<Seat[]> {
  const seats = await takeSeats(engines, options);
  await closeRing(seats);
  return seats;
}

const firstOf = (seats: readonly Seat[]): Seat => seats[0] as Seat;
const lastOf = (seats: readonly Seat[]): Seat => seats.at(-1) as Seat;
const statsOf = ({ lane, session }: Seat): Promise<LaneStats> => lane.stats(session);

interface Answer {
  readonly run?: number;
  readonly dtype?: ActivationDtype;
  readonly text?: readonly number[];
  readonly feed?: Partial<LaneFeed>;
  /** How many tokens are waited for; the first one is the prompt's. */
  readonly tokens?: number;
}

async function answer(seats: readonly Seat[], { run = 1, dtype = 'f32', text = prompt, feed = {}, tokens = TOKENS }: Answer): Promise<number[]> {
  const token = await prefill(seats, { prompt: text, dtype, run });
  start(firstOf(seats), { run, feed: { left: tokens, limit: 1000, endTokens: [], ...feed }, first: { token, position: text.length } });
  const ours = (): readonly { readonly token: number; readonly position: number }[] => lastOf(seats).heard.tokens.filter((told) => told.run === run);
  await lastOf(seats).heard.until(() => ours().length >= tokens - 1);
  expect(ours().map(({ position }) => position)).toEqual(Array.from({ length: tokens - 1 }, (_, i) => text.length + 1 + i));
  return [token, ...ours().map((told) => told.token)];
}

const other = (token: number): number => (token + 1) % 100;
const GUESSES: Readonly<Record<string, (wanted: readonly number[]) => readonly number[]>> = {
  nothing: () => [],
  'what is right': (wanted) => wanted,
  'what is wrong': (wanted) => wanted.map(other),
  'every other token right': (wanted) => wanted.map((token, i) => (i % 2 === 0 ? token : other(token))),
  'three right, two wrong': (wanted) => wanted.map((token, i) => (i % 5 < 3 ? token : other(token))),
  'what is right, one place early': (wanted) => wanted.slice(1),
  'tokens that do not exist': (wanted) => wanted.map((token, i) => (i === 6 ? -1 : token)),
};

describe.each(Object.keys(GUESSES))('a ring that is told %s', (what) => {
  const guessOf = (wanted: readonly number[]): readonly number[] => (GUESSES[what] ?? (() => []))(wanted.slice(1));
  it.each([
    ['greedy, 2 stages', { model: 'Q8_0', count: 2, dtype: 'f32', sampling: GREEDY }],
    ['greedy, 3 stages', { model: 'Q8_0', count: 3, dtype: 'f32', sampling: GREEDY }],
    ['sampled, 3 stages', { model: 'Q8_0', count: 3, dtype: 'f32', sampling: SEEDED }],
    ['sampled, F16 weights and rows', { model: 'F16', count: 3, dtype: 'f16', sampling: SEEDED }],
    ['sampled, F16 weights', { model: 'F16', count: 2, dtype: 'f32', sampling: SEEDED }],
  ] as const)('gives the tokens that come without guessing (%s)', async (_how, { model, count, dtype, sampling }) => {
    const wanted = await plain(model, { sampling, dtype, count });
    const seats = await ringOf(await stages(model, count), { ...ALWAYS, sampling });
    expect(await answer(seats, { dtype, feed: { guess: guessOf(wanted) } })).toEqual(wanted);
    expect(seats.flatMap(({ heard }) => heard.losses)).toEqual([]);
  });
});

describe('a ring that guesses', () => {
  it('needs no time round for what it guessed right, and computes nothing on its last stage for what it did not', async () => {
    const right = await ringOf(await stages('Q8_0', 3), ALWAYS);
    await answer(right, { feed: { guess: whole.slice(1) } });
    // The first token after the lane took over came round alone: from then on all are guessed. The last may still be on its way to stage 0.
    await expect.poll(() => statsOf(firstOf(right)), SOON).toMatchObject({ frames: TOKENS - 1, drafted: TOKENS - 3, accepted: TOKENS - 3, dropped: 0 });
    expect(await statsOf(lastOf(right))).toMatchObject({ frames: TOKENS - 1, dropped: 0, drafted: 0 });
    const wrong = await ringOf(await stages('Q8_0', 3), ALWAYS);
    await answer(wrong, { feed: { guess: whole.slice(1).map(other) } });
    expect(await statsOf(lastOf(wrong))).toMatchObject({ frames: TOKENS - 1 });
    await expect.poll(async () => { const { frames, drafted } = await statsOf(firstOf(wrong)); return frames - drafted; }, SOON).toBe(TOKENS - 1);
    const { drafted, accepted } = await statsOf(firstOf(wrong));
    expect(accepted).toBe(0);
    expect(drafted).toBeGreaterThan(10);
  });

  it('finds a text that repeats itself in what was said', async () => {
    // A penalty below 1 makes a random model say the same again and again.
    const sampling = { ...GREEDY, repetitionPenalty: 0.1, penaltyWindow: 8 };
    const wanted = await plain('Q8_0', { sampling });
    const seats = await ringOf(await stages('Q8_0', 3), { ...ALWAYS, sampling });
    expect(await answer(seats, {})).toEqual(wanted);
    expect((await statsOf(firstOf(seats))).accepted).toBeGreaterThan(10);
  });

  it('remembers each position once, the row that counts', async () => {
    const seats = await ringOf(await stages('Q8_0', 3), ALWAYS);
    await answer(seats, { feed: { guess: whole.slice(1).map(other) } });
    const certain = Array.from({ length: TOKENS - 1 }, (_, i) => [prompt.length + i, false]);
    for (const { lane, session } of seats) {
      await expect.poll(async () => (await lane.steps(session)).steps.slice(0, TOKENS - 1).map(({ position, isDraft }) => [position, isDraft]), SOON).toEqual(certain);
    }
  });

  it.each([[2, 3], [3, 4], [7, 9]])('ends with the last token that was asked for, %i right guesses from the end', async (_n, tokens) => {
    const seats = await ringOf(await stages('Q8_0', 2), ALWAYS);
    expect(await answer(seats, { tokens, feed: { guess: whole.slice(1) } })).toEqual(whole.slice(0, tokens));
    // Nothing more is under way: the next run's rows are the only ones.
    for (const { engine, session } of seats) await engine.rollback(session, 0);
    expect(await answer(seats, { run: 2, tokens: 5, feed: { guess: whole.slice(1) } })).toEqual(whole.slice(0, 5));
    expect(lastOf(seats).heard.tokens).toHaveLength(tokens - 1 + 4);
  });

  it('ends at an end token that was guessed, and at one that was not', async () => {
    const at = whole.findIndex((token, i) => i > 5 && whole.indexOf(token) === i);
    const endTokens = [whole[at] ?? -1];
    for (const guess of [whole.slice(1), whole.slice(1).map(other)]) {
      const seats = await ringOf(await stages('Q8_0', 2), ALWAYS);
      expect(await answer(seats, { tokens: at + 1, feed: { guess, endTokens, left: TOKENS } })).toEqual(whole.slice(0, at + 1));
      for (const { engine, session } of seats) await engine.rollback(session, 0);
      await answer(seats, { run: 2, tokens: 3 });
      expect(lastOf(seats).heard.tokens).toHaveLength(at + 2);
    }
  });

  it('waits at its limit with guesses on the way, and goes on when that is raised', async () => {
    const seats = await ringOf(await stages('Q8_0', 3), ALWAYS);
    const { lane, session } = firstOf(seats);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { left: TOKENS, limit: prompt.length + 6, endTokens: [], guess: whole.slice(1) }, first: { token, position: prompt.length } });
    for (const tokens of [6, 7, 13, 20]) {
      lane.limit(session, 1, prompt.length + tokens);
      await lastOf(seats).heard.until(({ tokens: told }) => told.length === tokens);
      expect(await statsOf(lastOf(seats))).toMatchObject({ frames: tokens });
    }
    expect([token, ...lastOf(seats).heard.tokens.map((told) => told.token)]).toEqual(whole.slice(0, 21));
  });

  it('fills the context to its end and not beyond', async () => {
    const tokens = CONTEXT - prompt.length + 1;
    const chain = new StageChain(await stages('Q8_0', 2));
    const wanted = await (await chain.open(GREEDY)).generate(prompt, tokens);
    const seats = await ringOf(await stages('Q8_0', 2), ALWAYS);
    expect(await answer(seats, { tokens, feed: { left: 1000, guess: wanted.slice(1) } })).toEqual(wanted);
    expect(seats.flatMap(({ heard }) => heard.losses)).toEqual([]);
  });

  it.each(['Q8_0', 'F16'])('goes on with a conversation after rows that did not come true (%s)', async (model) => {
    const wanted = await plain(model, {});
    const seats = await ringOf(await stages(model, 3), ALWAYS);
    await answer(seats, { tokens: 12, feed: { left: 12, guess: wanted.slice(1).map(other) } });
    // The next turn keeps the rows of the answer but its last token, and asks on from there.
    const kept = prompt.length + 11;
    const rest = [wanted[11] ?? 0, 61, 62, 63];
    const chain = new StageChain(await stages(model, 3));
    const alone = await chain.open(GREEDY);
    await alone.generate(prompt, 12);
    const next = await alone.generate(rest, 10);
    for (const { engine, session } of seats) await engine.rollback(session, kept);
    const first = await prefill(seats, { prompt: rest, dtype: 'f32', run: 2, from: kept });
    start(firstOf(seats), { run: 2, feed: { left: 10, limit: 1000, endTokens: [], guess: next.slice(1).map((token, i) => (i % 3 === 2 ? other(token) : token)) }, first: { token: first, position: kept + rest.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.filter(({ run }) => run === 2).length === 9);
    expect([first, ...lastOf(seats).heard.tokens.filter(({ run }) => run === 2).map(({ token }) => token)]).toEqual(next);
  });

  it('stops where it is told to, and what was guessed is out of the next run', async () => {
    const seats = await ringOf(await stages('Q8_0', 3), ALWAYS);
    const { lane, session } = firstOf(seats);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { left: 1000, limit: 1000, endTokens: [], guess: whole.slice(1) }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length > 4);
    lane.stop(session, 1);
    // As a stage does: a run ends with the beginning of the next, and only then rows are taken back.
    for (const seat of seats) {
      seat.lane.begin(seat.session, 2, { takes: 'f32', sends: 'f32' });
      await seat.engine.rollback(seat.session, 0);
    }
    expect(await answer(seats, { run: 2, feed: { guess: whole.slice(1).map(other) } })).toEqual(whole);
  });

  it('in workers, too', async () => {
    const seats = await ringOf(await stages('Q8_0 in workers', 2), ALWAYS);
    expect(await answer(seats, { feed: { guess: whole.slice(1).map((token, i) => (i % 4 === 3 ? other(token) : token)) } })).toEqual(whole);
    const { accepted, drafted } = await statsOf(firstOf(seats));
    expect(accepted).toBeGreaterThan(0);
    expect(drafted).toBeGreaterThan(accepted);
  });

  it('does not let a stage send drafts to one that was not told', async () => {
    const engines = await stages('Q8_0', 2);
    const [deaf] = await takeSeats(engines.slice(1));
    const [eager] = await takeSeats(engines.slice(0, 1), ALWAYS);
    const seats = [eager as Seat, deaf as Seat];
    await closeRing(seats);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { left: TOKENS, limit: 1000, endTokens: [], guess: whole.slice(1) }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ losses }) => losses.length > 0);
    expect(lastOf(seats).heard.losses[0]).toMatchObject({ side: 'previous', wasUp: true });
  });

  it('guesses where it brings something only, if it may choose', async () => {
    const seats = await ringOf(await stages('Q8_0', 2), { speculate: 'adaptive' });
    expect(await answer(seats, { feed: { guess: whole.slice(1).map(other) } })).toEqual(whole);
    // Wrong ones alone: after a few it only looks whether they would have come true. How few, depends on what passes take; always guessing is 8 a token.
    expect((await statsOf(firstOf(seats))).drafted).toBeLessThan(4 * whole.length);
  });
});
