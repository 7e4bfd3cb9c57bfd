import { BrowserWindow, protocol, screen, session, type Session } from 'electron';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { securityHeaders, type Assets } from '../api/index.ts';
import { closeSession } from './confinement.ts';
import type { DocumentWindow } from './document-windows.ts';
import { onScreen, readWindowState, writeWindowState } from './window-state.ts';

/** The page's own scheme: unlike file:, it has an origin, headers and nothing else to read. */
const SCHEME = 'omninode-ui';
export const ORIGIN = `${SCHEME}://app`;

/** Must run before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }]);
}

/** A session that serves the page from memory, and is closed to all else. */
export function prepareSession(assets: Assets): Session {
  const own = session.fromPartition('persist:omninode');
  own.protocol.handle(SCHEME, (request) => serve(assets, new URL(request.url).pathname));
  closeSession(own, ORIGIN);
  return own;
}

function serve(assets: Assets, path: string): Response {
  const asset = assets.get(path);
  const headers = securityHeaders("'none'");
  if (asset === undefined) return new Response(null, { status: 404, headers });
  return new Response(new Uint8Array(asset.body), { headers: { ...headers, 'content-type': asset.contentType, 'cache-control': asset.cacheControl } });
}

/** Where it was when it was closed; `statePath` keeps that. */
export function createWindow(own: Session, statePath: string): BrowserWindow {
  const screens = [screen.getPrimaryDisplay(), ...screen.getAllDisplays()].map(({ workArea }) => workArea);
  const { isMaximized, ...bounds } = onScreen(readWindowState(statePath), screens);
  const window = new BrowserWindow({
    ...bounds, minWidth: 360, minHeight: 480, show: false, title: 'OmniNode', autoHideMenuBar: true,
    webPreferences: {
      session: own, preload: join(import.meta.dirname, '..', 'preload', 'index.cjs'),
      contextIsolation: true, sandbox: true, nodeIntegration: false, webSecurity: true, webviewTag: false, spellcheck: false,
    },
  });
  window.once('ready-to-show', () => (isMaximized ? window.maximize() : window.show()));
  window.on('close', () => writeWindowState(statePath, { ...window.getNormalBounds(), isMaximized: window.isMaximized() }));
  return window;
}

/** Which origin a document's session is for. */
const documentOrigins = new WeakMap<Session, string>();

/** The origin that contents of a session may be at: each document has its own, all else is the page. */
export const originFor = (own: Session): string => documentOrigins.get(own) ?? ORIGIN;

export const isDocument = (window: BrowserWindow): boolean => documentOrigins.has(window.webContents.session);

/** A window for a document of the wallet: nothing of the page's reaches it, no script runs in it, and no menu acts on it. */
export function createDocumentWindow(origin: string): DocumentWindow {
  // Without `persist:` it lives in memory, and ends with its window.
  const own = session.fromPartition(`document-${randomUUID()}`);
  documentOrigins.set(own, origin);
  closeSession(own, origin);
  const window = new BrowserWindow({
    width: 720, height: 820, minWidth: 360, minHeight: 480, show: false, title: 'OmniNode wallet', autoHideMenuBar: true,
    webPreferences: { session: own, javascript: false, sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true, webviewTag: false, spellcheck: false, devTools: false },
  });
  window.removeMenu();
  // Phrases stay out of recordings of the screen, where the system can.
  window.setContentProtection(true);
  return {
    load: (url) => window.loadURL(url),
    show: () => {
      window.show();
      window.focus();
    },
    close: () => window.destroy(),
    onClosed: (listener) => void window.on('closed', listener),
  };
}
