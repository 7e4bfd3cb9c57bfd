import { expect, it } from 'vitest';
import type { ChatMessage, Tokenizer } from '../inference/index.ts';
import { fitHistory } from './fit-history.ts';

/** A word is a token, and so is each message's role. */
const tokenizer: Tokenizer = {
  vocabSize: 1, endTokens: [0],
  tokenize: (text) => Promise.resolve(Int32Array.from(text.split(' ').filter((word) => word !== ''), () => 0)),
  tokenBytes: () => Promise.resolve(new Uint8Array()), spelling: () => Promise.resolve(new Uint8Array()),
  applyChatTemplate: (messages) => Promise.resolve(messages.map(({ role, content }) => `${role} ${content}`).join(' ')),
  dispose: () => Promise.resolve(),
};
const say = (role: ChatMessage['role'], words: number): ChatMessage => ({ role, content: Array.from({ length: words }, () => 'a').join(' ') });
const turns = (count: number, words: number): ChatMessage[] => Array.from({ length: 2 * count + 1 }, (_, i) => say(i % 2 === 0 ? 'user' : 'assistant', words));
const fit = (messages: readonly ChatMessage[], contextTokens = 100, maxTokens = 20): Promise<readonly ChatMessage[]> => fitHistory(tokenizer, messages, { contextTokens, maxTokens });

it('keeps all that fits, and the context to the last token', async () => {
  expect(await fit(turns(3, 9))).toHaveLength(7);
  // 80 tokens: 8 messages of 10.
  expect(await fit([say('system', 9), ...turns(3, 9)])).toHaveLength(8);
});

it('leaves out the oldest turns, and never begins with an answer', async () => {
  const messages = turns(20, 9);
  const kept = await fit(messages);
  expect(kept).toEqual(messages.slice(-7));
  expect(kept[0]?.role).toBe('user');
  const system = say('system', 9);
  expect(await fit([system, ...messages])).toEqual([system, ...messages.slice(-7)]);
});

it('keeps the last message and the system prompt, also where they do not fit', async () => {
  const messages = [say('system', 50), ...turns(2, 60)];
  expect(await fit(messages)).toEqual([messages[0], messages.at(-1)]);
  expect(await fit([say('user', 500)])).toHaveLength(1);
  expect(await fit([])).toEqual([]);
});

it('goes on with an answer that was begun, and leaves it a share of the context however long it may be', async () => {
  const messages = [...turns(20, 9), say('assistant', 9)];
  const kept = await fit(messages, 100, 1_000_000);
  expect(kept).toEqual(messages.slice(-6));
  expect(kept.at(-1)?.role).toBe('assistant');
});
