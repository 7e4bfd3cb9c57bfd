import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src-main/base/index.ts';
import type { PoolLimits } from '../../src-main/host/source-pool.ts';
import { SourceSet } from '../../src-main/host/source-set.ts';
import { exchangeErrors, Fetch, LocalStore, type FetchEvent, type FetchOptions } from '../../src-main/store/index.ts';
import { writeShard, type ShardFixture } from '../support/shard-files.ts';
import { SourceDouble, type SourceKind } from '../support/source-double.ts';

let folder = '';
let shard: ShardFixture;
const ends: Array<() => void> = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-many-'));
  shard = await writeShard(folder, 'shard.bin', 12);
});
afterEach(() => ends.splice(0).forEach((end) => end()));
afterAll(() => rm(folder, { recursive: true }));

const QUICK: Partial<PoolLimits> = { openMs: 100 };

async function start({ limits, ...options }: Partial<FetchOptions> & { readonly limits?: Partial<PoolLimits> } = {}) {
  const home = await mkdtemp(join(folder, 'home-'));
  const store = new LocalStore({ folder: join(home, 'store') });
  const over = new AbortController();
  const fetch = new Fetch({ shards: [shard], target: store, clock: systemClock, stallMs: 250, ...options });
  // Every turn comes at once: how busy this machine is must not matter here.
  const sources = new SourceSet({ fetch, clock: systemClock, signal: over.signal, pause: () => new Promise(setImmediate), measure: () => () => 0, limits: { ...QUICK, ...limits } });
  ends.push(() => { fetch.cancel(); over.abort(); store.close(); });
  const made = new Map<string, SourceDouble>();
  let [opening, mostOpen] = [0, 0];
  const begun = (by: 1 | 0 = 0): void => { mostOpen = Math.max(mostOpen, (opening += by) + [...made.values()].filter(({ isClosed }) => !isClosed).length); };
  return {
    fetch, made, mostOpen: () => mostOpen, path: join(home, 'store', 'shards', `${shard.cid}.gguf`),
    add: (name: string, kind: SourceKind | 'deaf') => sources.add(name, (signal) => {
      if (kind === 'deaf') begun(1);
      if (kind === 'deaf') return new Promise((_, reject) => signal.addEventListener('abort', () => { opening--; reject(exchangeErrors.linkLost({ peer: name, reason: 'silent' })); }, { once: true }));
      const source = new SourceDouble(name, kind, { shard, sink: fetch });
      made.set(name, source);
      begun();
      return Promise.resolve(source);
    }),
  };
}

const named = (kind: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${kind} ${index}`);

it.each(['useless', 'silent', 'deaf'] as const)('of 80 sources it uses 64 at once, and those behind 70 that are %s in their place', async (kind) => {
  const { fetch, add, made, mostOpen, path } = await start();
  for (const name of named(kind, 70)) add(name, kind);
  for (const name of named('good', 10)) add(name, 'good');
  const report = await fetch.done;
  expect((await readFile(path)).equals(shard.bytes)).toBe(true);
  expect(report.sources.filter(({ bytes }) => bytes > 0).every(({ name }) => name.startsWith('good'))).toBe(true);
  expect(mostOpen()).toBe(64);
  // Nobody is blamed for having made room.
  expect(report.sources.filter(({ error }) => error !== undefined)).toEqual([]);
  expect([...made.values()].some(({ name, closedWith }) => name.startsWith(kind) && closedWith?.code === 'EXCHANGE_CANCELLED')).toBe(kind !== 'deaf');
});

it('takes those that are found while it runs, when its places are all taken', async () => {
  const events: FetchEvent[] = [];
  const stalled = Promise.withResolvers<void>();
  const { fetch, add } = await start({ limits: { maxActive: 4 }, onEvent: (event) => { events.push(event); if (event.kind === 'stalled') stalled.resolve(); } });
  for (const name of named('silent', 4)) add(name, 'silent');
  await stalled.promise;
  add('good', 'good');
  expect((await fetch.done).sources.filter(({ bytes }) => bytes > 0).map(({ name }) => name)).toEqual(['good']);
  expect(events.some(({ kind }) => kind === 'dropped')).toBe(false);
});

it('asks others at once for what a source that made room was asked', async () => {
  const { fetch } = await start({ stallMs: 1e9 });
  const silent = new SourceDouble('silent', 'silent', { shard, sink: fetch });
  fetch.add(silent);
  await expect.poll(() => silent.askedLeaves).toBeGreaterThan(0);
  fetch.add(new SourceDouble('good', 'good', { shard, sink: fetch }));
  fetch.release(silent);
  const { sources, bytesTwice } = await fetch.done;
  expect(sources).toEqual([{ name: 'silent', bytes: 0 }, { name: 'good', bytes: shard.sizeBytes }]);
  expect(bytesTwice).toBe(0);
  expect(silent.closedWith?.code).toBe('EXCHANGE_CANCELLED');
  fetch.release(silent);
});

it('opens one that is lost again, and one that lied no more', async () => {
  const { fetch, add, made } = await start({ limits: { reconnect: { firstMs: 1, maxMs: 1 } } });
  add('silent', 'silent');
  await expect.poll(() => made.get('silent')?.askedLeaves).toBeGreaterThan(0);
  const first = made.get('silent')!;
  fetch.ended(first, exchangeErrors.linkLost({ peer: 'silent', reason: 'gone' }));
  await expect.poll(() => made.get('silent') !== first).toBe(true);
  const again = made.get('silent')!;
  await expect.poll(() => again.askedLeaves).toBeGreaterThan(0);
  fetch.ended(again, exchangeErrors.badLeaf({ peer: 'silent', cid: shard.cid, leaf: 0 }));
  add('good', 'good');
  const { sources } = await fetch.done;
  expect(made.get('silent')).toBe(again);
  expect(sources.find(({ name }) => name === 'silent')?.error?.code).toBe('EXCHANGE_BAD_LEAF');
});
