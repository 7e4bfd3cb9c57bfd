import type { HostVerbs } from '../../src-preload/bridge/index.ts';
import { connectToElectron } from './electron-connection.ts';
import { HostClient } from './host-client.ts';
import { connectToSocket } from './socket-connection.ts';

declare global {
  interface Window {
    /** Given by the preload; absent in a browser. */
    readonly host?: HostVerbs;
  }
}

const KEY = 'omninode.key';

/** Over the preload's verbs inside Electron, else over a WebSocket to the server that this page came from. */
export function createClient(): HostClient {
  const verbs = window.host;
  if (verbs !== undefined) return new HostClient({ connect: async () => connectToElectron(verbs) });
  const key = takeKey();
  const isRefused = async (): Promise<boolean> => {
    const reply = await fetch('/session', { headers: { authorization: `Bearer ${key}` }, cache: 'no-store' });
    return reply.status === 401;
  };
  const client = new HostClient({ connect: () => connectToSocket(location.href, key, (url, protocols) => new WebSocket(url, protocols)), isRefused });
  window.addEventListener('online', () => client.retryNow());
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && client.retryNow());
  return client;
}

/** Of this tab; empty in Electron, where no key is needed. */
export const pageKey = (): string => sessionStorage.getItem(KEY) ?? '';

/** Moves the key from the link into this tab's storage, so that it is neither shown nor bookmarked; a reload still has it. */
function takeKey(): string {
  const fromLink = new URLSearchParams(location.hash.slice(1)).get('key');
  if (fromLink !== null) {
    sessionStorage.setItem(KEY, fromLink);
    history.replaceState(null, '', location.pathname);
  }
  return pageKey();
}
