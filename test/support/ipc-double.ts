import type { CallEvent, CallReceiver } from '../../src-main/electron/ipc-bridge.ts';
import type { Caller } from '../../src-preload/verbs.ts';

type Handler = Parameters<CallReceiver['handle']>[1];
type Listener = Parameters<Caller['on']>[1];

/** Electron's ipcMain and ipcRenderer in one process. Every value is structurally cloned, as between Electron's processes. */
export class IpcDouble {
  readonly #handlers = new Map<string, Handler>();
  #nextPage = 0;

  readonly ipcMain: CallReceiver = {
    handle: (channel, listener) => void this.#handlers.set(channel, listener),
    removeHandler: (channel) => void this.#handlers.delete(channel),
  };

  /** A page of `url`; `isTop` false makes it a frame inside another page. */
  openPage(url: string, isTop = true): { readonly ipcRenderer: Caller; destroy(): void } {
    const listeners = new Map<string, Set<Listener>>();
    const onDestroyed: Array<() => void> = [];
    let isDestroyed = false;
    const sender: CallEvent['sender'] = {
      id: (this.#nextPage += 1),
      isDestroyed: () => isDestroyed,
      once: (_, listener) => onDestroyed.push(listener),
      send: (channel, message) => {
        const copy: unknown = structuredClone(message);
        queueMicrotask(() => listeners.get(channel)?.forEach((listener) => listener({}, copy)));
      },
    };
    const event: CallEvent = { sender, senderFrame: { url, parent: isTop ? null : {} } };
    const ipcRenderer: Caller = {
      invoke: async (channel, ...args) => {
        const handler = this.#handlers.get(channel);
        if (handler === undefined) throw new Error(`no handler for ${channel}`);
        const [name, input] = structuredClone(args);
        return structuredClone(await handler(event, name, input));
      },
      on: (channel, listener) => listeners.set(channel, (listeners.get(channel) ?? new Set()).add(listener)),
      removeListener: (channel, listener) => listeners.get(channel)?.delete(listener),
    };
    return {
      ipcRenderer,
      destroy: () => {
        isDestroyed = true;
        for (const listener of onDestroyed) listener();
      },
    };
  }
}
