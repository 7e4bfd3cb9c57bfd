import { describe, expect, it } from 'vitest';
import { asManifestCid, asPeerId } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { NodeReport, StageAssignment } from '../ports.ts';
import { createReroute, type Choose, type Loss, type RerouteInit } from './reroute.ts';

const NODE: NodeReport = { backend: 'cpu', freeBytes: 1e9, decodeBytesPerSecond: 1e9, prefillBytesPerSecond: 1e9, isMeasured: true };
const shards = [[0, 1], [2, 3], [4, 5]].map(([first = 0, last = 0]) => ({ layers: { first, last }, sizeBytes: 1 }));
const stage = (name: string, first: number, last: number): StageAssignment => ({ peer: asPeerId(name), addresses: [], layers: { first, last }, sends: 'f16' });
const route = [stage('a', 0, 1), stage('b', 2, 3), stage('c', 4, 5)];
const peers = ['a', 'b', 'c', 'x', 'y'].map((name) => ({ peer: asPeerId(name), addresses: [] }));
const signal = new AbortController().signal;
const lostOf = (...lost: readonly StageAssignment[]) => lost.map(({ peer, layers }, index) => ({ stage: index, peer, layers }));

interface Peers {
  readonly silent?: readonly string[];
  /** Indices of shards; all of those that are not here. */
  readonly held?: Readonly<Record<string, readonly number[]>>;
  readonly fetches?: readonly string[];
  readonly fetching?: RerouteInit['fetching'];
}

function rerouteWith(choose: Choose, { silent = [], held, fetches = [], fetching }: Peers = {}) {
  const asked: string[] = [];
  const queryNode = ({ peer }: { readonly peer: string }) => {
    asked.push(peer);
    return silent.includes(peer) ? Promise.reject(new RangeError('silent')) : Promise.resolve({
      node: fetches.includes(peer) ? { ...NODE, fetch: { freeBytes: 1e9, bytesPerSecond: 1e6, isMeasured: false } } : NODE, knowsLinks: true,
      offers: [{ modelHash: 'm', architecture: 'llama', totalLayers: 6, hiddenSize: 8, shards: held === undefined ? shards : shards.filter((_, i) => held[peer]?.includes(i) === true) }],
    });
  };
  const reroute = createReroute({ modelHash: 'm', candidates: () => peers, timeoutMs: 1000, planner: { queryNode, choose }, fetching, queryOffers: () => Promise.reject(new RangeError('not asked: the planner knows more')) });
  return { reroute, asked };
}
const names = (stages: readonly StageAssignment[]): string[] => stages.map(({ peer, layers }) => `${peer} ${layers.first}-${layers.last}`);

describe('with a planner', () => {
  it('a lost range goes to whom it chooses among those that answer, and nobody is asked twice', async () => {
    const losses: Loss[] = [];
    const { reroute, asked } = rerouteWith((loss) => {
      losses.push(loss);
      return [stage('y', loss.range.first, loss.range.last)];
    }, { silent: ['x'] });
    expect(names(await reroute({ route, lost: lostOf(route[1]!), avoid: [], signal }))).toEqual(['a 0-1', 'y 2-3', 'c 4-5']);
    expect(losses).toMatchObject([{ range: { first: 2, last: 3 }, route, kept: [route[0], route[2]], chosen: [], standing: [{ peer: 'a', node: NODE }, { peer: 'c' }, { peer: 'y' }] }]);
    expect(losses[0]?.standing).toHaveLength(3);
    expect(asked.toSorted()).toEqual(['a', 'c', 'x', 'y']);
  });

  it('of several lost ranges a later choice knows of the earlier', async () => {
    const chosen: string[][] = [];
    const { reroute } = rerouteWith((loss) => {
      chosen.push(names(loss.chosen));
      return [stage(loss.chosen.length === 0 ? 'x' : 'y', loss.range.first, loss.range.last)];
    });
    expect(names(await reroute({ route, lost: lostOf(route[0]!, route[1]!), avoid: [], signal }))).toEqual(['x 0-1', 'y 2-3', 'c 4-5']);
    expect(chosen).toEqual([[], ['x 0-1']]);
  });

  it('that knows of nobody, whoever holds the layers takes over', async () => {
    const { reroute } = rerouteWith(() => { throw pipelineErrors.noPlacement({ layer: 2, totalLayers: 6 }); });
    expect(names(await reroute({ route, lost: lostOf(route[1]!), avoid: [], signal }))).toEqual(['a 0-1', 'x 2-3', 'c 4-5']);
  });

  it('is asked again with what can be fetched when nobody holds the layers, but not for a stage that is only slow', async () => {
    const seen: number[] = [];
    const fetching = { queryNode: () => Promise.reject(new RangeError('the planner asks')), supplies: () => Promise.resolve([{ manifestCid: asManifestCid('cut'), shards, sources: [] }]) };
    const choose: Choose = ({ range, supplies }) => {
      seen.push(supplies.length);
      if (supplies.length === 0) throw pipelineErrors.noPlacement({ layer: range.first, totalLayers: 6 });
      return [stage('x', range.first, range.last)];
    };
    const { reroute } = rerouteWith(choose, { fetching, held: { a: [0], b: [1], c: [2] }, fetches: ['x'] });
    const lost = lostOf(route[1]!, route[1]!);
    expect(await reroute({ route, lost, avoid: [], signal })).toMatchObject([{ peer: 'a' }, { peer: 'x', fetch: { manifestCid: 'cut', bytes: 1 } }, { peer: 'c' }]);
    expect(seen).toEqual([0, 1]);
    expect(names(await reroute({ route, lost: [], avoid: lostOf(route[1]!), signal }))).toEqual(['a 0-1', 'b 2-3', 'c 4-5']);
    expect(seen).toEqual([0, 1, 0]);
  });

  it('a slow stage goes to somebody else as well', async () => {
    const { reroute } = rerouteWith(({ range, standing }) => [stage(standing.at(-1)?.peer ?? '', range.first, range.last)]);
    expect(names(await reroute({ route, lost: [], avoid: lostOf(route[2]!), signal }))).toEqual(['a 0-1', 'b 2-3', 'y 4-5']);
  });
});
