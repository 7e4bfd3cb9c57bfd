import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FINISH, MEMBERS, ScriptedHost } from '../../test/support/scripted-host.ts';
import { events, isRunning, MAX_FINISHED_ANSWERS, parsePush, reduce, type HostEvent, type HostState } from './index.ts';

const host = new ScriptedHost();
const START: HostState = { info: host.info(), status: { kind: 'starting' }, stages: [], peers: [], answers: {} };
const run = (...list: HostEvent[]): HostState => list.reduce(reduce, START);
const started = (requestId: string): HostEvent => ({ event: 'chat.started', data: { requestId, conversationId: 'c' } });
const delta = (requestId: string, text: string): HostEvent => ({ event: 'chat.delta', data: { requestId, text } });
const done = (requestId: string): HostEvent => ({ event: 'chat.done', data: { requestId, finish: FINISH } });

it('keeps what was told last', () => {
  const state = run({ event: 'host.status', data: { kind: 'ready' } }, { event: 'pipeline.stages', data: host.stages() }, { event: 'pipeline.activity', data: { answering: 1, waiting: 0 } }, { event: 'peers.changed', data: host.peers() }, { event: 'members.changed', data: MEMBERS });
  expect(state).toEqual({ ...START, status: { kind: 'ready' }, stages: host.stages(), activity: { answering: 1, waiting: 0 }, peers: host.peers(), members: MEMBERS });
});

it('joins the text of each answer by itself', () => {
  const { answers } = run(started('a'), started('b'), delta('a', '1'), delta('b', 'x'), delta('a', '2'), done('a'));
  expect(answers).toEqual({ a: { conversationId: 'c', text: '12', finish: FINISH }, b: { conversationId: 'c', text: 'x' } });
});

it('ignores text for an answer that is unknown or over', () => {
  expect(run(delta('nobody', 'x'))).toBe(START);
  expect(run(started('a'), done('a'), delta('a', 'late')).answers['a']?.text).toBe('');
});

it('forgets the oldest finished answers and never a running one', () => {
  const many = Array.from({ length: 100 }, (_, index) => [started(`r${index}`), done(`r${index}`)]).flat();
  const { answers } = run(started('running'), ...many, started('last'));
  expect(Object.values(answers).filter((answer) => !isRunning(answer)).length).toBeLessThanOrEqual(MAX_FINISHED_ANSWERS);
  expect(Object.keys(answers)).toEqual(expect.arrayContaining(['running', 'last', 'r99']));
  expect(answers['r0']).toBeUndefined();
});

it('never changes the state that it was given', () => {
  const eventOf = fc.oneof(
    fc.constantFrom('a', 'b', 'c').map(started), fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.string()).map(([id, text]) => delta(id, text)), fc.constantFrom('a', 'b', 'c').map(done),
  );
  fc.assert(fc.property(fc.array(eventOf, { maxLength: 40 }), (list) => {
    let state = START;
    for (const event of list) {
      const before = JSON.stringify(state);
      const next = reduce(state, event);
      expect(JSON.stringify(state)).toBe(before);
      state = next;
    }
  }));
});

it('accepts the pushes of the contract and nothing else', () => {
  expect(parsePush({ seq: 3, ...delta('a', 'x') })).toEqual({ seq: 3, ...delta('a', 'x') });
  fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(events), 'toString', '__proto__'), (data, event) => {
    for (const raw of [data, { seq: 0, event, data }, { seq: 1.5, event, data }, { seq: 1, event: 'no.such', data }]) expect(parsePush(raw)).toBeUndefined();
  }));
});
