import { isCoded } from '../base/index.ts';
import type { Tokenizer } from '../inference/index.ts';
import type { Prompt } from './types.ts';

/** Turns tokens into text as they come; a character split over tokens is held back until it is whole. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #decoder = new TextDecoder('utf-8');

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  async push(token: number): Promise<string> {
    return this.#decoder.decode(await this.#tokenizer.tokenBytes(token), { stream: true });
  }

  /** What is left of a character that never became whole, as U+FFFD. */
  end(): string {
    return this.#decoder.decode();
  }
}

/** The tokens of a prompt: through the model's own chat template, or as plain text when it has none or `text` was asked for. */
export async function promptTokens(tokenizer: Tokenizer, prompt: Prompt): Promise<Int32Array> {
  const text = prompt.kind === 'text' ? prompt.text : await render(tokenizer, prompt);
  return tokenizer.tokenize(text, { addSpecial: true, parseSpecial: prompt.kind === 'chat' });
}

/** An answer at the end is continued: its beginning follows the template's own beginning of an answer. */
async function render(tokenizer: Tokenizer, { messages }: Extract<Prompt, { kind: 'chat' }>): Promise<string> {
  const last = messages.at(-1);
  const begun = last?.role === 'assistant' && messages.length > 1 ? last.content : undefined;
  try {
    return begun === undefined ? await tokenizer.applyChatTemplate(messages, true) : (await tokenizer.applyChatTemplate(messages.slice(0, -1), true)) + begun;
  } catch (error) {
    if (!isCoded(error, 'ENGINE_NO_CHAT_TEMPLATE')) throw error;
    return messages.map((message) => message.content).join('\n');
  }
}
