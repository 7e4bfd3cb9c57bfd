import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { GREEDY, rowBytes, type StageEngine } from '../../src-main/inference/index.ts';
import { dtypeAt, only, StageChain } from '../compliance/stage-chain.ts';
import { evenly, inProcess, inWorker, stagesOf, type StageMaker } from '../compliance/stage-subjects.ts';
import { closeRing, Heard, HOST, join, prefill, start, takeSeats, type Seat } from '../support/lane-ring.ts';
import { generateModel } from '../support/models/index.ts';

const folder = mkdtempSync(joinPath(tmpdir(), 'omninode-lane-'));
const path = joinPath(folder, 'whole.gguf');
const LAYERS = 6;
const prompt = [5, 40, 41, 42, 43];
const NO_END = { limit: 1000, endTokens: [] };
const open: StageEngine[] = [];
let load: StageMaker;
let whole: number[];

async function stages(count: number): Promise<StageEngine[]> {
  const engines = await Promise.all(evenly(LAYERS, count).map((layers, i) => load({ layers, isFirst: i === 0, isLast: i === count - 1, contextTokens: 64, maxSessions: 2, batchTokens: 16 })));
  open.push(...engines);
  return engines;
}

async function ringOf(count: number): Promise<Seat[]> {
  const seats = await takeSeats(await stages(count));
  await closeRing(seats);
  return seats;
}

const firstOf = (seats: readonly Seat[]): Seat => seats[0] as Seat;
const lastOf = (seats: readonly Seat[]): Seat => seats.at(-1) as Seat;
const said = (seat: Seat): number[] => seat.heard.tokens.map(({ token }) => token);

const callIn = (seat: Seat): Socket => connect(seat.lane.port, HOST).on('error', () => undefined).resume();
const gone = (socket: Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()));

