import { app, Notification, safeStorage } from 'electron';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SecretKeeping } from '../base/index.ts';
import type { Updater } from './app-updates.ts';
import { systemLoginItem, xdgLoginItem, type LoginItem } from './login-item.ts';
import type { Notice } from './notices.ts';
import { safeStorageBox } from './safe-storage-box.ts';

/** What of Electron stands for the ports of this folder. */

/** After the app is ready. */
export const secretKeeping = (): SecretKeeping => safeStorageBox(safeStorage, process.platform);

/** Not for a checkout: what would be opened at login is Electron. */
export function loginItem(): LoginItem | undefined {
  if (!app.isPackaged) return undefined;
  if (process.platform !== 'linux') return systemLoginItem(app);
  return xdgLoginItem({ configHome: process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), execPath: process.env['APPIMAGE'] ?? process.execPath });
}

/** The app quits as it always does, and is there again afterwards. */
export function relaunch(): void {
  // An AppImage is mounted for one run only: the next one begins with its file.
  const file = process.env['APPIMAGE'];
  app.relaunch(file === undefined ? {} : { execPath: file });
  app.quit();
}

/** electron-updater is loaded only where a feed was packed: it is no part of any other start. */
export async function findUpdater(): Promise<Updater | 'unpackaged' | 'unconfigured'> {
  if (!app.isPackaged) return 'unpackaged';
  if (!existsSync(join(process.resourcesPath, 'app-update.yml'))) return 'unconfigured';
  const { default: updater } = await import('electron-updater');
  updater.autoUpdater.logger = null;
  return updater.autoUpdater;
}

export function notify({ title, body }: Notice, show: () => void): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title, body, silent: true });
  notification.on('click', show);
  notification.show();
}
