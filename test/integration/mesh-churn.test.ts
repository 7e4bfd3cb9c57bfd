import { expect, test } from 'vitest';
import { churn } from '../support/churn.ts';
import { loopbackNetwork } from '../support/network.ts';

const MIB = 2 ** 20;

// A short one of test/perf/churn.bench.ts. The bounds of memory are for what would grow with everybody that comes.
test('nodes come and go, in order or killed: those that stay are one with who is there, and keep nothing of who left', { timeout: 600_000 }, async () => {
  const changes = 16;
  const { ordered, killed, badEnds, wrong, alone } = await churn({ hosts: loopbackNetwork(1).hosts, staying: 2, coming: 5, goesOn: (done) => done < changes, everyMs: 0, seed: 1, timeoutMs: 120_000 });
  expect(ordered + killed).toBe(changes + 5);
  expect({ badEnds, wrong }).toEqual({ badEnds: [], wrong: [] });
  for (const { before, after } of alone) {
    expect(after.connections).toBe(before.connections);
    // Fewer, where one was still closing at the first look.
    expect(after.fds).toBeLessThanOrEqual(before.fds);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(8 * MIB);
  }
});