beforeAll(async () => {
  await generateModel({ path, architecture: 'llama', type: 'Q8_0', layers: LAYERS, seed: 3 });
  load = stagesOf(path, folder, inProcess);
  const chain = new StageChain(await stages(1));
  whole = await (await chain.open(GREEDY)).generate(prompt, 24);
  await chain.dispose();
});
afterEach(async () => { for (const engine of open.splice(0)) await engine.dispose(); });
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a ring of lanes', () => {
  it.each([2, 3, LAYERS])('of %i stages decodes what one stage does', async (count) => {
    const seats = await ringOf(count);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 24 }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 23);
    expect([token, ...said(lastOf(seats))]).toEqual(whole);
    expect(lastOf(seats).heard.tokens.map(({ position }) => position)).toEqual(Array.from({ length: 23 }, (_, i) => prompt.length + 1 + i));
    expect(lastOf(seats).heard.tokens.every(({ passedOn }) => passedOn)).toBe(true);
  });

  it('stops at an end token, feeds nothing after it, and counts what it did', async () => {
    const seats = await ringOf(2);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    const end = whole.findIndex((one, i) => i > 3 && whole.indexOf(one) === i);
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 24, endTokens: [whole[end] ?? -1] }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === end);
    // A later run on the same lanes shows that nothing of the first is still under way.
    for (const { engine, session } of seats) await engine.rollback(session, 0);
    const again = await prefill(seats, { prompt, dtype: 'f32', run: 2 });
    start(firstOf(seats), { run: 2, feed: { ...NO_END, left: 4 }, first: { token: again, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === end + 3);
    expect([token, ...said(lastOf(seats))]).toEqual([...whole.slice(0, end + 1), ...whole.slice(1, 4)]);
    // Counted once the row is on its way, so maybe after the last stage told of its token.
    await expect.poll(() => firstOf(seats).lane.stats(firstOf(seats).session)).toMatchObject({ frames: 3 });
    expect(firstOf(seats).heard.losses).toEqual([]);
  });

  it('waits at its limit and goes on when that is raised', async () => {
    const seats = await ringOf(2);
    const { lane, session } = firstOf(seats);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { left: 24, limit: prompt.length + 3, endTokens: [] }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 3);
    lane.limit(session, 1, prompt.length + 5);
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 5);
    lane.stop(session, 1);
    lane.limit(session, 1, 1000);
    lane.token(session, 1, { token: 1, position: prompt.length + 5 });
    await expect.poll(() => lane.stats(session)).toMatchObject({ frames: 5 });
    expect([token, ...said(lastOf(seats))]).toEqual(whole.slice(0, 6));
  });

  it('drops tokens of a run that is over', async () => {
    const seats = await ringOf(2);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    for (const { engine, session } of seats) await engine.rollback(session, 0);
    await prefill(seats, { prompt, dtype: 'f32', run: 2 });
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 24 }, first: { token, position: prompt.length } });
    start(firstOf(seats), { run: 2, feed: { ...NO_END, left: 3 }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 2);
    expect(lastOf(seats).heard.tokens.map(({ run }) => run)).toEqual([2, 2]);
    expect([token, ...said(lastOf(seats))]).toEqual(whole.slice(0, 3));
  });

  it.each(['f16', 'q8'] as const)('with %s rows gives what they give over the mesh', async (dtype) => {
    const chain = new StageChain(await stages(2), dtype);
    const wanted = await (await chain.open(GREEDY)).generate(prompt, 12);
    const seats = await ringOf(2);
    const token = await prefill(seats, { prompt, dtype, run: 1 });
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 12 }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 11);
    expect([token, ...said(lastOf(seats))]).toEqual(wanted);
  });

  it.each([[['f16', 'f32']], [['f32', 'q8']], [['q8', 'f16']]] as const)('with rows of another dtype at each boundary (%s) gives what they give over the mesh', async (dtype) => {
    const chain = new StageChain(await stages(3), dtype);
    const wanted = await (await chain.open(GREEDY)).generate(prompt, 12);
    const seats = await ringOf(3);
    const token = await prefill(seats, { prompt, dtype, run: 1 });
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 12 }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 11);
    expect([token, ...said(lastOf(seats))]).toEqual(wanted);
    for (const [i, { engine, lane, session }] of seats.slice(0, 2).entries()) {
      await expect.poll(() => lane.stats(session)).toMatchObject({ frames: 11, bytesOut: 11 * (48 + rowBytes(dtypeAt(dtype, i), engine.info.hiddenSize)) });
    }
  });
});

describe('the steps that a lane remembers', () => {
  it.each(['in this process', 'in a worker'] as const)('are those of the present run, in order, timed by the clock that stamps tokens (%s)', async (where) => {
    const before = load;
    onTestFinished(() => void (load = before));
    if (where === 'in a worker') load = stagesOf(path, folder, inWorker);
    const seats = await ringOf(2);
    const run = async (number: number, left: number): Promise<void> => {
      for (const { engine, session } of seats) await engine.rollback(session, 0);
      const token = await prefill(seats, { prompt, dtype: 'f32', run: number });
      start(firstOf(seats), { run: number, feed: { ...NO_END, left }, first: { token, position: prompt.length } });
      await lastOf(seats).heard.until(({ tokens }) => tokens.filter((told) => told.run === number).length === left - 1);
    };
    await run(1, 24);
    await run(2, 9);
    for (const { lane, session } of seats) {
      await expect.poll(() => lane.stats(session)).toMatchObject({ frames: 8 });
      const { nowUs, steps } = await lane.steps(session);
      expect(steps.map(({ position }) => position)).toEqual(Array.from({ length: 8 }, (_, i) => prompt.length + i));
      for (const [i, { atUs, computeUs, serialiseUs, waitUs }] of steps.entries()) {
        expect(atUs).toBeGreaterThan(steps[i - 1]?.atUs ?? 0);
        expect(atUs).toBeLessThanOrEqual(nowUs);
        expect(Math.min(computeUs, serialiseUs, waitUs)).toBeGreaterThanOrEqual(0);
        expect(computeUs).toBeGreaterThan(0);
      }
    }
    const last = lastOf(seats);
    const sampledAt = last.heard.tokens.filter((told) => told.run === 2).map(({ atUs }) => atUs);
    expect((await last.lane.steps(last.session)).steps.map(({ atUs }) => atUs)).toEqual(sampledAt);
    const stats = await last.lane.stats(last.session);
    // A token's record: length, header, tag.
    expect(stats).toMatchObject({ frames: 8, bytesOut: 8 * (4 + 28 + 16) });
  });
});

