import { CHAT_LIMITS, type ChatFinish, type ChatMessage, type ChatOptions, type Reading } from '../../src-preload/bridge/index.ts';
import { toCoded, type Events } from '../base/index.ts';
import { chatsErrors } from './errors.ts';
import type { ChatsEvents } from './events.ts';
import type { MessageTree } from './message-tree.ts';
import type { ChatsOptions } from './options.ts';
import type { Answerer } from './ports.ts';

interface Running {
  readonly conversationId: string;
  readonly controller: AbortController;
  ended: Promise<void>;
}

export interface AnswersInit {
  readonly answerer: Answerer;
  readonly tree: MessageTree;
  readonly events: Events<ChatsEvents>;
  readonly options: ChatsOptions;
  readonly onEnd: (conversationId: string) => void;
}

export interface AnswerJob {
  readonly conversationId: string;
  readonly answerId: string;
  /** What of the answer is there already. */
  readonly begun: string;
  /** What the model reads; may take its time, and fail. */
  readonly prompt: (init: PromptInit) => Prompt | Promise<Prompt>;
  readonly options: ChatOptions;
}

export interface PromptInit {
  readonly signal: AbortSignal;
  /** Passages of long files are being chosen. */
  readonly onReading: () => void;
}

export interface Prompt {
  readonly messages: readonly ChatMessage[];
  readonly readings?: readonly Reading[];
}

/** Writes answers into the tree as they stream: at most one per conversation, saved twice a second and when they end. */
export class Answers {
  readonly #init: AnswersInit;
  readonly #running = new Map<string, Running>();

  constructor(init: AnswersInit) {
    this.#init = init;
  }

  /** Throws CHATS_ANSWERING, CHATS_BUSY. */
  check(conversationId: string): void {
    const { maxAnswers } = this.#init.options;
    if (this.#of(conversationId) !== undefined) throw chatsErrors.answering({});
    if (this.#running.size >= maxAnswers) throw chatsErrors.busy({ limit: maxAnswers });
  }

  start(job: AnswerJob): void {
    const controller = new AbortController();
    const running: Running = { conversationId: job.conversationId, controller, ended: Promise.resolve() };
    this.#running.set(job.answerId, running);
    this.#init.events.emit('started', { answerId: job.answerId, conversationId: job.conversationId, text: job.begun });
    running.ended = this.#run(job, controller.signal);
  }

  stop(conversationId: string): boolean {
    const running = this.#of(conversationId);
    running?.controller.abort();
    return running !== undefined;
  }

  /** Resolves when what was written is saved. */
  async stopAndWait(conversationId: string): Promise<void> {
    this.stop(conversationId);
    await this.#of(conversationId)?.ended;
  }

  async stopAll(): Promise<void> {
    const all = [...this.#running.values()];
    for (const { controller } of all) controller.abort();
    await Promise.all(all.map(({ ended }) => ended));
  }

  async #prompt({ prompt, answerId }: AnswerJob, signal: AbortSignal): Promise<Prompt> {
    const { events } = this.#init;
    let isReading = false;
    const written = await prompt({ signal, onReading: () => {
      isReading = true;
      events.emit('progress', { answerId, progress: { kind: 'reading' } });
    } });
    signal.throwIfAborted();
    if (isReading) events.emit('progress', { answerId, progress: { kind: 'answering' } });
    return written;
  }

  #of(conversationId: string): Running | undefined {
    return [...this.#running.values()].find((one) => one.conversationId === conversationId);
  }

  async #run(job: AnswerJob, signal: AbortSignal): Promise<void> {
    const { tree, events, answerer, options, onEnd } = this.#init;
    const { answerId, conversationId } = job;
    const { maxTokens, ...sampling } = job.options;
    let content = job.begun;
    let finish: ChatFinish | undefined;
    let paidSession: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    const save = (): void => {
      timer = undefined;
      tree.setContent(answerId, content);
    };
    const end = (): void => {
      clearTimeout(timer);
      const over = finish ?? { finishReason: signal.aborted ? 'cancelled' as const : 'stop' as const, stages: [] };
      tree.setPaidBy(answerId, paidSession ?? null);
      tree.end(answerId, { content, state: 'done', finish: over });
      events.emit('done', { answerId, finish: over });
    };
    try {
      const { messages, readings = [] } = await this.#prompt(job, signal);
      for await (const part of answerer.chat({ messages, sampling, maxTokens, signal })) {
        if ('done' in part) {
          finish = readings.length === 0 ? part.done : { ...part.done, readings };
          paidSession = part.paidSession;
        } else if ('progress' in part) events.emit('progress', { answerId, progress: part.progress });
        else {
          content += part.text;
          timer ??= setTimeout(save, options.saveEveryMs);
          events.emit('text', { answerId, text: part.text });
        }
      }
      end();
    } catch (error) {
      clearTimeout(timer);
      // A stop may end the stream with the signal's reason; to the user it is a stop all the same.
      if (signal.aborted) end();
      else {
        tree.end(answerId, { content, state: 'failed', error: plain(error) });
        events.emit('failed', { answerId, error });
      }
    } finally {
      this.#running.delete(answerId);
      onEnd(conversationId);
    }
  }
}

// Only what JSON can say is kept, and nothing of a failure that nobody foresaw.
function plain(error: unknown): ReturnType<ReturnType<typeof toCoded>['toWire']> {
  const wire = toCoded(error).toWire();
  return wire.code === 'INTERNAL' ? { ...wire, message: 'something went wrong inside the node', meta: {} } : { ...wire, meta: {} };
}

/** What the model reads: the system prompt, as much of the end of the branch as fits, and always the last message. */
export function promptOf(system: string, branch: readonly ChatMessage[], historyChars: number): ChatMessage[] {
  const kept: ChatMessage[] = [];
  let chars = 0;
  for (const message of branch.filter(({ content }) => content !== '').toReversed()) {
    if (kept.length > 0 && (chars + message.content.length > historyChars || kept.length >= CHAT_LIMITS.maxMessages - 1)) break;
    kept.unshift(message);
    chars += message.content.length;
  }
  // A history that begins with an answer would confuse templates that insist on turns.
  while (kept.length > 1 && kept[0]?.role === 'assistant') kept.shift();
  return system.trim() === '' ? kept : [{ role: 'system', content: system }, ...kept];
}
