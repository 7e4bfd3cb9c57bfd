import { openaiErrors } from './errors.ts';
import { API_LIMITS } from './schema.ts';

/** Counts answers of all clients, so that a queue behind the stages' places has an end. */
export class Gate {
  readonly #limit: number;
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws API_QUEUE_FULL. What it returns lets the next one in; calling it again changes nothing. */
  enter(): () => void {
    if (this.#count >= this.#limit) throw openaiErrors.queueFull({ limit: this.#limit, retryAfterSeconds: API_LIMITS.retryAfterSeconds });
    this.#count++;
    let isIn = true;
    return () => {
      if (isIn) this.#count--;
      isIn = false;
    };
  }
}