describe('a boundary without a connection', () => {
  it('gives the row to its process, the same as forward computes', async () => {
    const seats = await takeSeats(await stages(2));
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    const { engine, heard, session } = firstOf(seats);
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 24 }, first: { token, position: prompt.length } });
    await heard.until(({ rows }) => rows.length === 1);
    await engine.rollback(session, prompt.length);
    const direct = await only(engine, { session, position: prompt.length, input: { kind: 'tokens', tokens: Int32Array.of(token) }, want: { kind: 'hidden', dtype: 'f32' } });
    expect(heard.rows[0]).toMatchObject({ run: 1, position: prompt.length, computeUs: 0 });
    expect(heard.rows[0]?.data).toEqual(direct.kind === 'hidden' ? direct.data : undefined);
  });

  it('asks for the token to be sent on', async () => {
    const seats = await takeSeats(await stages(2));
    await join(firstOf(seats), lastOf(seats));
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 24 }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 1);
    expect(lastOf(seats).heard.tokens[0]).toMatchObject({ token: whole[1], passedOn: false });
  });
});

describe('a lane that meets trouble', () => {
  it('tells that the next stage is gone, as a loss of rows', async () => {
    const seats = await ringOf(2);
    await lastOf(seats).engine.dispose();
    await firstOf(seats).heard.until(({ losses }) => losses.length === 2);
    expect(firstOf(seats).heard.losses.map(({ side, wasUp }) => `${side} ${wasUp}`).toSorted()).toEqual(['next true', 'previous true']);
  });

  it('hears nothing of a neighbour that leaves in order', async () => {
    const seats = await ringOf(2);
    await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    lastOf(seats).lane.leave(lastOf(seats).session);
    // Its end of the connections is closed when a new one is up.
    const fresh = await lastOf(seats).engine.open(GREEDY);
    await join(firstOf(seats), { ...lastOf(seats), session: fresh });
    expect(firstOf(seats).heard.losses).toEqual([]);
  });

  it('does not let in who has another key, or names no ticket', async () => {
    const seats = await takeSeats(await stages(2));
    const [from, to] = [firstOf(seats), lastOf(seats)];
    const id = randomBytes(16);
    await to.lane.expect(to.session, { id, key: randomBytes(32) });
    from.lane.connect(from.session, { host: HOST, port: to.lane.port }, { id, key: randomBytes(32) });
    from.lane.connect(from.session, { host: HOST, port: to.lane.port }, { id: randomBytes(16), key: randomBytes(32) });
    await from.heard.until(({ losses }) => losses.length === 2);
    expect(from.heard.losses).toEqual([expect.objectContaining({ side: 'next', wasUp: false }), expect.objectContaining({ side: 'next', wasUp: false })]);
    expect(from.heard.ups).toBe(0);
  });

  it('refuses a ticket that was used', async () => {
    const seats = await takeSeats(await stages(2));
    const [from, to] = [firstOf(seats), lastOf(seats)];
    const ticket = { id: randomBytes(16), key: randomBytes(32) };
    await to.lane.expect(to.session, ticket);
    from.lane.connect(from.session, { host: HOST, port: to.lane.port }, ticket);
    await from.heard.until(({ ups }) => ups === 1);
    from.lane.connect(from.session, { host: HOST, port: to.lane.port }, ticket);
    await from.heard.until(({ losses }) => losses.length === 1);
    expect(from.heard.losses).toEqual([expect.objectContaining({ wasUp: false })]);
  });

  it.each([['garbage', randomBytes(4096)], ['half a name', randomBytes(7)], ['nothing', Buffer.alloc(0)]])('drops a stranger who sends %s, and goes on', async (_what, bytes) => {
    const seats = await ringOf(2);
    const stranger = callIn(firstOf(seats));
    if (bytes.length > 0) stranger.write(bytes);
    await gone(stranger);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 4 }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 3);
    expect([token, ...said(lastOf(seats))]).toEqual(whole.slice(0, 4));
  });

  it('turns strangers away when too many say nothing', async () => {
    const [seat] = await takeSeats(await stages(2));
    const strangers = Array.from({ length: 40 }, () => callIn(seat as Seat));
    await Promise.all(strangers.map(gone));
    expect(seat?.heard.losses).toEqual([]);
  });

  it('tells of a row that cannot be computed', async () => {
    const seats = await ringOf(2);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 24 }, first: { token, position: prompt.length + 3 } });
    await firstOf(seats).heard.until(({ losses }) => losses.length === 1);
    expect(firstOf(seats).heard.losses).toEqual([expect.objectContaining({ side: 'own', detail: expect.stringContaining('rows') })]);
  });

  it('says what is wrong with an address, a session or a ticket', async () => {
    const [engine] = await stages(1);
    const [seat] = await takeSeats(await stages(2));
    await expect(engine?.openLane?.('no address', new Heard())).rejects.toMatchObject({ code: 'ENGINE_NO_LANE' });
    seat?.lane.connect(seat.session, { host: 'nowhere', port: 1 }, { id: randomBytes(16), key: randomBytes(32) });
    expect(seat?.heard.losses).toEqual([{ side: 'next', wasUp: false, detail: expect.stringContaining('"nowhere" is no address') }]);
    await expect(seat?.lane.expect(99, { id: randomBytes(16), key: randomBytes(32) })).rejects.toMatchObject({ code: 'ENGINE_NO_SESSION' });
    await expect(seat?.lane.expect(0, { id: randomBytes(3), key: randomBytes(32) })).rejects.toMatchObject({ code: 'ENGINE_BAD_ARGUMENT' });
  });
});

