import { IPC, type HostVerbs } from './bridge/index.ts';

/** The part of Electron's ipcRenderer that the preload uses. */
export interface Caller {
  invoke(channel: string, ...args: unknown[]): Promise<unknown>;
  on(channel: string, listener: (event: unknown, message: unknown) => void): unknown;
  removeListener(channel: string, listener: (event: unknown, message: unknown) => void): unknown;
}

/** What the page gets: two verbs on two fixed channels, and the path of a file that the user gave it, and no Electron object (not even an event). */
export function createVerbs(ipc: Caller, pathOf?: HostVerbs['pathOf']): HostVerbs {
  return {
    ...(pathOf === undefined ? {} : { pathOf }),
    call: (name, input) => ipc.invoke(IPC.call, name, input) as ReturnType<HostVerbs['call']>,
    onPush: (listener) => {
      const forward = (_: unknown, message: unknown): void => listener(message);
      ipc.on(IPC.push, forward);
      return () => void ipc.removeListener(IPC.push, forward);
    },
  };
}
