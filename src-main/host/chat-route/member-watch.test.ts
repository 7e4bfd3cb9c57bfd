import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Events } from '../../base/index.ts';
import type { NodePresence } from '../capability/node-presence.ts';
import { MemberWatch } from './member-watch.ts';
import { servingSignature } from './serving-members.ts';

let members: unknown[] = [];
const events: NodePresence['events'] = new Events();
const node = { presence: { events, members: () => members } as unknown as NodePresence };
const member = (peer: string, serves: boolean) => ({ peer, profile: { limits: { serves } } });
const tell = (...now: unknown[]): void => {
  members = now;
  events.emit('peer:changed', now[0] as never);
};

beforeEach(() => {
  vi.useFakeTimers();
  members = [];
});
afterEach(() => void vi.useRealTimers());

it('fires once for several changes, and only where who serves is another', () => {
  const onChange = vi.fn();
  const watch = new MemberWatch({ node, onChange });
  watch.arm(servingSignature(node));
  tell(member('b', false));
  vi.advanceTimersByTime(1_000);
  expect(onChange).not.toHaveBeenCalled();
  tell(member('b', true));
  tell(member('b', true), member('c', true));
  vi.advanceTimersByTime(1_000);
  expect(onChange).toHaveBeenCalledOnce();
  tell();
  vi.advanceTimersByTime(60_000);
  expect(onChange).toHaveBeenCalledOnce();
  expect(watch.isArmed).toBe(false);
});

it('sees who came before it was armed, tries again after a while where anybody serves, and is quiet once disarmed', () => {
  const onChange = vi.fn();
  const watch = new MemberWatch({ node, onChange });
  const since = servingSignature(node);
  watch.arm(since);
  vi.advanceTimersByTime(120_000);
  expect(onChange).not.toHaveBeenCalled();
  watch.disarm();
  tell(member('b', true));
  watch.arm(since);
  vi.advanceTimersByTime(1_000);
  expect(onChange).toHaveBeenCalledTimes(1);
  watch.arm(servingSignature(node));
  vi.advanceTimersByTime(29_000);
  expect(onChange).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2_000);
  expect(onChange).toHaveBeenCalledTimes(2);
  watch.arm('');
  watch.disarm();
  vi.advanceTimersByTime(60_000);
  expect(onChange).toHaveBeenCalledTimes(2);
});
