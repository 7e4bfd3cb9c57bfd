import { describe, expect, it } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { NodeReport, StageAssignment } from '../ports.ts';
import { createReroute, type Choose, type Loss } from './reroute.ts';

const NODE: NodeReport = { backend: 'cpu', freeBytes: 1e9, decodeBytesPerSecond: 1e9, prefillBytesPerSecond: 1e9, isMeasured: true };
const shards = [[0, 1], [2, 3], [4, 5]].map(([first = 0, last = 0]) => ({ layers: { first, last }, sizeBytes: 1 }));
const stage = (name: string, first: number, last: number): StageAssignment => ({ peer: asPeerId(name), addresses: [], layers: { first, last }, sends: 'f16' });
const route = [stage('a', 0, 1), stage('b', 2, 3), stage('c', 4, 5)];
const peers = ['a', 'b', 'c', 'x', 'y'].map((name) => ({ peer: asPeerId(name), addresses: [] }));
const signal = new AbortController().signal;
const lostOf = (...lost: readonly StageAssignment[]) => lost.map(({ peer, layers }, index) => ({ stage: index, peer, layers }));

function rerouteWith(choose: Choose, silent: readonly string[] = []) {
  const asked: string[] = [];
  const queryNode = ({ peer }: { readonly peer: string }) => {
    asked.push(peer);
    return silent.includes(peer) ? Promise.reject(new RangeError('silent')) : Promise.resolve({ node: NODE, knowsLinks: true, offers: [{ modelHash: 'm', architecture: 'llama', totalLayers: 6, hiddenSize: 8, shards }] });
  };
  const reroute = createReroute({ modelHash: 'm', candidates: () => peers, timeoutMs: 1000, planner: { queryNode, choose }, queryOffers: () => Promise.reject(new RangeError('not asked: the planner knows more')) });
  return { reroute, asked };
}
const names = (stages: readonly StageAssignment[]): string[] => stages.map(({ peer, layers }) => `${peer} ${layers.first}-${layers.last}`);

describe('with a planner', () => {
  it('a lost range goes to whom it chooses among those that answer, and nobody is asked twice', async () => {
    const losses: Loss[] = [];
    const { reroute, asked } = rerouteWith((loss) => {
      losses.push(loss);
      return [stage('y', loss.range.first, loss.range.last)];
    }, ['x']);
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

  it('a slow stage goes to somebody else as well', async () => {
    const { reroute } = rerouteWith(({ range, standing }) => [stage(standing.at(-1)?.peer ?? '', range.first, range.last)]);
    expect(names(await reroute({ route, lost: [], avoid: lostOf(route[2]!), signal }))).toEqual(['a 0-1', 'b 2-3', 'y 4-5']);
  });
});
