import { expect, it } from 'vitest';
import { AnswersUnderWay } from './under-way.ts';

it('is busy from the first to the last, and tells each of them what happens', async () => {
  const [states, heard]: [string[], string[]] = [[], []];
  const answers = new AnswersUnderWay({ onState: (state) => states.push(state), onMoved: () => undefined });
  await answers.ended();
  const hearer = (name: string) => ({ push: () => heard.push(name) > 0 });
  const [leave, leaveToo] = [answers.begin(hearer('a')), answers.begin(hearer('b'))];
  answers.tell({ progress: { kind: 'recovering' } });
  let isOver = false;
  const over = answers.ended().then(() => { isOver = true; });
  leave();
  await Promise.resolve();
  expect([answers.isIdle, isOver, states, heard]).toEqual([false, false, ['busy', 'busy'], ['a', 'b']]);
  leaveToo();
  await over;
  expect([answers.isIdle, states]).toEqual([true, ['busy', 'busy', 'ready']]);
});

it('ends those of now, not those that begin later', () => {
  const answers = new AnswersUnderWay({ onState: () => undefined, onMoved: () => undefined });
  const { signal } = answers;
  answers.endAll();
  answers.letBegin();
  expect([signal.aborted, answers.signal.aborted]).toEqual([true, false]);
});
