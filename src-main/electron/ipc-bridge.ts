import type { BridgeClient, BridgeServer } from '../api/index.ts';
import { IPC, type CallResult } from '../../src-preload/bridge/index.ts';
import { isOf } from './confinement.ts';
import { electronErrors } from './errors.ts';

/** The part of Electron's WebContents that the bridge uses. */
export interface Page {
  readonly id: number;
  send(channel: string, message: unknown): void;
  isDestroyed(): boolean;
  once(event: 'destroyed', listener: () => void): unknown;
}

export interface CallEvent {
  readonly sender: Page;
  /** Null when the frame is already gone. */
  readonly senderFrame: { readonly url: string; readonly parent: unknown } | null;
}

/** The part of Electron's ipcMain that the bridge uses. */
export interface CallReceiver {
  handle(channel: string, listener: (event: CallEvent, name: unknown, input: unknown) => Promise<CallResult>): void;
  removeHandler(channel: string): void;
}

interface IpcBridgeInit {
  readonly server: BridgeServer;
  readonly ipcMain: CallReceiver;
  /** Only pages of this origin, in a window's top frame, may call. */
  readonly origin: string;
}

/** The bridge over Electron's IPC. Returns its end. */
export function serveIpc({ server, ipcMain, origin }: IpcBridgeInit): () => void {
  const clients = new Map<number, BridgeClient>();
  const clientOf = (page: Page): BridgeClient => {
    const known = clients.get(page.id);
    if (known !== undefined) return known;
    const client = server.connect((push) => {
      if (!page.isDestroyed()) page.send(IPC.push, push);
    });
    clients.set(page.id, client);
    page.once('destroyed', () => {
      clients.delete(page.id);
      client.close();
    });
    return client;
  };
  ipcMain.handle(IPC.call, async (event, name, input) => {
    if (!isOurs(event, origin)) return { ok: false, error: electronErrors.foreignSender({}).toWire() };
    return clientOf(event.sender).call(name, input);
  });
  return () => {
    ipcMain.removeHandler(IPC.call);
    for (const client of clients.values()) client.close();
    clients.clear();
  };
}

function isOurs({ senderFrame }: CallEvent, origin: string): boolean {
  if (senderFrame === null || senderFrame.parent !== null) return false;
  return isOf(senderFrame.url, origin);
}
