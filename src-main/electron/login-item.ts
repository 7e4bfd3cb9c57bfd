import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toCoded, writeAtomically } from '../base/index.ts';
import { electronErrors } from './errors.ts';
import { HIDDEN } from './lifetime.ts';

/** Opening at login. */
export interface LoginItem {
  isOn(): Promise<boolean>;
  /** Throws ELECTRON_LOGIN_ITEM_FAILED. */
  set(isOn: boolean): Promise<void>;
}

/** The part of Electron's app that macOS and Windows have for it. */
export interface LoginApp {
  getLoginItemSettings(options?: { args?: string[] }): { readonly openAtLogin: boolean };
  setLoginItemSettings(settings: { openAtLogin: boolean; args?: string[] }): void;
}

export function systemLoginItem(app: LoginApp): LoginItem {
  const isOn = (): boolean => app.getLoginItemSettings({ args: [HIDDEN] }).openAtLogin;
  return {
    isOn: async () => isOn(),
    set: async (openAtLogin) => {
      app.setLoginItemSettings({ openAtLogin, args: [HIDDEN] });
      // macOS asks the user in its own settings, and may be told no.
      if (isOn() !== openAtLogin) throw electronErrors.loginItemFailed({ reason: 'the system did not take it over' });
    },
  };
}

export interface XdgInit {
  /** `$XDG_CONFIG_HOME`, or `~/.config`. */
  readonly configHome: string;
  /** What is started: the AppImage itself, where the app runs out of one. */
  readonly execPath: string;
}

/** On Linux a file in the autostart folder. @see https://specifications.freedesktop.org/autostart-spec/latest/ */
export function xdgLoginItem({ configHome, execPath }: XdgInit): LoginItem {
  const path = join(configHome, 'autostart', 'omninode.desktop');
  const failed = (error: unknown): never => { throw electronErrors.loginItemFailed({ reason: toCoded(error).message }, error); };
  return {
    // A desktop's own settings turn an entry off by writing into it.
    isOn: async () => {
      const text = await readFile(path, 'utf8').catch(() => undefined);
      return text !== undefined && !/^(Hidden=true|X-GNOME-Autostart-enabled=false)\s*$/m.test(text);
    },
    set: async (isOn) => {
      if (!isOn) return rm(path, { force: true }).catch(failed);
      const entry = autostartEntry(execPath);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(failed);
      await writeAtomically(path, async (file) => void (await file.writeFile(entry))).catch(failed);
    },
  };
}

/** Throws ELECTRON_LOGIN_ITEM_FAILED for a path that no such file can say. @see https://specifications.freedesktop.org/desktop-entry-spec/latest/exec-variables.html */
export function autostartEntry(execPath: string): string {
   
  if (/[\u0000-\u001f\u007f]/.test(execPath)) throw electronErrors.loginItemFailed({ reason: 'its path has a character that no entry can have' });
  // Quoted for Exec, then escaped once more as every text of the file is; a percent sign would begin a field code.
  const quoted = `"${execPath.replaceAll(/["`$\\]/g, '\\$&')}"`.replaceAll('\\', '\\\\').replaceAll('%', '%%');
  return ['[Desktop Entry]', 'Type=Application', 'Version=1.0', 'Name=OmniNode', 'Comment=Runs one LLM across several machines', `Exec=${quoted} ${HIDDEN}`, 'Terminal=false', 'StartupNotify=false', ''].join('\n');
}
