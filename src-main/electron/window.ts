import { BrowserWindow, protocol, screen, session, type Session } from 'electron';
import { join } from 'node:path';
import { securityHeaders, type Assets } from '../api/index.ts';
import { closeSession } from './confinement.ts';
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
