import { expect, test } from 'vitest';
import { simulateMesh } from './mesh-sim.ts';

test('nodes join, know each other, and know who is gone 15 s after a fifth of them was killed', { timeout: 300_000 }, async () => {
  const { join, loss } = await simulateMesh({ nodes: 30, peaceMs: 5_000 });
  expect({ joined: join.converged, lost: loss.converged }).toEqual({ joined: true, lost: true });
  // Virtual times: no machine is too slow for them.
  expect(loss.virtualMs.max).toBeLessThanOrEqual(15_000);
  // A newcomer costs each of the others one ad of it, not new ads of all its neighbours.
  expect(join.bytesPerNode.p50).toBeLessThan(30 * 20_000);
});

test('one seed means one course of events, another another', { timeout: 300_000 }, async () => {
  const run = async (seed: number): Promise<unknown> => {
    const { join, peace, loss, bytesByProtocol } = await simulateMesh({ nodes: 10, dials: 3, peaceMs: 2_000, seed });
    return { bytesByProtocol, phases: [join, peace, loss].map(({ virtualMs, bytesPerNode }) => ({ virtualMs, bytesPerNode })) };
  };
  const first = await run(1);
  expect(await run(1)).toEqual(first);
  expect(await run(2)).not.toEqual(first);
});

test('nodes on links that carry nothing do not meet', { timeout: 300_000 }, async () => {
  const { join } = await simulateMesh({ nodes: 4, dials: 1, peaceMs: 0, limitMs: 5_000, links: { latencyMs: { min: 60_000, max: 60_000 }, jitterMs: 0, loss: 0 } });
  expect(join.converged).toBe(false);
});
