import { timingSafeEqual } from 'node:crypto';
import type { PeerId } from '../../base/index.ts';
import { zoneErrors } from '../zone/errors.ts';

/** Takes a member's answer from the beginning of what a peer sends, and passes the rest on. */
export class AnswerReader {
  readonly #answer: Uint8Array;
  readonly #peer: PeerId;
  readonly #pass: (bytes: Uint8Array) => void;
  readonly #settled = Promise.withResolvers<void>();
  #read = Buffer.alloc(0);
  #isOver = false;

  /** No answer: all is passed on. */
  constructor(answer: Uint8Array | undefined, peer: PeerId, pass: (bytes: Uint8Array) => void) {
    this.#answer = answer ?? new Uint8Array(0);
    this.#peer = peer;
    this.#pass = pass;
    this.#settled.promise.catch(() => undefined);
    if (answer === undefined) this.#settled.resolve();
  }

  /** Rejects with ZONE_SILENT_PEER. */
  get done(): Promise<void> {
    return this.#settled.promise;
  }

  take(bytes: Uint8Array): void {
    // What follows a wrong answer is nobody's.
    if (this.#isOver) return;
    const missing = this.#answer.length - this.#read.length;
    if (missing === 0) return this.#pass(bytes);
    this.#read = Buffer.concat([this.#read, bytes.subarray(0, missing)]);
    if (this.#read.length < this.#answer.length) return;
    if (!timingSafeEqual(this.#read, this.#answer)) return this.end();
    this.#settled.resolve();
    if (bytes.length > missing) this.#pass(bytes.subarray(missing));
  }

  /** Nothing more will come. */
  end(): void {
    this.#isOver = true;
    this.#settled.reject(zoneErrors.silentPeer({ address: this.#peer }));
  }
}
