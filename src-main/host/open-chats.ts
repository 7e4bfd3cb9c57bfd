import { join } from 'node:path';
import { toCoded, type Logger } from '../base/index.ts';
import { Chats, type Answerer, type ModelReader, type Rater } from '../chats/index.ts';

/** More than tokens of text spell: what fits is counted with the model's own tokenizer (fit-history.ts), this only bounds what is counted. */
const HISTORY_CHARS_PER_TOKEN = 16;

interface OpenChats {
  readonly home: string;
  readonly answerer: Answerer;
  readonly reader: ModelReader;
  /** Absent: no answer can be rated. */
  readonly rater?: Rater;
  readonly logger: Logger;
  /** Of the model that answers. */
  readonly contextTokens: () => number;
}

/** The home's conversations; undefined, and a warning, where they cannot be kept: a host without them is still a host. */
export function openChats({ home, answerer, reader, rater, logger, contextTokens }: OpenChats): Chats | undefined {
  try {
    return new Chats({ path: join(home, 'chats.db'), answerer, reader, ...(rater === undefined ? {} : { rater }), logger, options: { historyChars: () => contextTokens() * HISTORY_CHARS_PER_TOKEN } });
  } catch (error) {
    const { code, message } = toCoded(error);
    logger.warn({ code, message }, 'conversations are not kept');
    return undefined;
  }
}
