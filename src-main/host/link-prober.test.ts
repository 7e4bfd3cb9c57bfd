import { expect, it } from 'vitest';
import { asPeerId, CodedError, ManualClock, silentLogger, type PeerId } from '../base/index.ts';
import type { PeerSummary } from '../mesh/index.ts';
import { BANDWIDTH_COST_BYTES, BANDWIDTH_EVERY_MS, BUSY_BYTES, IDLE_PING_MS, LinkProber, LOSS_COST_BYTES, PING_COST_BYTES, ROUND_MS } from './link-prober.ts';

interface Way {
  readonly bytesPerMinute?: number;
  readonly fails?: boolean;
  readonly known?: number;
}

function prober({ bytesPerMinute = 100 * BANDWIDTH_COST_BYTES, fails = false, known }: Way = {}) {
  const clock = new ManualClock(1_000_000);
  const done: string[] = [];
  const links = new Map<PeerId, { bytes: number; route: PeerSummary['route'] }>();
  const peers = (): PeerSummary[] => [...links].map(([peer, { bytes, route }]) => ({
    peer, address: `/ip4/10.0.0.1/tcp/1/p2p/${peer}`, direction: 'outbound', transport: '', route, why: '', rttMs: 1, agent: undefined, protocols: [],
    figures: { rttMs: 1, minRttMs: 1, jitterMs: 0, loss: undefined, bytesPerSecond: undefined, carriedBytesPerSecond: undefined, sentBytes: 0, receivedBytes: bytes },
  }));
  const probe = (what: string): Promise<number> => { done.push(what); return fails ? Promise.reject(new CodedError({ code: 'MESH_REQUEST_TIMEOUT', message: '' })) : Promise.resolve(1); };
  const init = {
    bytesPerMinute, clock, logger: silentLogger, mesh: { peers, ping: (peer: PeerId) => probe(`ping ${peer}`), loss: (peer: PeerId) => probe(`loss ${peer}`) },
    meter: { bandwidthTo: () => known, measure: ({ peer }: { peer: PeerId }) => probe(`measure ${peer}`).then(() => ({ rttMs: 1, bytesPerSecond: 1, ageMs: 0 })) },
  };
  const one = new LinkProber(init);
  const round = async (): Promise<string[]> => {
    await one.round();
    clock.advance(ROUND_MS);
    return done.splice(0);
  };
  const add = (name: string, route: PeerSummary['route'] = 'direct'): { bytes: number } => {
    const link = { bytes: 0, route };
    links.set(asPeerId(name), link);
    return link;
  };
  return { one, clock, links, round, add };
}

it('measures an idle link once, pings it once a minute, and measures it again much later', async () => {
  const { add, round } = prober();
  add('a');
  expect(await round()).toEqual(['measure a', 'loss a']);
  const rounds: string[][] = [];
  for (let i = 1; i <= BANDWIDTH_EVERY_MS / ROUND_MS; i++) rounds.push(await round());
  expect(rounds.flat().filter((what) => what === 'ping a')).toHaveLength(BANDWIDTH_EVERY_MS / IDLE_PING_MS);
  for (const probe of ['measure a', 'loss a']) expect(rounds.flatMap((what, i) => (what.includes(probe) ? [i + 1] : []))).toEqual([BANDWIDTH_EVERY_MS / ROUND_MS]);
});

it('pings a link in use at every round, and takes nothing of the way of others while one is', async () => {
  const { add, round } = prober();
  const busy = add('busy');
  add('idle');
  expect(await round()).toEqual(['measure busy', 'measure idle', 'loss busy']);
  busy.bytes += BUSY_BYTES;
  expect(await round()).toEqual(['ping busy']);
  add('new');
  busy.bytes += BUSY_BYTES;
  expect(await round()).toEqual(['ping busy']);
  busy.bytes += BUSY_BYTES - 1;
  expect(await round()).toEqual(['measure new', 'loss idle']);
});

it('spends no more than its budget, and goes round', async () => {
  const { add, round } = prober({ bytesPerMinute: BANDWIDTH_COST_BYTES });
  for (const name of ['a', 'b', 'c']) add(name);
  const minutes: string[][] = [];
  for (let minute = 0; minute < 5; minute++) {
    const all: string[] = [];
    for (let i = 0; i < 6; i++) all.push(...await round());
    minutes.push(all);
  }
  const measured = minutes.flat().filter((what) => what.startsWith('measure'));
  expect(new Set(measured)).toEqual(new Set(['measure a', 'measure b', 'measure c']));
  const costOf = (what: string): number => (what.startsWith('ping') ? PING_COST_BYTES : what.startsWith('loss') ? LOSS_COST_BYTES : BANDWIDTH_COST_BYTES);
  for (let minute = 1; minute < minutes.length; minute++) {
    const spent = minutes.slice(0, minute + 1).flat().reduce((bytes, what) => bytes + costOf(what), 0);
    expect(spent).toBeLessThanOrEqual((minute + 2) * BANDWIDTH_COST_BYTES);
  }
});

it('spends nothing on what a plan had measured, on relayed links nothing but pings, and none where the owner wants none', async () => {
  const planned = prober({ known: 1e6 });
  planned.add('a');
  expect(await planned.round()).toEqual(['loss a']);
  const relayed = prober();
  relayed.add('r', 'relayed');
  expect(await relayed.round()).toEqual([]);
  relayed.clock.advance(IDLE_PING_MS);
  expect(await relayed.round()).toEqual(['ping r']);
  const none = prober({ bytesPerMinute: 0 });
  none.add('a');
  none.clock.advance(IDLE_PING_MS);
  expect(await none.round()).toEqual([]);
});

it('goes on when a peer does not answer, and forgets those who left', async () => {
  const { add, round, links } = prober({ fails: true });
  add('a');
  add('b');
  expect(await round()).toEqual(['measure a', 'measure b', 'loss a']);
  expect(await round()).toEqual(['loss b']);
  expect(await round()).toEqual([]);
  links.delete(asPeerId('a'));
  await round();
  add('a');
  expect(await round()).toEqual(['measure a', 'loss a']);
});

it('ends with the node', async () => {
  const { one, add, round } = prober();
  add('a');
  await one.start();
  await one.stop();
  expect(await round()).toEqual([]);
});
