import type { ChatPart } from '../../api/index.ts';
import type { BoundedQueue } from '../../base/index.ts';

/** Hears what happens to the pipeline while it is answered. */
type Hearer = Pick<BoundedQueue<ChatPart>, 'push'>;

export interface AnswersInit {
  /** Told before the others hear that one began or ended. */
  readonly onState: (state: 'busy' | 'ready') => void;
  readonly onMoved: () => void;
}

/** Answers under way, whoever asked for them. */
export class AnswersUnderWay {
  readonly #init: AnswersInit;
  readonly #hearers = new Set<Hearer>();
  #ending = new AbortController();
  #onIdle: (() => void)[] = [];

  constructor(init: AnswersInit) {
    this.#init = init;
  }

  get isIdle(): boolean {
    return this.#hearers.size === 0;
  }

  /** Aborted when those of now have to end. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** One is under way, until what this returns is called. */
  begin(hearer: Hearer): () => void {
    const { onState, onMoved } = this.#init;
    this.#hearers.add(hearer);
    onState('busy');
    onMoved();
    return () => {
      this.#hearers.delete(hearer);
      if (this.isIdle) onState('ready');
      onMoved();
      if (this.isIdle) this.stopWaiting();
    };
  }

  tell(part: ChatPart): void {
    for (const hearer of this.#hearers) hearer.push(part);
  }

  /** Resolves when the last of them has ended, or nobody is to wait for that. */
  async ended(): Promise<void> {
    if (!this.isIdle) await new Promise<void>((resolve) => { this.#onIdle.push(resolve); });
  }

  stopWaiting(): void {
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  endAll(): void {
    this.#ending.abort();
  }

  /** Those that begin from now on are not ended by what ended the former. */
  letBegin(): void {
    this.#ending = new AbortController();
  }
}
