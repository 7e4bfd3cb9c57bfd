import type { PeerId } from '../../base/index.ts';
import type { LaneFeed } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { ControlMessage } from '../wire/schema.ts';
import type { FrameType } from '../wire/constants.ts';

type RunMessage = ControlMessage<typeof FrameType.run>;

export interface FeederInit {
  readonly run: number;
  readonly message: RunMessage;
  readonly contextTokens: number;
  readonly vocabSize: number;
  readonly feed: (token: number, position: number) => void;
}

/**
 * Stage 0's part of the decode ring: feeds each sampled token in again without asking
 * the coordinator, until an end token, `maxTokens`, the context's end or a stop; and
 * never past the position up to which the coordinator has room.
 */
export class TokenFeeder {
  readonly #init: FeederInit;
  readonly #endTokens: ReadonlySet<number>;
  #limit: number;
  #produced = 0;
  #done = false;
  #parked: { readonly token: number; readonly position: number } | undefined;

  constructor(init: FeederInit) {
    this.#init = init;
    this.#endTokens = new Set(init.message.endTokens);
    this.#limit = init.message.limit;
  }

  /** The last stage sampled `token` for `position`. */
  onToken(token: number, position: number, from: PeerId): void {
    const { vocabSize, contextTokens, message } = this.#init;
    if (token < 0 || (vocabSize > 0 && token >= vocabSize)) throw pipelineErrors.badFrame({ peer: from, reason: `token ${token} is not in the vocabulary` });
    if (this.#done) return;
    this.#produced++;
    if (this.#endTokens.has(token) || this.#produced >= message.maxTokens || position >= contextTokens) this.#done = true;
    else if (position >= this.#limit) this.#parked = { token, position };
    else this.#init.feed(token, position);
  }

  /** The coordinator's reader took tokens: positions before `limit` may be fed. */
  extend(run: number, limit: number): void {
    if (run !== this.#init.run || limit <= this.#limit) return;
    this.#limit = limit;
    const parked = this.#parked;
    if (parked === undefined || parked.position >= limit) return;
    this.#parked = undefined;
    this.#init.feed(parked.token, parked.position);
  }

  /** Feeds nothing any more; returns what is left to feed, the token now being fed included. */
  handOver(): LaneFeed & { readonly run: number } {
    this.#done = true;
    const { run, message } = this.#init;
    return { run, left: message.maxTokens - this.#produced + 1, limit: this.#limit, endTokens: message.endTokens };
  }

  stop(run: number): void {
    if (run !== this.#init.run) return;
    this.#done = true;
    this.#parked = undefined;
  }
}
