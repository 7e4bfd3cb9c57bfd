import type { MenuItemConstructorOptions } from 'electron';
import { expect, it } from 'vitest';
import type { ContributeState } from './contribute-switch.ts';
import { PAUSE_MS, trayMenu } from './tray-menu.ts';

const NOW = 1_800_000_000_000;

function open(contribute: ContributeState | undefined) {
  const done: unknown[] = [];
  const items = trayMenu({
    contribute, nowMs: NOW,
    actions: { show: () => done.push('show'), quit: () => done.push('quit'), contribute: (isOn) => done.push(['contribute', isOn]), pause: (forMs) => done.push(['pause', forMs]) },
  });
  const find = (label: string): MenuItemConstructorOptions => {
    const item = items.find((one) => one.label === label);
    if (item === undefined) throw new Error(`no ${label} in ${items.map((one) => one.label).join(', ')}`);
    return item;
  };
  // What Electron gives a click is of no use to us.
  const click = (label: string): void => find(label).click?.({} as never, undefined, {});
  return { items, find, click, done };
}

it('shows the window and quits, and has nothing else where nothing is contributed', () => {
  const { items, click, done } = open(undefined);
  expect(items.flatMap(({ label }) => label ?? [])).toEqual(['Show OmniNode', 'Quit OmniNode']);
  click('Show OmniNode');
  click('Quit OmniNode');
  expect(done).toEqual(['show', 'quit']);
});

it('turns contributing on and off, and pauses it for an hour', () => {
  const on = open({ isOn: true });
  expect([on.find('Contribute').checked, on.find('Contributing').enabled]).toEqual([true, false]);
  on.click('Contribute');
  on.click('Pause for 1 hour');
  expect(on.done).toEqual([['contribute', false], ['pause', PAUSE_MS]]);
  const off = open({ isOn: false });
  expect([off.find('Contribute').checked, off.find('Pause for 1 hour').enabled, off.find('Not contributing').enabled]).toEqual([false, false, false]);
  off.click('Contribute');
  expect(off.done).toEqual([['contribute', true]]);
});

it('says for how long it is paused, and ends the pause', () => {
  const paused = open({ isOn: true, pausedUntilMs: NOW + 90_000 });
  paused.find('Paused for 2 min');
  paused.click('Go on contributing');
  expect(paused.done).toEqual([['pause', 0]]);
  open({ isOn: true, pausedUntilMs: NOW }).find('Contributing');
});

it.each([['battery', 'Waiting: on battery'], ['activity', 'Waiting: you are using this machine'], ['schedule', 'Waiting: not at this hour'], ['heat', 'Waiting: this machine is hot']] as const)('says that it waits because of %s', (heldBy, label) => {
  open({ isOn: true, heldBy }).find(label);
});
