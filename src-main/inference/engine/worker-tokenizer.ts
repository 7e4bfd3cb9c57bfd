import type { ChatMessage, Tokenizer } from './types.ts';
import { WorkerClient, type WorkerOptions } from './worker-client.ts';

/** A model's vocabulary in a process of its own; `path` may be a whole model or its vocabulary piece. */
export async function createWorkerTokenizer({ path }: { readonly path: string }, worker: WorkerOptions): Promise<Tokenizer> {
  const client = new WorkerClient(worker);
  try {
    await client.devices;
    return new WorkerTokenizer(client, await client.call('loadVocabulary', path));
  } catch (error) {
    await client.dispose();
    throw error;
  }
}

class WorkerTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly endTokens: readonly number[];
  readonly #client: WorkerClient;
  #spelling: Promise<Uint8Array> | undefined;

  constructor(client: WorkerClient, info: { readonly vocabSize: number; readonly endTokens: readonly number[] }) {
    this.#client = client;
    this.vocabSize = info.vocabSize;
    this.endTokens = info.endTokens;
  }

  tokenize(text: string, options: { readonly addSpecial: boolean; readonly parseSpecial: boolean }): Promise<Int32Array> {
    return this.#client.call('tokenize', { text, ...options });
  }

  tokenBytes(token: number, special = false): Promise<Uint8Array> {
    return this.#client.call('tokenBytes', { token, special });
  }

  spelling(): Promise<Uint8Array> {
    this.#spelling ??= this.#client.call('spelling', null);
    return this.#spelling;
  }

  applyChatTemplate(messages: readonly ChatMessage[], addAssistant: boolean): Promise<string> {
    return this.#client.call('applyChatTemplate', { messages, addAssistant });
  }

  dispose(): Promise<void> {
    return this.#client.dispose();
  }
}
