/** A page's own address or one below it; `https://app.example` is none of `https://app`. */
export const isOf = (url: string, origin: string): boolean => url === origin || url.startsWith(`${origin}/`);

/** All that a page may of what browsers ask for: to put a text into the clipboard after a click. Reading it is another. */
const ALLOWED: ReadonlySet<string> = new Set(['clipboard-sanitized-write']);

/** Whatever is not named, and whoever is not our page, gets nothing. */
export const mayHave = (permission: string, url: string, origin: string): boolean => ALLOWED.has(permission) && isOf(url, origin);

/** The part of Electron's Event that stops something. */
interface Stoppable {
  preventDefault(): void;
}

/** The part of Electron's Session that is closed. */
export interface ClosableSession {
  setPermissionRequestHandler(handler: (...args: [contents: unknown, permission: string, decide: (isGranted: boolean) => void, details: { readonly requestingUrl?: string; readonly isMainFrame?: boolean }]) => void): void;
  setPermissionCheckHandler(handler: (...args: [contents: unknown, permission: string, requestingOrigin: string, details: { readonly isMainFrame?: boolean }]) => boolean): void;
  setDevicePermissionHandler(handler: () => boolean): void;
  setDisplayMediaRequestHandler(handler: (request: unknown, decide: (streams: object) => void) => void): void;
  on(event: 'will-download', listener: (event: Stoppable, item: { getURL(): string }) => void): unknown;
  readonly webRequest: { onBeforeRequest(listener: (details: { readonly url: string }, decide: (answer: { cancel: boolean }) => void) => void): void };
}

/** What stays inside the app: its own files, what the page made itself, a developer's tools. */
const isInside = (url: string, origin: string): boolean => isOf(url, origin) || isOf(url, `blob:${origin}`) || /^(data|devtools):/.test(url);

/** Grants nothing but the clipboard, saves nothing but what our page made itself, asks nobody outside: the page's policy says that too, and this holds without it. */
export function closeSession(own: ClosableSession, origin: string): void {
  own.setPermissionRequestHandler((...[, permission, decide, { requestingUrl = '', isMainFrame = false }]) => decide(isMainFrame && mayHave(permission, requestingUrl, origin)));
  own.setPermissionCheckHandler((...[, permission, requestingOrigin, { isMainFrame = false }]) => isMainFrame && mayHave(permission, requestingOrigin, origin));
  own.setDevicePermissionHandler(() => false);
  own.setDisplayMediaRequestHandler((_, decide) => decide({}));
  own.on('will-download', (event, item) => {
    if (!isOf(item.getURL(), `blob:${origin}`)) event.preventDefault();
  });
  own.webRequest.onBeforeRequest(({ url }, decide) => decide({ cancel: !isInside(url, origin) }));
}

type Navigation = 'will-navigate' | 'will-frame-navigate' | 'will-redirect';

/** The part of Electron's WebContents that is confined. */
export interface ConfinableContents {
  setWindowOpenHandler(handler: () => { action: 'deny' }): void;
  on(event: Navigation, listener: (event: Stoppable & { readonly url: string }) => void): unknown;
  on(event: 'will-attach-webview', listener: (event: Stoppable) => void): unknown;
}

/** No page opens a window, leaves our origin, in a frame or by a redirect either, or embeds another page. */
export function confine(contents: ConfinableContents, origin: string): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  for (const event of ['will-navigate', 'will-frame-navigate', 'will-redirect'] as const) {
    contents.on(event, (navigation) => {
      if (!isOf(navigation.url, origin)) navigation.preventDefault();
    });
  }
  contents.on('will-attach-webview', (event) => event.preventDefault());
}
