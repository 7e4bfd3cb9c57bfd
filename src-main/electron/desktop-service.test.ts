import { expect, it } from 'vitest';
import { DesktopSettings, type DesktopChoice } from './desktop-service.ts';

function begin({ canOpenAtLogin = true, fails = false } = {}) {
  let isOn = false;
  let restarts = 0;
  const saved: Partial<DesktopChoice>[] = [];
  const settings = new DesktopSettings({
    loginItem: canOpenAtLogin ? { isOn: async () => isOn, set: async (next) => { isOn = next; } } : undefined, hasTray: () => true, start: { closeToTray: false, notifications: true },
    save: async (choice) => {
      if (fails) throw new Error('read-only');
      saved.push(choice);
    },
    restart: () => { restarts += 1; },
  });
  return { settings, saved, restarts: () => restarts };
}

it('keeps each choice, and only what was chosen', async () => {
  const { settings, saved } = begin();
  expect(await settings.get()).toEqual({ closeToTray: false, notifications: true, hasTray: true, canOpenAtLogin: true, openAtLogin: false });
  expect(await settings.set({ closeToTray: true })).toMatchObject({ closeToTray: true, openAtLogin: false });
  expect(await settings.set({ openAtLogin: true })).toMatchObject({ closeToTray: true, openAtLogin: true });
  expect([saved, settings.choice]).toEqual([[{ closeToTray: true }], { closeToTray: true, notifications: true }]);
});

it('is as it was when the choice cannot be kept', async () => {
  const { settings } = begin({ fails: true });
  await expect(settings.set({ notifications: false, openAtLogin: true })).rejects.toThrow('read-only');
  expect(await settings.get()).toMatchObject({ notifications: true, openAtLogin: false });
});

it('is opened again when it is asked to', () => {
  const { settings, restarts } = begin();
  settings.restart();
  expect(restarts()).toBe(1);
});

it('does not open at login where it cannot', async () => {
  expect(await begin({ canOpenAtLogin: false }).settings.set({ openAtLogin: true })).toMatchObject({ canOpenAtLogin: false, openAtLogin: false });
});
