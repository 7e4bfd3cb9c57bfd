import { asPeerId, type PeerId } from '../../src-main/base/index.ts';
import type { FrameStream } from '../../src-main/mesh/types.ts';

export const FUZZ_PEER: PeerId = asPeerId('12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq');

/** A stream whose other side says these frames, each when it is there, and ends. Sockets would be the same bytes ten times as slow. */
export class ScriptedStream implements FrameStream {
  readonly peer = FUZZ_PEER;
  readonly protocol: string;
  readonly sent: Uint8Array[] = [];
  readonly closed: Promise<Error | undefined>;
  /** What it was aborted with. */
  error: Error | undefined;
  readonly #frames: (Uint8Array | Promise<Uint8Array>)[];
  readonly #gone = Promise.withResolvers<Error | undefined>();
  #isRead = false;
  #isEnded = false;

  constructor(frames: readonly (Uint8Array | Promise<Uint8Array>)[], protocol = '/fuzz/1.0.0') {
    this.#frames = [...frames];
    this.protocol = protocol;
    this.closed = this.#gone.promise;
  }

  send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.error !== undefined) return Promise.reject(this.error);
    this.sent.push(Buffer.concat(parts));
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#isEnded = true;
    this.#finishIfDone();
    return Promise.resolve();
  }

  abort(error: Error): void {
    this.error ??= error;
    this.#gone.resolve(this.error);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next() };
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    if (this.error !== undefined) throw this.error;
    const frame = await this.#frames.shift();
    if (this.error !== undefined) throw this.error;
    if (frame !== undefined) return { done: false, value: frame };
    this.#isRead = true;
    this.#finishIfDone();
    return { done: true, value: undefined };
  }

  #finishIfDone(): void {
    if (this.#isRead && this.#isEnded) this.#gone.resolve(undefined);
  }
}
