import { CHAT_LIMITS, type ChatMessage, type Reading } from '../../src-preload/bridge/index.ts';
import type { FileText } from './attachment-table.ts';
import { fitFiles } from './fit-files.ts';
import type { ModelReader } from './ports.ts';

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly files: readonly FileText[];
}

export interface Composed {
  readonly messages: readonly ChatMessage[];
  /** Of files that the model does not read whole. */
  readonly readings: readonly Reading[];
}

export interface ComposeInit {
  readonly reader: ModelReader;
  readonly system: string;
  /** From the first one; ends with the question, or with the beginning of the answer. */
  readonly turns: readonly Turn[];
  readonly maxTokens: number | undefined;
  readonly signal: AbortSignal;
  readonly onReading: () => void;
}

/** What a template puts around a message. */
const TOKENS_AROUND = 8;
const DEFAULT_ANSWER_TOKENS = 512;
/** Of the context, at most, for the answer; of the room for files, for what was said before. */
const SHARE = { answer: 1 / 4, history: 1 / 4 } as const;

/** Tokens of the context that are not kept for the answer. */
export const roomTokens = (contextTokens: number, maxTokens = DEFAULT_ANSWER_TOKENS): number => Math.max(0, contextTokens - Math.min(maxTokens, Math.floor(contextTokens * SHARE.answer)));

/** A prompt with files: they come before the last question, of whichever question they are; then as much as fits of what was said before. Throws CHATS_TOO_LONG. */
export async function compose({ reader, system, turns, maxTokens, signal, onReading }: ComposeInit): Promise<Composed> {
  const last = turns.findLastIndex(({ role }) => role === 'user');
  const question = turns[last]?.content ?? '';
  const [fixed, before] = [[...(system.trim() === '' ? [] : [{ role: 'system' as const, content: system }]), ...turns.slice(last).map(plain)], turns.slice(0, last).filter(({ content }) => content !== '')];
  const cost = async ({ content }: ChatMessage): Promise<number> => TOKENS_AROUND + await reader.count(content);
  let left = roomTokens(reader.contextTokens, maxTokens);
  for (const message of fixed) left -= await cost(message);
  const own = turns[last]?.files ?? [];
  const files = [...new Map([...own, ...before.toReversed().flatMap((turn) => turn.files)].map((file) => [file.id, file])).values()];
  const kept = before.length === 0 || reader.rank === undefined ? 0 : Math.floor(left * SHARE.history);
  const fitted = await fitFiles({ reader, files, own: own.length, question, room: left - kept, signal, onReading });
  left -= fitted.tokens;
  const history: ChatMessage[] = [];
  for (const turn of before.toReversed()) {
    left -= await cost(turn);
    if (left < 0 || history.length >= CHAT_LIMITS.maxMessages - fixed.length) break;
    history.unshift(plain(turn));
  }
  // A history that begins with an answer would confuse templates that insist on turns.
  if (history[0]?.role === 'assistant') history.shift();
  const [instructions, asked] = [fixed.filter(({ role }) => role === 'system'), fixed.filter(({ role }) => role !== 'system')];
  return { messages: [...instructions, ...history, ...asked.map((message, index) => (index === 0 ? { ...message, content: [...fitted.texts, question].join('\n\n') } : message))], readings: fitted.readings };
}

const plain = ({ role, content }: ChatMessage): ChatMessage => ({ role, content });
