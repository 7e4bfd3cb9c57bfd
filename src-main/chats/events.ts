import type { ChatFinish, ChatProgress } from '../../src-preload/bridge/index.ts';

/** `answerId` is the id of the message that is written. */
export interface ChatsEvents {
  /** A conversation, or the list of them, is not what it was. */
  changed: { readonly conversationId: string };
  /** `text`: what of the answer is there already. */
  started: { readonly answerId: string; readonly conversationId: string; readonly text: string };
  text: { readonly answerId: string; readonly text: string };
  progress: { readonly answerId: string; readonly progress: ChatProgress };
  /** It is saved. */
  done: { readonly answerId: string; readonly finish: ChatFinish };
  failed: { readonly answerId: string; readonly error: unknown };
}
