import { join } from 'node:path';
import { toCoded, type Logger } from '../base/index.ts';
import { Chats, type Answerer } from '../chats/index.ts';

/** Of English text in a small vocabulary; more would not fit together with the answer. */
const HISTORY_CHARS_PER_TOKEN = 2;

interface OpenChats {
  readonly home: string;
  readonly answerer: Answerer;
  readonly logger: Logger;
  readonly contextTokens: number;
}

/** The home's conversations; undefined, and a warning, where they cannot be kept: a host without them is still a host. */
export function openChats({ home, answerer, logger, contextTokens }: OpenChats): Chats | undefined {
  try {
    return new Chats({ path: join(home, 'chats.db'), answerer, logger, options: { historyChars: contextTokens * HISTORY_CHARS_PER_TOKEN } });
  } catch (error) {
    const { code, message } = toCoded(error);
    logger.warn({ code, message }, 'conversations are not kept');
    return undefined;
  }
}
