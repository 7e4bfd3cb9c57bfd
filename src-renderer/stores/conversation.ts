import { z } from 'zod';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { bridgeErrors, chatFinishSchema, conversationIdSchema, HostError, isRunning, requestIdSchema, wireErrorSchema, type ChatFinish, type ChatMessage, type ChatProgress, type HostState, type WireError } from '../../src-preload/bridge/index.ts';
import type { HostClient } from '../host/host-client.ts';

export interface Turn {
  readonly id: string;
  readonly question: string;
  /** Of the answer being written; undefined before the host has taken the question, and once it ended. */
  readonly requestId: string | undefined;
  readonly answer: string;
  /** What holds the answer up, while something does. */
  readonly progress: ChatProgress | undefined;
  readonly isRunning: boolean;
  readonly finish: ChatFinish | undefined;
  readonly error: WireError | undefined;
}

export interface Conversation {
  readonly id: string;
  readonly turns: readonly Turn[];
}

export interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const KEY = 'omninode.conversation';

/** One conversation, kept in the tab. Answers come from the host's state, so a reload in mid-answer goes on. */
export class ConversationStore {
  readonly store: StoreApi<Conversation>;
  readonly #client: HostClient;
  readonly #storage: Storage;
  /** Answers that the host had once: missing now means lost, not merely late. */
  readonly #seen = new Set<string>();

  constructor(client: HostClient, storage: Storage) {
    this.#client = client;
    this.#storage = storage;
    this.store = createStore(() => restore(storage));
    if (this.running?.requestId !== undefined) this.#seen.add(this.running.requestId);
    client.store.subscribe(({ state }, old) => {
      if (state !== undefined && state.answers !== old.state?.answers) this.#follow(state);
    });
  }

  get running(): Turn | undefined {
    return this.store.getState().turns.find((turn) => turn.isRunning);
  }

  async ask(question: string): Promise<void> {
    if (this.running !== undefined || question.trim() === '') return;
    const turn: Turn = { id: crypto.randomUUID(), question: question.trim(), requestId: undefined, answer: '', progress: undefined, isRunning: true, finish: undefined, error: undefined };
    this.#set([...this.store.getState().turns, turn]);
    await this.#send(turn.id);
  }

  /** Asks a turn's question again, in its place; what came after it is dropped. */
  async retry(id: string): Promise<void> {
    if (this.running !== undefined) return;
    const { turns } = this.store.getState();
    const index = turns.findIndex((turn) => turn.id === id);
    if (index < 0) return;
    this.#set(turns.slice(0, index + 1));
    this.#change(id, { requestId: undefined, answer: '', progress: undefined, isRunning: true, finish: undefined, error: undefined });
    await this.#send(id);
  }

  async stop(): Promise<void> {
    const requestId = this.running?.requestId;
    if (requestId !== undefined) await this.#client.call('chat.cancel', { requestId }).catch(() => undefined);
  }

  clear(): void {
    void this.stop();
    this.store.setState({ id: crypto.randomUUID(), turns: [] });
    this.#save();
  }

  async #send(id: string): Promise<void> {
    const conversation = this.store.getState();
    try {
      const messages = toMessages(conversation.turns);
      const { requestId } = await this.#client.call('chat.send', { conversationId: conversation.id, messages, options: {} });
      this.#change(id, { requestId });
      const { state } = this.#client.store.getState();
      // An answer can be complete before the reply to chat.send is handled.
      if (state !== undefined && state.answers[requestId] !== undefined) this.#follow(state);
    } catch (error) {
      this.#change(id, { isRunning: false, error: error instanceof HostError ? error.wire : bridgeErrors.disconnected().wire });
    }
  }

  #follow(state: HostState): void {
    const turn = this.running;
    if (turn?.requestId === undefined) return;
    const answer = state.answers[turn.requestId];
    if (answer === undefined) {
      if (this.#seen.has(turn.requestId)) this.#change(turn.id, { isRunning: false, error: bridgeErrors.answerLost().wire });
      return;
    }
    this.#seen.add(turn.requestId);
    this.#change(turn.id, { answer: answer.text, progress: answer.progress, isRunning: isRunning(answer), finish: answer.finish, error: answer.error });
  }

  #change(id: string, change: Partial<Turn>): void {
    this.#set(this.store.getState().turns.map((turn) => (turn.id === id ? { ...turn, ...change } : turn)));
  }

  #set(turns: readonly Turn[]): void {
    this.store.setState({ turns });
    this.#save();
  }

  #save(): void {
    const { id, turns } = this.store.getState();
    // While an answer streams, only what a reload needs to find it again is kept: its request id.
    if (turns.some((turn) => turn.isRunning && turn.answer !== '')) return;
    try {
      this.#storage.setItem(KEY, JSON.stringify({ id, turns }));
    } catch {
      // The tab's storage is full: the conversation goes on, a reload would start a new one.
    }
  }
}

/** The conversation as the model reads it: answered turns, then the last question. */
export function toMessages(turns: readonly Turn[]): ChatMessage[] {
  return turns.flatMap((turn, index): ChatMessage[] => {
    const question: ChatMessage = { role: 'user', content: turn.question };
    if (index === turns.length - 1) return [question];
    return turn.answer === '' ? [] : [question, { role: 'assistant', content: turn.answer }];
  });
}

const savedSchema = z.object({
  id: conversationIdSchema,
  turns: z.array(z.object({
    id: z.string().min(1), question: z.string(), requestId: requestIdSchema.optional(), answer: z.string(), isRunning: z.boolean(),
    finish: chatFinishSchema.optional(), error: wireErrorSchema.optional(),
  })),
});

function restore(storage: Storage): Conversation {
  const saved = savedSchema.safeParse(parseJson(storage.getItem(KEY)));
  if (!saved.success) return { id: crypto.randomUUID(), turns: [] };
  const turns = saved.data.turns.map(({ requestId, finish, error, ...turn }): Turn => {
    // A question whose request id was never learnt cannot be found again.
    const isLost = turn.isRunning && requestId === undefined;
    return { ...turn, requestId, finish, progress: undefined, isRunning: turn.isRunning && !isLost, error: isLost ? bridgeErrors.answerLost().wire : error };
  });
  return { id: saved.data.id, turns };
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}
