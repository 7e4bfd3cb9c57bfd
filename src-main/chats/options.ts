export interface ChatsOptions {
  /** Answers being written at the same time. */
  readonly maxAnswers: number;
  /** An answer under way is saved this often. */
  readonly saveEveryMs: number;
  /** Earlier messages that the model reads again, in characters; the oldest are left out first. */
  readonly historyChars: () => number;
  readonly defaultTitle: string;
}

export const CHATS_DEFAULTS: ChatsOptions = { maxAnswers: 4, saveEveryMs: 500, historyChars: () => 16_000, defaultTitle: 'New chat' };

export const CHATS_LIMITS = { conversations: 20_000, messages: 50_000, variants: 64, presets: 100, waitingAttachments: 64 } as const;