describe('a lane in a worker', () => {
  it('decodes, waits at its limit, tells figures and the end of a neighbour', async () => {
    load = stagesOf(path, folder, inWorker);
    const seats = await ringOf(2);
    const { lane, session } = firstOf(seats);
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { left: 24, limit: prompt.length + 3, endTokens: [] }, first: { token, position: prompt.length } });
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 3);
    // The first stage hears of the token at its own time.
    await expect.poll(() => lane.stats(session)).toMatchObject({ frames: 3, rings: 3 });
    lane.limit(session, 1, 1000);
    await lastOf(seats).heard.until(({ tokens }) => tokens.length === 23);
    expect([token, ...said(lastOf(seats))]).toEqual(whole);
    await lastOf(seats).engine.dispose();
    await firstOf(seats).heard.until(({ losses }) => losses.length === 2);
  });

  it('hands rows back where there is no connection, and stops with its run', async () => {
    load = stagesOf(path, folder, inWorker);
    const seats = await takeSeats(await stages(2));
    const token = await prefill(seats, { prompt, dtype: 'f32', run: 1 });
    start(firstOf(seats), { run: 1, feed: { ...NO_END, left: 24 }, first: { token, position: prompt.length } });
    await firstOf(seats).heard.until(({ rows }) => rows.length === 1);
    firstOf(seats).lane.stop(firstOf(seats).session, 1);
    firstOf(seats).lane.leave(firstOf(seats).session);
    expect(await firstOf(seats).lane.stats(firstOf(seats).session)).toMatchObject({ frames: 0 });
    expect(firstOf(seats).lane.busyUs()).toBe(0);
  });
});
