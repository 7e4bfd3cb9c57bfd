import { describe, expect, it } from 'vitest';
import { closeSession, confine, isOf, mayHave, type ClosableSession, type ConfinableContents } from './confinement.ts';

const ORIGIN = 'omninode-ui://app';
const OURS = `${ORIGIN}/index.html`;

/** Every permission that Electron asks about. */
const PERMISSIONS = [
  'ar', 'automatic-fullscreen', 'background-fetch', 'background-sync', 'captured-surface-control', 'clipboard-read', 'clipboard-sanitized-write', 'deprecated-sync-clipboard-read', 'display-capture', 'fileSystem',
  'fullscreen', 'geolocation', 'geolocation-approximate', 'hand-tracking', 'hid', 'idle-detection', 'keyboardLock', 'local-fonts', 'local-network', 'local-network-access', 'loopback-network', 'media', 'mediaKeySystem', 'midi',
  'midiSysex', 'nfc', 'notifications', 'openExternal', 'payment-handler', 'periodic-background-sync', 'persistent-storage', 'pointerLock', 'screen-wake-lock', 'sensors', 'serial', 'smart-card', 'speaker-selection',
  'storage-access', 'system-wake-lock', 'top-level-storage-access', 'usb', 'vr', 'web-app-installation', 'web-printing', 'window-management', 'unknown', 'one-of-tomorrow', '__proto__', '',
];
const FOREIGN = ['https://example.org/', `${ORIGIN}.example.org/`, `${ORIGIN}x`, 'omninode-ui://other/', 'file:///etc/passwd', 'about:blank', 'data:text/html,x', 'javascript:alert(1)', '', 'null', `https://example.org/${ORIGIN}/`];

it('tells our own page from look-alikes', () => {
  for (const url of [ORIGIN, `${ORIGIN}/`, OURS]) expect([url, isOf(url, ORIGIN)]).toEqual([url, true]);
  for (const url of FOREIGN) expect([url, isOf(url, ORIGIN)]).toEqual([url, false]);
});

it('grants our page the clipboard to write, and nobody anything else', () => {
  expect(PERMISSIONS.filter((permission) => mayHave(permission, OURS, ORIGIN))).toEqual(['clipboard-sanitized-write']);
  for (const url of FOREIGN) expect(PERMISSIONS.filter((permission) => mayHave(permission, url, ORIGIN))).toEqual([]);
});

/** A session that keeps what it was told. */
function session() {
  const told: Record<string, unknown> = {};
  const own: ClosableSession = {
    setPermissionRequestHandler: (handler) => { told['request'] = handler; },
    setPermissionCheckHandler: (handler) => { told['check'] = handler; },
    setDevicePermissionHandler: (handler) => { told['device'] = handler; },
    setDisplayMediaRequestHandler: (handler) => { told['display'] = handler; },
    on: (event, listener) => { told[event] = listener; },
    webRequest: { onBeforeRequest: (listener) => { told['web'] = listener; } },
  };
  closeSession(own, ORIGIN);
  return told;
}
type Handler<N extends keyof ClosableSession> = Parameters<Extract<ClosableSession[N], (...args: never[]) => unknown>>[0];

describe('a session', () => {
  const told = session();

  it('answers every request and check for a permission, and no to all but one', () => {
    const request = told['request'] as Handler<'setPermissionRequestHandler'>;
    const check = told['check'] as Handler<'setPermissionCheckHandler'>;
    const asked = (permission: string, details: { requestingUrl?: string; isMainFrame?: boolean }): boolean => {
      let answer: boolean | undefined;
      request({}, permission, (isGranted) => { answer = isGranted; }, details);
      if (answer === undefined) throw new Error('not answered');
      return answer;
    };
    for (const permission of PERMISSIONS) {
      const isAllowed = permission === 'clipboard-sanitized-write';
      expect([permission, asked(permission, { requestingUrl: OURS, isMainFrame: true }), check(null, permission, ORIGIN, { isMainFrame: true })]).toEqual([permission, isAllowed, isAllowed]);
      for (const details of [{ requestingUrl: 'https://example.org/', isMainFrame: true }, { requestingUrl: OURS, isMainFrame: false }, {}]) expect(asked(permission, details)).toBe(false);
      expect(check(null, permission, 'https://example.org', { isMainFrame: true })).toBe(false);
      expect(check(null, permission, ORIGIN, {})).toBe(false);
    }
  });

  it('gives no device and no screen', () => {
    expect((told['device'] as () => boolean)()).toBe(false);
    let streams: object | undefined;
    (told['display'] as Handler<'setDisplayMediaRequestHandler'>)({}, (given) => { streams = given; });
    expect(streams).toEqual({});
  });

  it('saves what our page made, and no other download', () => {
    const isStopped = (url: string): boolean => {
      let stopped = false;
      (told['will-download'] as (event: { preventDefault(): void }, item: { getURL(): string }) => void)({ preventDefault: () => { stopped = true; } }, { getURL: () => url });
      return stopped;
    };
    expect(isStopped(`blob:${ORIGIN}/0b8c`)).toBe(false);
    for (const url of [...FOREIGN, `blob:https://example.org/0b8c`, OURS, `blob:${ORIGIN}.example/1`]) expect([url, isStopped(url)]).toEqual([url, true]);
  });

  it('asks nobody outside, by whatever scheme', () => {
    const answer = (url: string): unknown => {
      let answered: unknown;
      (told['web'] as Parameters<ClosableSession['webRequest']['onBeforeRequest']>[0])({ url }, (given) => { answered = given; });
      return answered;
    };
    for (const url of [OURS, `${ORIGIN}/assets/index.js`, `blob:${ORIGIN}/1`, 'data:image/png;base64,', 'devtools://devtools/bundled/inspector.html']) expect([url, answer(url)]).toEqual([url, { cancel: false }]);
    for (const url of ['http://127.0.0.1/', 'https://example.org/', 'ws://127.0.0.1:1/', 'wss://example.org/', 'ftp://example.org/', 'file:///etc/passwd', 'blob:https://example.org/1', 'one-of-tomorrow:x', '']) expect([url, answer(url)]).toEqual([url, { cancel: true }]);
  });
});

it('a page stays where it is: no window, no other origin, no page inside', () => {
  const listeners = new Map<string, (event: { url: string; preventDefault(): void }) => void>();
  let opened: object | undefined;
  const contents: ConfinableContents = {
    setWindowOpenHandler: (handler) => { opened = handler(); },
    on: (event: string, listener: (event: never) => void) => { listeners.set(event, listener as never); },
  };
  confine(contents, ORIGIN);
  const isStopped = (event: string, url: string): boolean => {
    let stopped = false;
    listeners.get(event)!({ url, preventDefault: () => { stopped = true; } });
    return stopped;
  };
  expect(opened).toEqual({ action: 'deny' });
  for (const event of ['will-navigate', 'will-frame-navigate', 'will-redirect']) {
    expect(isStopped(event, OURS)).toBe(false);
    for (const url of FOREIGN) expect([event, url, isStopped(event, url)]).toEqual([event, url, true]);
  }
  expect(isStopped('will-attach-webview', OURS)).toBe(true);
});
