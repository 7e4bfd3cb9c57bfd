import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { HostClient, HostView } from '../host/host-client.ts';
import type { Conversation, ConversationStore } from './conversation.ts';

export interface App {
  readonly client: HostClient;
  readonly conversation: ConversationStore;
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('AppContext is missing around this component');
  return app;
}

export const useHost = <T>(select: (view: HostView) => T): T => useStore(useApp().client.store, select);
export const useConversation = <T>(select: (conversation: Conversation) => T): T => useStore(useApp().conversation.store, select);

/** Whether a question can be sent now: the node is there and works, and no answer is being written. */
export function useCanAsk(): boolean {
  const isRunning = useConversation((chat) => chat.turns.some((turn) => turn.isRunning));
  const isHostUp = useHost((view) => view.link === 'online' && view.state?.status.kind === 'ready');
  return isHostUp && !isRunning;
}
