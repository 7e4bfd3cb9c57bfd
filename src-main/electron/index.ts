import { app, BrowserWindow, dialog, ipcMain, Menu, powerMonitor, utilityProcess } from 'electron';
import { join } from 'node:path';
import { BridgeServer, loadAssets, type HostService } from '../api/index.ts';
import { createLogger, systemClock, toCoded, type Logger } from '../base/index.ts';
import { appPaths, buildHost, loadSettings, updateConfigFile, type Host, type Settings } from '../host/index.ts';
import { AppUpdates } from './app-updates.ts';
import { confine } from './confinement.ts';
import { contributeSwitch } from './contribute-switch.ts';
import { deepLinkIn, LinkInbox, protocolClient } from './deep-link.ts';
import { DesktopSettings } from './desktop-service.ts';
import { DocumentWindows } from './document-windows.ts';
import { serveIpc } from './ipc-bridge.ts';
import { machinePort } from './machine-port.ts';
import { goesOnWithoutWindow, startsHidden } from './lifetime.ts';
import { serveLocalApi, type ServedApi } from './local-api.ts';
import { appMenu } from './menu.ts';
import { Notices } from './notices.ts';
import { findUpdater, loginItem, notify, relaunch, secretKeeping } from './system.ts';
import { openTray } from './tray.ts';
import { utilityChildren } from './utility-child.ts';
import { createDocumentWindow, createWindow, isDocument, ORIGIN, originFor, prepareSession, registerScheme } from './window.ts';

/** Entry of the desktop app: one window on one host. */
function main(): void {
  if (!app.requestSingleInstanceLock()) return app.quit();
  registerScheme();
  app.enableSandbox();
  app.setAsDefaultProtocolClient(...protocolClient({ isPackaged: app.isPackaged, execPath: process.execPath, argv: process.argv }) as [string]);
  app.on('web-contents-created', (_, contents) => confine(contents, originFor(contents.session)));
  const links = receiveLinks();
  app.whenReady().then(() => open(links)).catch((error: unknown) => {
    const { message, next = '' } = toCoded(error);
    dialog.showErrorBox('OmniNode could not start', `${message}\n${next}`);
    app.exit(1);
  });
}

/** From the first moment on: macOS opens a link before the app is ready. */
function receiveLinks(): LinkInbox {
  const links = new LinkInbox();
  links.receive(deepLinkIn(process.argv));
  app.on('open-url', (event, url) => {
    event.preventDefault();
    links.receive(deepLinkIn([url]));
  });
  app.on('second-instance', (_, argv) => links.receive(deepLinkIn(argv)));
  return links;
}

interface Opened {
  readonly settings: Settings;
  readonly documents: DocumentWindows;
  readonly host: Host;
  readonly logger: Logger;
  /** Of the host and of the app around it. */
  readonly api: HostService;
  readonly desktop: DesktopSettings;
  readonly updates: AppUpdates;
  readonly served: ServedApi;
  hasTray: boolean;
}

async function open(links: LinkInbox): Promise<void> {
  const opened = await openHost();
  const { settings, documents, host, logger, api, served, updates } = opened;
  const server = new BridgeServer({ host: api, logger: host.logger });
  const closeIpc = serveIpc({ server, ipcMain, origin: ORIGIN });
  const own = prepareSession(await loadAssets(host.paths.renderer));
  const show = (): void => focusOr(() => createWindow(own, join(settings.config.home, 'window.json')).loadURL(`${ORIGIN}/index.html`));
  const closeShell = openShell(opened, show);
  quitWith(async () => {
    closeShell();
    closeIpc();
    documents.closeAll();
    await served.stop();
    server.close();
    await host.stop();
  });
  Menu.setApplicationMenu(Menu.buildFromTemplate(appMenu({ platform: process.platform, appName: app.name, isPackaged: app.isPackaged })));
  app.on('second-instance', show);
  app.on('activate', show);
  const { wasOpenedAtLogin = false } = process.platform === 'darwin' ? app.getLoginItemSettings() : {};
  if (!startsHidden({ platform: process.platform, hasTray: opened.hasTray, closeToTray: true, argv: process.argv, wasOpenedAtLogin })) show();
  // A link is shown by the page; nothing is joined by it without a click there.
  links.deliverTo((link) => {
    show();
    void host.offerLink?.(link);
  });
  updates.start();
  // The window is there first: it shows the model loading, or why the host did not start.
  await host.start().catch((error: unknown) => logger.error({ err: error }, 'the host did not start'));
}

async function openHost(): Promise<Opened> {
  const keeping = secretKeeping();
  const settings = await loadSettings({}, process.env, keeping);
  const { config } = settings;
  const logger = createLogger(config.logLevel);
  if (keeping.box === undefined) logger.warn(keeping.why);
  const spawn = utilityChildren((path) => utilityProcess.fork(path, [], { stdio: ['ignore', 'ignore', 'inherit'], serviceName: 'OmniNode stage' }));
  const known: { served?: ServedApi } = {};
  const documents = new DocumentWindows(createDocumentWindow);
  const host = await buildHost({ settings, paths: appPaths(), mode: 'electron', nodes: undefined, spawn, machine: machinePort(powerMonitor), localApi: () => known.served?.state, openWindow: (url, closed) => documents.open(url, closed) });
  const served = known.served = await serveLocalApi({ host: host.api, metrics: host.metrics, logger, config, key: settings.secrets.uiToken });
  const updates = new AppUpdates({ updater: await findUpdater(), logger, publish: (state) => host.api.events.emit('update', state) });
  const desktop = new DesktopSettings({
    loginItem: loginItem(), hasTray: () => opened.hasTray, start: config, save: (choice) => updateConfigFile(config.home, (source) => ({ ...source, ...choice })), restart: relaunch,
  });
  const opened: Opened = { settings, documents, host, logger, served, updates, desktop, api: { ...host.api, desktop, updates }, hasTray: false };
  return opened;
}

/** What is there besides the window: the icon beside the clock, notices, and what a closed window means. Returns its end. */
function openShell(opened: Opened, show: () => void): () => void {
  const { host, logger, desktop, updates } = opened;
  const contribute = contributeSwitch(host.api);
  const tray = openTray({ contribute, show, quit: () => app.quit(), logger });
  opened.hasTray = tray !== undefined;
  const isSeen = (): boolean => BrowserWindow.getAllWindows().some((window) => window.isVisible() && window.isFocused());
  const notices = new Notices({ host: host.api, contribute, clock: systemClock, isSeen, isWanted: () => desktop.choice.notifications, show: (notice) => notify(notice, show) });
  app.on('window-all-closed', () => {
    if (!goesOnWithoutWindow({ platform: process.platform, closeToTray: desktop.choice.closeToTray, hasTray: opened.hasTray })) app.quit();
  });
  return () => {
    updates.stop();
    notices.stop();
    tray?.close();
  };
}

function focusOr(create: () => Promise<void>): void {
  const window = BrowserWindow.getAllWindows().find((one) => !isDocument(one));
  if (window === undefined) return void create();
  if (window.isMinimized()) window.restore();
  window.show();
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
