import { expect, it } from 'vitest';
import { InTurn } from './in-turn.ts';

function begin<T>(begun: T[], one: T): Promise<void> {
  begun.push(one);
  return Promise.resolve();
}

it('begins the next one only when there is clearly time to spare, or twice in a row, and none when all is over', async () => {
  const begun: number[] = [];
  const over = new AbortController();
  // What is begun in each turn, and how busy that makes us.
  const busy = [0.2, 0.99, 0.55, 0.95, 0.5, 0.5, 0.9, 0.3];
  const seen: number[][] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const turns = new InTurn({
    signal: over.signal,
    measure: () => { const share = busy[seen.length] ?? 0; return () => share; },
    pause: (ms) => { if (ms > 100) return new Promise(() => undefined); seen.push([...begun]); if (seen.length === 8) { over.abort(); setImmediate(end); } return Promise.resolve(); },
  });
  for (const index of [0, 1, 2, 3, 4]) turns.add(() => begin(begun, index));
  await ended;
  expect(seen).toEqual([[0], [0, 1], [0, 1], [0, 1], [0, 1], [0, 1], [0, 1, 2], [0, 1, 2]]);
  expect(begun).toEqual([0, 1, 2]);
});

it('begins at once what comes when nothing waits', async () => {
  const turns = new InTurn({ signal: new AbortController().signal, measure: () => () => 0, pause: () => new Promise(setImmediate) });
  const begun: string[] = [];
  turns.add(() => begin(begun, 'first'));
  expect(begun).toEqual(['first']);
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  turns.add(() => begin(begun, 'later'));
  expect(begun).toEqual(['first', 'later']);
});

it('waits for one that connects, but not for ever', async () => {
  const begun: string[] = [];
  const paused: number[] = [];
  const second = Promise.withResolvers<void>();
  const turns = new InTurn({ signal: new AbortController().signal, measure: () => () => 0, pause: (ms) => { paused.push(ms); return Promise.resolve(); } });
  turns.add(() => { begun.push('silent'); return new Promise(() => undefined); });
  turns.add(() => { second.resolve(); return begin(begun, 'next'); });
  await second.promise;
  expect(begun).toEqual(['silent', 'next']);
  expect(paused.slice(0, 2)).toEqual([500, 100]);
});

it('waits less and less for silent ones in a row, and again as long after one that began', async () => {
  const begins: number[] = [];
  const [over, ended] = [new AbortController(), Promise.withResolvers<void>()];
  const turns = new InTurn({
    signal: over.signal, measure: () => () => 0,
    pause: (ms) => { if (ms !== 100) begins.push(ms); return new Promise((resolve) => void setImmediate(resolve)); },
  });
  const silent = (): Promise<void> => new Promise(() => undefined);
  for (const start of [silent, silent, silent, silent, silent, silent, () => Promise.resolve(), silent, () => { ended.resolve(); return silent(); }]) turns.add(start);
  await ended.promise;
  over.abort();
  await new Promise(setImmediate);
  expect(begins).toEqual([500, 250, 125, 62.5, 31.25, 25, 25, 500, 250]);
});

it('knows a busy process from an idle one', async () => {
  const begun: string[] = [];
  const over = new AbortController();
  const work = (ms: number): void => { for (const endMs = performance.now() + ms; performance.now() < endMs;); };
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let turns = 0;
  const pause = (ms: number): Promise<void> => (ms > 100 ? new Promise(() => undefined) : new Promise((resolve) => void setTimeout(() => {
    // Busy for the first three turns.
    if (turns++ < 3) work(4 * ms);
    begun.push(`turn ${turns}`);
    if (over.signal.aborted) end();
    resolve();
  }, ms / 10)));
  const one = new InTurn({ pause, signal: over.signal });
  one.add(() => begin(begun, 'first'));
  one.add(() => { over.abort(); return begin(begun, 'second'); });
  await ended;
  expect(begun).toEqual(['first', 'turn 1', 'turn 2', 'turn 3', 'turn 4', 'second', 'turn 5']);
});
