import { RateLimiter, type Clock, type PeerId } from '../../../base/index.ts';
import type { FrameStream } from '../../types.ts';
import { LOSS_RATE, LOSS_TIMEOUT_MS, MAX_SOCKETS, MAX_SOCKETS_PER_PEER } from './constants.ts';
import { DatagramCounter } from './datagram-counter.ts';
import { lossErrors } from './errors.ts';
import { decodeCount, decodeQuestion, encodeCount, encodeOffer, type LossQuestion } from './schema.ts';

export interface LossServerInit {
  readonly clock: Clock;
  /** Told what was refused, by its code. */
  readonly refused: (code: string) => void;
}

/** Counts for peers which of their datagrams come. */
export class LossServer {
  readonly #init: LossServerInit;
  readonly #rate: RateLimiter;
  /** Whom a socket is open for, once each. */
  readonly #open: PeerId[] = [];

  constructor(init: LossServerInit) {
    this.#init = init;
    this.#rate = new RateLimiter(LOSS_RATE, init.clock);
  }

  /** One probe. Rejects with the stream's error. */
  async serve(stream: FrameStream): Promise<void> {
    const overdue = setTimeout(() => stream.abort(lossErrors.timedOut(stream.peer)), LOSS_TIMEOUT_MS);
    try {
      const frames = stream[Symbol.asyncIterator]();
      const { value, done } = await frames.next();
      // Whoever thinks better of it may.
      if (done === true) return await stream.close();
      const question = decodeQuestion(value);
      if (question === undefined) return stream.abort(lossErrors.invalid(stream.peer, 'that is no question'));
      if (!this.#rate.take(stream.peer)) return stream.abort(lossErrors.tooMany(stream.peer));
      await this.#count(stream, { frames, question });
    } finally {
      clearTimeout(overdue);
    }
  }

  async #count(stream: FrameStream, { frames, question }: { readonly frames: AsyncIterator<Uint8Array>; readonly question: LossQuestion }): Promise<void> {
    const counter = await this.#openFor(stream.peer, question);
    try {
      await stream.send(encodeOffer(counter?.offer));
      if (counter === undefined) return await stream.close();
      const { value, done } = await frames.next();
      if (done === true) return await stream.close();
      const sent = decodeCount(value, question.datagrams);
      if (sent === undefined) return stream.abort(lossErrors.invalid(stream.peer, 'it did not say how many it sent'));
      const arrived = await counter.settled(sent);
      counter.close();
      await stream.send(encodeCount(arrived));
      await stream.close();
    } finally {
      if (counter !== undefined) this.#shut(stream.peer, counter);
    }
  }

  /** Undefined where there is no room for one more. */
  async #openFor(peer: PeerId, question: LossQuestion): Promise<DatagramCounter | undefined> {
    if (this.#open.length >= MAX_SOCKETS || this.#open.filter((one) => one === peer).length >= MAX_SOCKETS_PER_PEER) return undefined;
    this.#open.push(peer);
    try {
      return await DatagramCounter.open({ ...question, refused: this.#init.refused });
    } catch {
      this.#open.splice(this.#open.indexOf(peer), 1);
      return undefined;
    }
  }

  #shut(peer: PeerId, counter: DatagramCounter): void {
    counter.close();
    this.#open.splice(this.#open.indexOf(peer), 1);
  }
}
