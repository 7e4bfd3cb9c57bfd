import { afterEach, expect, it } from 'vitest';
import { asPeerId, ManualClock } from '../../base/index.ts';
import { leafCid } from '../dag/index.ts';
import { decodeAnnouncement, type Announcement } from './announcement.ts';
import { Announcer } from './announcer.ts';
import type { Holdings } from './holdings.ts';
import { RecordKeeper } from './record-keeper.ts';

const PEER = asPeerId('12D3KooWLGhttsQkuqn5xe46oFnc3vopSwcaU8C75uNZS5Ywh2Qh');
const [ONE = '', TWO = '', THREE = ''] = [1, 2, 3].map((n) => leafCid(new Uint8Array(32).fill(n)).toString());
const holding = (shards: readonly string[], models: Holdings['models'] = []): Holdings => ({ models, shards, cids: [...models.map(({ manifest }) => manifest), ...shards] });

const running: Announcer[] = [];
afterEach(async () => { for (const one of running.splice(0)) await one.stop(); });

function started(first: Holdings, growMs = 0) {
  const clock = new ManualClock(1_000_000);
  const told: Announcement[] = [];
  const held: Holdings[] = [];
  const state = { holdings: first, heardBy: 1 };
  const announcer = new Announcer({
    holdings: () => state.holdings, onHoldings: (now) => void held.push(now), addresses: () => ({ addresses: [], nodeAddresses: [] }), clock, onTrouble: (error) => { throw error; },
    publish: (data) => { told.push(decodeAnnouncement(data, PEER)); return Promise.resolve(state.heardBy); },
    times: { everyMs: 600_000, checkMs: 3_600_000, growMs, gatherMs: 0, retellMs: 60_000, ttlMs: 1_800_000 },
  });
  running.push(announcer);
  announcer.start();
  return { announcer, clock, told, state, held };
}

const gist = ({ models, shards, gone, ttlMs }: Announcement) => ({ models: models.map(({ manifest, pieces }) => [manifest, ...pieces]), shards, gone, ttlMs });
const all = { models: [], shards: [], gone: [], ttlMs: 1_800_000 };

it('tells all at first, then what changed, all again when it is time, and that it leaves', async () => {
  const { announcer, clock, told, state } = started(holding([ONE]));
  await announcer.check();
  expect(told.map(gist)).toEqual([{ ...all, shards: [ONE] }]);
  await announcer.check();
  expect(told).toHaveLength(1);
  state.holdings = holding([ONE, TWO], [{ manifest: THREE, pieces: Uint8Array.of(1) }]);
  await announcer.check();
  expect(gist(told[1]!)).toEqual({ ...all, models: [[THREE, 1]], shards: [TWO] });
  state.holdings = holding([TWO], [{ manifest: THREE, pieces: Uint8Array.of(3) }]);
  await announcer.check();
  expect(gist(told[2]!)).toEqual({ ...all, models: [[THREE, 3]], gone: [ONE] });
  clock.advance(600_000);
  await announcer.check();
  expect(gist(told[3]!)).toEqual({ ...all, models: [[THREE, 3]], shards: [TWO] });
  await announcer.stop();
  expect(gist(told[4]!)).toEqual({ ...all, ttlMs: 0 });
  expect(told.map(({ at }) => at)).toEqual([...new Set(told.map(({ at }) => at))].sort((a, b) => a - b));
});

it('gathers what a download brings, tells at once what is gone, and lets know whoever asks', async () => {
  const { announcer, clock, told, state, held } = started(holding([ONE]), 20_000);
  await announcer.check();
  state.holdings = holding([ONE, TWO]);
  await announcer.check();
  expect(told.map(gist).slice(1)).toEqual([{ ...all, shards: [TWO] }]);
  state.holdings = holding([ONE, TWO, THREE]);
  clock.advance(19_999);
  await announcer.check();
  expect([told.length, held.at(-1)?.cids]).toEqual([2, [ONE, TWO, THREE]]);
  clock.advance(1);
  await announcer.check();
  expect(gist(told[2]!)).toEqual({ ...all, shards: [THREE] });
  // With what is new, since the message goes out anyway.
  state.holdings = holding([TWO], [{ manifest: THREE, pieces: Uint8Array.of(3) }]);
  await announcer.check();
  expect(gist(told[3]!)).toEqual({ ...all, models: [[THREE, 3]], gone: [ONE] });
  // A piece less of a model is less.
  state.holdings = holding([TWO], [{ manifest: THREE, pieces: Uint8Array.of(5) }]);
  await announcer.check();
  expect(gist(told[4]!)).toEqual({ ...all, models: [[THREE, 5]] });
});

it('says nothing when there is nothing, nor a farewell', async () => {
  const { announcer, told } = started(holding([]));
  await announcer.check();
  await announcer.stop();
  expect(told).toEqual([]);
});

it('tells a newcomer all: at once when nobody had heard it, else not again within a minute', async () => {
  const { announcer, clock, told, state } = started(holding([ONE]));
  state.heardBy = 0;
  await announcer.check();
  announcer.newcomer();
  state.heardBy = 1;
  await expect.poll(() => told).toHaveLength(2);
  announcer.newcomer();
  await announcer.check();
  expect(told).toHaveLength(2);
  await announcer.stop();
  expect(told.map(gist).at(-1)).toEqual({ ...all, ttlMs: 0 });
  expect(clock.now()).toBe(1_000_000);
});

it('records are put for what is held, kept back while nobody can be told, and taken back', async () => {
  const provided: string[] = [];
  const withdrawn: string[] = [];
  const waiting: Array<() => void> = [];
  const keeper = new RecordKeeper({
    provide: async (cid) => {
      if (provided.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      provided.push(cid);
      return 20;
    },
    withdraw: (cid) => { withdrawn.push(cid); return Promise.resolve(); },
  }, (error) => { throw error; });
  keeper.hold([ONE, TWO]);
  keeper.hold([ONE, THREE]);
  await expect.poll(() => waiting).toHaveLength(1);
  waiting[0]?.();
  await expect.poll(() => provided).toEqual([ONE, THREE]);
  expect(withdrawn).toEqual([TWO]);
  await keeper.stop();
});
