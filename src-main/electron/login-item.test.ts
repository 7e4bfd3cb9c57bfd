import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autostartEntry, systemLoginItem, xdgLoginItem, type LoginApp } from './login-item.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'omninode-login-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a desktop reads out of an Exec line: first the file's escapes, then those inside quotes, then field codes. */
function programOf(entry: string): string {
  const [, value = ''] = /^Exec=(.*)$/m.exec(entry) ?? [];
  const text = value.replaceAll('\\\\', '\\');
  const [, quoted = ''] = /^"((?:\\.|[^"\\])*)" --hidden$/s.exec(text) ?? [];
  return quoted.replaceAll(/\\(.)/gs, '$1').replaceAll('%%', '%');
}

describe('on Linux', () => {
  it('opens at login by a file that is written whole, and removed with nothing left', async () => {
    const item = xdgLoginItem({ configHome: folder, execPath: '/opt/OmniNode/omninode' });
    expect(await item.isOn()).toBe(false);
    await item.set(true);
    await item.set(true);
    expect([await item.isOn(), readdirSync(join(folder, 'autostart'))]).toEqual([true, ['omninode.desktop']]);
    expect(readFileSync(join(folder, 'autostart', 'omninode.desktop'), 'utf8')).toBe(autostartEntry('/opt/OmniNode/omninode'));
    await item.set(false);
    await item.set(false);
    expect([await item.isOn(), readdirSync(join(folder, 'autostart'))]).toEqual([false, []]);
  });

  it('is off where the desktop turned the entry off', async () => {
    const item = xdgLoginItem({ configHome: folder, execPath: '/o' });
    mkdirSync(join(folder, 'autostart'));
    for (const line of ['Hidden=true', 'X-GNOME-Autostart-enabled=false']) {
      writeFileSync(join(folder, 'autostart', 'omninode.desktop'), `${autostartEntry('/o')}${line}\n`);
      expect([line, await item.isOn()]).toEqual([line, false]);
    }
    await item.set(true);
    expect(await item.isOn()).toBe(true);
  });

  it('says so when the folder cannot be written', async () => {
    writeFileSync(join(folder, 'autostart'), 'a file');
    await expect(xdgLoginItem({ configHome: folder, execPath: '/o' }).set(true)).rejects.toMatchObject({ code: 'ELECTRON_LOGIN_ITEM_FAILED' });
  });

  it('starts exactly the program, whatever its path has in it', () => {
    for (const path of ['/opt/My Apps/omninode', '/a"b', '/a`b$c\\d', '/100%/f %F', '/ünï']) expect(programOf(autostartEntry(path))).toBe(path);
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (path) => {
      fc.pre(!/[\u0000-\u001f\u007f]/.test(path));
      const entry = autostartEntry(path);
      expect([programOf(entry), entry.split('\n').length]).toEqual([path, 9]);
    }), { seed: 4, numRuns: 1_000 });
    for (const path of ['/a\nExec=evil', '/a\u0000b', '/a\rb']) expect(() => autostartEntry(path)).toThrow(expect.objectContaining({ code: 'ELECTRON_LOGIN_ITEM_FAILED' }));
  });

  it('is an entry by the desktops’ own check', (context) => {
    const path = join(folder, 'omninode.desktop');
    writeFileSync(path, autostartEntry('/opt/My "Apps"/omni%node'));
    try {
      execFileSync('desktop-file-validate', ['--version'], { stdio: 'ignore' });
    } catch {
      context.skip();
    }
    expect(execFileSync('desktop-file-validate', [path], { encoding: 'utf8' })).toBe('');
  });
});

it('elsewhere asks the system, and believes only what it then says', async () => {
  let [openAtLogin, isObedient] = [false, true];
  const asked: unknown[] = [];
  const app: LoginApp = {
    getLoginItemSettings: () => ({ openAtLogin }),
    setLoginItemSettings: (settings) => {
      asked.push(settings);
      if (isObedient) ({ openAtLogin } = settings);
    },
  };
  const item = systemLoginItem(app);
  await item.set(true);
  expect([await item.isOn(), asked]).toEqual([true, [{ openAtLogin: true, args: ['--hidden'] }]]);
  isObedient = false;
  await expect(item.set(false)).rejects.toMatchObject({ code: 'ELECTRON_LOGIN_ITEM_FAILED' });
});
