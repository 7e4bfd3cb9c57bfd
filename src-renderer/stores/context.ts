import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { HostClient, HostView } from '../host/host-client.ts';
import type { Preferences } from '../../src-preload/bridge/index.ts';
import type { AttachmentsStore } from './attachments.ts';
import type { ChatsStore, ChatsView } from './chats.ts';
import type { LooksStore } from './looks.ts';

export interface App {
  readonly client: HostClient;
  readonly chats: ChatsStore;
  readonly attachments: AttachmentsStore;
  readonly looks: LooksStore;
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('AppContext is missing around this component');
  return app;
}

export const useHost = <T>(select: (view: HostView) => T): T => useStore(useApp().client.store, select);
export const useChats = <T>(select: (view: ChatsView) => T): T => useStore(useApp().chats.store, select);

export const useLooks = (): Preferences => useStore(useApp().looks.store);

/** Whether the open conversation's answer is being written. */
export function useIsAnswering(): boolean {
  const last = useChats(({ open }) => open?.messages.get(open.total - 1));
  const isWriting = last?.state === 'writing';
  const isOver = useHost(({ state }) => {
    const answer = last === undefined ? undefined : state?.answers[last.id];
    return answer !== undefined && (answer.finish !== undefined || answer.error !== undefined);
  });
  return isWriting && !isOver;
}

/** Whether a question can be sent now: the node is there and works, and no answer is being written. */
export function useCanAsk(): boolean {
  const isAnswering = useIsAnswering();
  const isHostUp = useHost((view) => view.link === 'online' && view.state?.status.kind === 'ready');
  return isHostUp && !isAnswering;
}
