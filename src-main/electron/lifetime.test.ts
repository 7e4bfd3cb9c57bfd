import { expect, it } from 'vitest';
import { goesOnWithoutWindow, startsHidden } from './lifetime.ts';

it.each([
  ['linux', false, true, false], ['linux', true, true, true], ['linux', true, false, false],
  ['win32', false, true, false], ['win32', true, true, true], ['win32', true, false, false],
  ['darwin', false, false, true], ['darwin', true, true, true],
] as const)('on %s, closing to the tray %s, with a tray %s: goes on without a window %s', (...[platform, closeToTray, hasTray, expected]) => {
  expect(goesOnWithoutWindow({ platform, closeToTray, hasTray })).toBe(expected);
});

it('opens no window at login, but where it could not be found again', () => {
  const start = { platform: 'linux', closeToTray: false, hasTray: true, argv: ['omninode', '--hidden'], wasOpenedAtLogin: false } as const;
  expect(startsHidden(start)).toBe(true);
  expect(startsHidden({ ...start, argv: ['omninode'] })).toBe(false);
  expect(startsHidden({ ...start, hasTray: false })).toBe(false);
  expect(startsHidden({ ...start, platform: 'darwin', hasTray: false, argv: [], wasOpenedAtLogin: true })).toBe(true);
});
