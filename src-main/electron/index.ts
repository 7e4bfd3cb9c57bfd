import { app, BrowserWindow, dialog, ipcMain, Menu, utilityProcess, type WebContents } from 'electron';
import { join } from 'node:path';
import { BridgeServer, loadAssets } from '../api/index.ts';
import { createLogger, toCoded } from '../base/index.ts';
import { appPaths, buildHost, loadSettings } from '../host/index.ts';
import { serveIpc } from './ipc-bridge.ts';
import { appMenu } from './menu.ts';
import { utilityChildren } from './utility-child.ts';
import { createWindow, ORIGIN, prepareSession, registerScheme } from './window.ts';

/** Entry of the desktop app: one window on one host. */
function main(): void {
  if (!app.requestSingleInstanceLock()) return app.quit();
  registerScheme();
  app.enableSandbox();
  app.on('web-contents-created', (_, contents) => confine(contents));
  app.on('window-all-closed', () => app.quit());
  app.whenReady().then(open).catch((error: unknown) => {
    const { message, next = '' } = toCoded(error);
    dialog.showErrorBox('OmniNode could not start', `${message}\n${next}`);
    app.exit(1);
  });
}

async function open(): Promise<void> {
  const settings = await loadSettings({});
  const logger = createLogger(settings.config.logLevel);
  const paths = appPaths();
  const spawn = utilityChildren((path) => utilityProcess.fork(path, [], { stdio: ['ignore', 'ignore', 'inherit'], serviceName: 'OmniNode stage' }));
  const host = await buildHost({ settings, paths, mode: 'electron', nodes: undefined, spawn });
  const server = new BridgeServer({ host: host.api, logger });
  const closeIpc = serveIpc({ server, ipcMain, origin: ORIGIN });
  const own = prepareSession(await loadAssets(paths.renderer));
  quitWith(async () => {
    closeIpc();
    await server.close();
    await host.stop();
  });
  Menu.setApplicationMenu(Menu.buildFromTemplate(appMenu({ platform: process.platform, appName: app.name, isPackaged: app.isPackaged })));
  const show = (): Promise<void> => createWindow(own, join(settings.config.home, 'window.json')).loadURL(`${ORIGIN}/index.html`);
  app.on('second-instance', () => focusOr(show));
  app.on('activate', () => focusOr(show));
  await show();
  // The window is there first: it shows the model loading, or why the host did not start.
  await host.start().catch((error: unknown) => logger.error({ err: error }, 'the host did not start'));
}

/** No page opens a window, leaves our origin or embeds another page. */
function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => {
    if (!event.url.startsWith(`${ORIGIN}/`)) event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

function focusOr(show: () => Promise<void>): void {
  const [window] = BrowserWindow.getAllWindows();
  if (window === undefined) return void show();
  if (window.isMinimized()) window.restore();
  window.focus();
}

function quitWith(stop: () => Promise<void>): void {
  let isStopped = false;
  app.on('before-quit', (event) => {
    if (isStopped) return;
    event.preventDefault();
    void stop().finally(() => {
      isStopped = true;
      app.quit();
    });
  });
}

main();
