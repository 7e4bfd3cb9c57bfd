import { randomUUID } from 'node:crypto';
import type { Logger } from '../../base/index.ts';
import type { ChatFinish, CommandParsed, HostEvent } from '../../../src-preload/bridge/index.ts';
import { apiErrors } from '../errors.ts';
import type { ChatService } from '../ports.ts';
import { toWireError } from '../wire-error.ts';

interface RunnerInit {
  readonly publish: (event: HostEvent) => void;
  readonly logger: Logger;
  readonly maxChats: number;
}

interface Running {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** Runs answers and turns each into chat.started, chat.delta..., then exactly one of chat.done and chat.error. */
export class ChatRunner {
  readonly #running = new Map<string, Running>();
  readonly #init: RunnerInit;

  constructor(init: RunnerInit) {
    this.#init = init;
  }

  start(service: ChatService, input: CommandParsed<'chat.send'>): { requestId: string } {
    if (this.#running.size >= this.#init.maxChats) throw apiErrors.busy({ limit: this.#init.maxChats });
    const requestId = randomUUID();
    const controller = new AbortController();
    this.#init.publish({ event: 'chat.started', data: { requestId, conversationId: input.conversationId } });
    const ended = this.#run(requestId, service, { ...input, signal: controller.signal }).finally(() => this.#running.delete(requestId));
    this.#running.set(requestId, { controller, ended });
    return { requestId };
  }

  cancel(requestId: string): { isCancelled: boolean } {
    const running = this.#running.get(requestId);
    running?.controller.abort();
    return { isCancelled: running !== undefined };
  }

  /** Resolves when every answer has ended. */
  async cancelAll(): Promise<void> {
    const all = [...this.#running.values()];
    for (const { controller } of all) controller.abort();
    await Promise.all(all.map(({ ended }) => ended));
  }

  async #run(requestId: string, service: ChatService, input: CommandParsed<'chat.send'> & { signal: AbortSignal }): Promise<void> {
    const { publish, logger } = this.#init;
    const { maxTokens, ...sampling } = input.options;
    let finish: ChatFinish | undefined;
    try {
      for await (const part of service.chat({ messages: input.messages, sampling, maxTokens, signal: input.signal })) {
        if ('text' in part) publish({ event: 'chat.delta', data: { requestId, text: part.text } });
        else if ('progress' in part) publish({ event: 'chat.progress', data: { requestId, progress: part.progress } });
        else finish = part.done;
      }
      publish({ event: 'chat.done', data: { requestId, finish: finish ?? unmeasured(input.signal) } });
    } catch (error) {
      // A service may answer a stop by throwing the signal's reason; to the user it is a stop all the same.
      if (input.signal.aborted) publish({ event: 'chat.done', data: { requestId, finish: finish ?? unmeasured(input.signal) } });
      else publish({ event: 'chat.error', data: { requestId, error: toWireError(error, logger) } });
    }
  }
}

const unmeasured = (signal: AbortSignal): ChatFinish => ({ finishReason: signal.aborted ? 'cancelled' : 'stop', tokens: 0, stages: [] });
