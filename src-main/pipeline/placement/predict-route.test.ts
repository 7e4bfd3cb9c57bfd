import { expect, it } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import { randomRequest } from '../../../test/support/placements.ts';
import { planPlacement } from './plan.ts';
import { predictRoute } from './predict-route.ts';

const request = randomRequest({ seed: 5, nodes: 4, layers: 12, objective: 'latency', room: 2 });
const { stages, predicted } = planPlacement(request);

it('expects of a plan\'s stages what the plan does', () => {
  expect(predictRoute(request, stages)).toEqual(predicted);
});

it('expects a longer prompt to take longer, and tokens as long as before', () => {
  const longer = predictRoute({ ...request, load: { ...request.load, promptTokens: 10 * request.load.promptTokens + 1000 } }, stages);
  expect(longer.ttftMs).toBeGreaterThan(predicted.ttftMs);
  expect(longer.tokensPerSecond).toBe(predicted.tokensPerSecond);
});

it('knows nothing of nodes and cuts that are not in the request', () => {
  for (const wrong of [[], [{ peer: asPeerId('stranger'), layers: { first: 0, last: 11 } }], [{ peer: stages[0]!.peer, layers: { first: 0, last: 99 } }]]) {
    expect(() => predictRoute(request, wrong)).toThrow(expect.objectContaining({ code: 'PIPELINE_BAD_OPTION' }));
  }
});
