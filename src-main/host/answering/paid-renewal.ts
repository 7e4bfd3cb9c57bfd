import type { Price } from '../paid/index.ts';
import { mostTokens } from '../paying.ts';
import { promptTokens } from '../text-stream.ts';
import type { Asked, Running } from './types.ts';
import type { AnswersUnderWay } from './under-way.ts';

/** Whether its session pays for all of the answer. One of which nothing is used would not be larger if it were opened again. */
export async function paysFor({ route: { paid }, session: { tokenizer, pipeline: { contextTokens } } }: Running, { prompt, maxTokens }: Omit<Asked, 'signal'>): Promise<boolean> {
  if (paid === undefined) return true;
  const tokens = mostTokens({ promptTokens: (await promptTokens(tokenizer, prompt)).length, maxTokens, contextTokens });
  return paid.fits(tokens) || paid.isUnused;
}

export interface PaidRenewalInit {
  readonly answers: AnswersUnderWay;
  /** Ends it, unless another is loaded by now. */
  readonly unload: (running: Running) => Promise<void>;
  /** What a session costs, and what was counted of it. */
  readonly onCounted: (running: Running, price: Price) => void;
  /** It ended by itself, and is unloaded. */
  readonly onOver: () => Promise<void>;
}

/** Ends paid sessions, one at a time and after their answers, so that the next question can begin another. */
export class PaidRenewal {
  readonly #init: PaidRenewalInit;
  #done: Promise<void> | undefined;

  constructor(init: PaidRenewalInit) {
    this.#init = init;
  }

  /** Of the one that is being ended; undefined where there is none. */
  get done(): Promise<void> | undefined {
    return this.#done;
  }

  renew(running: Running): Promise<void> {
    return (this.#done ??= this.#leave(running).finally(() => { this.#done = undefined; }));
  }

  /** From its opening on. */
  follow(running: Running, price: Price): void {
    const { paid } = running.route;
    if (paid === undefined) return;
    const { onCounted, onOver } = this.#init;
    onCounted(running, price);
    paid.events.on('counted', () => onCounted(running, price));
    paid.events.on('over', () => void this.renew(running).then(onOver));
  }

  async #leave(running: Running): Promise<void> {
    const { answers, unload } = this.#init;
    await new Promise((resolve) => { setImmediate(resolve); });
    while (!answers.isIdle) await answers.ended();
    await unload(running);
  }
}
