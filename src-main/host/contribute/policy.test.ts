import { describe, expect, it } from 'vitest';
import { decide, type Decision, type MachineNow, type WhenLimits } from './policy.ts';
import { windowEnd, windowStart, type Window } from './schedule.ts';

const ANY: WhenLimits = { onlyOnPower: true, afterIdleMs: undefined, maxLoad: undefined, schedule: [] };
/** A Wednesday, local time. */
const at = (hours: number, minutes = 0): Date => new Date(2026, 10, 18, hours, minutes);
const NIGHTS: Window = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '22:00', to: '06:30' };
const SERVE: Decision = { kind: 'serve' };
const held = (reason: string, until?: Date): object => ({ kind: 'hold', reason, ...(until === undefined ? {} : { until: until.getTime() }) });

interface Row {
  readonly isOn?: boolean;
  readonly pausedUntil?: Date;
  readonly limits?: Partial<WhenLimits>;
  readonly machine?: MachineNow;
  readonly before?: Decision;
  readonly now?: Date;
}

describe('whether a machine computes for others', () => {
  it.each<readonly [string, Row, object]>([
    ['switched off', { isOn: false, machine: { isOnBattery: true } }, { kind: 'off' }],
    ['nothing known, no limits', {}, SERVE],
    ['paused', { pausedUntil: at(13) }, held('paused', at(13))],
    ['a pause that is over', { pausedUntil: at(11, 59) }, SERVE],
    ['on battery', { machine: { isOnBattery: true } }, held('battery')],
    ['on battery, allowed', { machine: { isOnBattery: true }, limits: { onlyOnPower: false } }, SERVE],
    ['plugged in', { machine: { isOnBattery: false } }, SERVE],
    ['touched a minute ago', { machine: { idleMs: 60_000 }, limits: { afterIdleMs: 300_000 } }, held('in-use')],
    ['untouched for long enough', { machine: { idleMs: 300_000 }, limits: { afterIdleMs: 300_000 } }, SERVE],
    ['idle time not known', { limits: { afterIdleMs: 300_000 } }, SERVE],
    ['other programs busy', { machine: { othersLoad: 0.6 }, limits: { maxLoad: 0.5 } }, held('busy')],
    ['other programs busy, not asked for', { machine: { othersLoad: 0.99 } }, SERVE],
    ['a little calmer is not calm', { machine: { othersLoad: 0.45 }, limits: { maxLoad: 0.5 }, before: { kind: 'hold', reason: 'busy' } }, held('busy')],
    ['calm again', { machine: { othersLoad: 0.3 }, limits: { maxLoad: 0.5 }, before: { kind: 'hold', reason: 'busy' } }, SERVE],
    ['hot', { machine: { heat: 'serious' } }, held('hot')],
    ['critical', { machine: { heat: 'critical' } }, held('hot')],
    ['warm', { machine: { heat: 'fair' } }, SERVE],
    ['still warm after being hot', { machine: { heat: 'fair' }, before: { kind: 'hold', reason: 'hot' } }, held('hot')],
    ['out of hours', { limits: { schedule: [NIGHTS] } }, held('schedule', at(22))],
    ['within hours', { limits: { schedule: [NIGHTS] }, now: at(23) }, SERVE],
    ['hours of the night before', { limits: { schedule: [NIGHTS] }, now: at(6, 29) }, SERVE],
    ['their end', { limits: { schedule: [NIGHTS] }, now: at(6, 30) }, held('schedule', at(22))],
    ['the pause comes first', { pausedUntil: at(13), limits: { schedule: [NIGHTS] }, machine: { isOnBattery: true } }, held('paused', at(13))],
  ])('%s', (_, { isOn = true, pausedUntil, limits, machine = {}, before, now = at(12) }, decision) => {
    expect(decide({ isOn, pausedUntil: pausedUntil?.getTime(), limits: { ...ANY, ...limits }, machine, before }, now)).toEqual(decision);
  });
});

describe('hours', () => {
  it('begin again on the next of their days', () => {
    const saturday = new Date(2026, 10, 21, 12);
    expect(windowEnd([NIGHTS], saturday)).toBeUndefined();
    expect(windowStart([NIGHTS], saturday)).toBe(new Date(2026, 10, 23, 22).getTime());
    expect(windowEnd([NIGHTS], new Date(2026, 10, 21, 3))).toBe(new Date(2026, 10, 21, 6, 30).getTime());
  });

  it('of a whole day go on to the same time of the next', () => {
    const all: Window = { days: ['wed'], from: '00:00', to: '00:00' };
    expect(windowEnd([all], at(0))).toBe(new Date(2026, 10, 19).getTime());
    expect(windowStart([all], at(12))).toBe(new Date(2026, 10, 25).getTime());
  });
});
