import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ManualClock } from '../base/index.ts';
import { MEMBERS, ScriptedHost, untilStopped } from '../../test/support/scripted-host.ts';
import type { ContributeState, ContributeSwitch } from './contribute-switch.ts';
import { Notices, type Notice } from './notices.ts';

function begin(host = new ScriptedHost(), contribute?: ContributeSwitch) {
  const clock = new ManualClock(1_000_000);
  const state = { isSeen: false, isWanted: true };
  const shown: Notice[] = [];
  const notices = new Notices({ host, contribute, clock, isSeen: () => state.isSeen, isWanted: () => state.isWanted, show: (notice) => shown.push(notice) });
  /** Past the time in which a mesh comes together. */
  const settle = (): void => void clock.advance(61_000);
  return { host, clock, state, shown, notices, settle };
}

/** Asks in a new conversation and waits for the end of its answer. */
async function ask(host: ScriptedHost, text: string): Promise<{ readonly id: string; readonly title: string }> {
  const { id } = host.conversations.create();
  const ended = Promise.race([host.conversations.events.once('done'), host.conversations.events.once('failed')]);
  host.conversations.send({ id, text });
  await ended;
  return host.conversations.open({ id, limit: 1 }).conversation;
}

/** A notice asks for the title first. */
const told = async (): Promise<void> => {
  await setImmediate();
  await setImmediate();
};

it('an answer that ended while nobody looked is told by its title, and by nothing else of the chat', async () => {
  const { host, shown } = begin();
  const question = `How many? ${'and then '.repeat(60)}the end of the question`;
  const { title } = await ask(host, question);
  await told();
  expect(shown).toEqual([{ title, body: 'The answer is there.' }]);
  expect(JSON.stringify(shown)).not.toContain('the end of the question');
  await host.conversations.close();
});

it('one that failed is told too, one that the user stopped is not', async () => {
  const { host, shown } = begin();
  host.script = async function* () { yield* []; throw new Error('a secret path'); };
  const { title } = await ask(host, 'Why?');
  await told();
  expect(shown).toEqual([{ title, body: 'The answer could not be finished.' }]);
  host.script = untilStopped('a');
  const { id } = host.conversations.create();
  const [began, ended] = [host.conversations.events.once('text'), host.conversations.events.once('done')];
  host.conversations.send({ id, text: 'Long?' });
  await began;
  host.conversations.stop({ id });
  await ended;
  await told();
  expect(shown).toHaveLength(1);
  await host.conversations.close();
});

it('nothing is told to who looks, or who wants none, or after the end', async () => {
  const { host, shown, state, notices, settle } = begin();
  settle();
  state.isSeen = true;
  await ask(host, 'One?');
  host.setMembers(MEMBERS.slice(0, 1));
  Object.assign(state, { isSeen: false, isWanted: false });
  await ask(host, 'Two?');
  host.setMembers(MEMBERS);
  state.isWanted = true;
  notices.stop();
  await ask(host, 'Three?');
  await told();
  expect(shown).toEqual([]);
  await host.conversations.close();
});

it('a machine that joins is told, those that were there are not, and many are told once', () => {
  const host = new ScriptedHost();
  const { shown, clock, settle } = begin(host);
  host.setMembers(MEMBERS.slice(1));
  expect(shown).toEqual([]);
  settle();
  host.setMembers(MEMBERS);
  expect(shown).toEqual([{ title: 'A machine joined', body: 'studio' }]);
  // It left and came back: no news.
  host.setMembers(MEMBERS.slice(1));
  settle();
  host.setMembers(MEMBERS);
  const many = Array.from({ length: 5 }, (_, index) => ({ ...MEMBERS[0]!, peerId: `12D3KooWNumber${index}`, name: `box ${index}` }));
  host.setMembers([...MEMBERS, ...many]);
  expect(shown.at(-1)).toEqual({ title: '5 machines joined', body: 'box 0, box 1, box 2' });
  clock.advance(30_000);
  host.setMembers([...many, { ...MEMBERS[0]!, peerId: '12D3KooWSoon', name: 'soon' }]);
  expect(shown).toHaveLength(2);
});

it('strangers of a public mesh come without a word, and names cannot pretend to be more than a name', () => {
  const { host, shown, settle } = begin();
  settle();
  host.setMembers([{ ...MEMBERS[0]!, peerId: '12D3KooWevil', name: `a\nb\u202e\u0007${'x'.repeat(90)}` }]);
  expect(shown[0]?.body).toMatch(/^a b {2,3}x{50,60}$/);
  settle();
  const { name: _, ...nameless } = MEMBERS[0]!;
  host.setMembers([{ ...nameless, peerId: '12D3KooWabcdefgh' }]);
  expect(shown[1]?.body).toBe('abcdefgh');
  settle();
  host.setStanding({ zone: { kind: 'public' }, reachability: { kind: 'unknown', reason: 'x' }, relays: [] });
  host.setMembers([{ ...MEMBERS[0]!, peerId: '12D3KooWother' }]);
  expect(shown).toHaveLength(2);
});

it('contributing that holds for the battery is told, once', () => {
  let [state, change]: [ContributeState, () => void] = [{ isOn: true }, () => undefined];
  const contribute: ContributeSwitch = { state: () => state, set: async () => undefined, pause: async () => undefined, onChange: (listener) => { change = listener; return () => undefined; } };
  const { shown } = begin(new ScriptedHost(), contribute);
  const become = (next: ContributeState): void => {
    state = next;
    change();
  };
  become({ isOn: true, heldBy: 'activity' });
  become({ isOn: true, heldBy: 'battery' });
  become({ isOn: true, heldBy: 'battery', pausedUntilMs: 1 });
  become({ isOn: false, heldBy: 'battery' });
  become({ isOn: true });
  expect(shown).toEqual([{ title: 'Contributing is paused', body: expect.stringContaining('battery') }]);
});
