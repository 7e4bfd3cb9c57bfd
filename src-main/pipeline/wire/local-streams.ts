import { BoundedQueue, type PeerId } from '../../base/index.ts';
import type { FrameStream } from '../../mesh/index.ts';
import { pipelineErrors } from '../errors.ts';
import { STAGE_LIMITS, STAGE_PROTOCOL } from '../options.ts';

/** Frames in flight beyond which `send` waits for the reader. */
const HIGH_WATER_FRAMES = 16;

/**
 * Two ends of a stream inside one process: how a node that is both coordinator and
 * stage, or two stages, talks to itself, and how tests build a whole network.
 * The first end's `peer` is `remote`, the second end's is `local`.
 */
export function createLocalStreams(local: PeerId, remote: PeerId): [FrameStream, FrameStream] {
  const [near, far] = [new LocalStream(remote), new LocalStream(local)];
  near.pair(far);
  far.pair(near);
  return [near, far];
}

class LocalStream implements FrameStream {
  readonly protocol = STAGE_PROTOCOL;
  readonly peer: PeerId;
  readonly closed: Promise<Error | undefined>;
  readonly #inbox = new BoundedQueue<Uint8Array>(STAGE_LIMITS.maxQueuedFrames);
  readonly #settled = Promise.withResolvers<Error | undefined>();
  #room: PromiseWithResolvers<void> | undefined;
  #other: LocalStream | undefined;
  #writable = true;
  #readable = true;

  constructor(peer: PeerId) {
    this.peer = peer;
    this.closed = this.#settled.promise;
  }

  pair(other: LocalStream): void {
    this.#other = other;
  }

  send(...parts: readonly Uint8Array[]): Promise<void> {
    const other = this.#other;
    if (!this.#writable || other === undefined) return Promise.reject(this.#gone('the stream is closed'));
    // A frame outlives the sender's buffers, as it would on a socket.
    if (!other.#inbox.push(Buffer.concat(parts))) this.abort(pipelineErrors.flooded({ peer: this.peer }));
    return other.#inbox.size < HIGH_WATER_FRAMES ? Promise.resolve() : other.#waitForRoom();
  }

  async close(): Promise<void> {
    if (this.#writable) {
      this.#writable = false;
      if (this.#other !== undefined) this.#other.#endOfInput(undefined);
      this.#settleWhenDone();
    }
    await this.closed;
  }

  abort(error: Error): void {
    this.#writable = false;
    this.#endOfInput(error);
    const other = this.#other;
    if (other === undefined) return;
    other.#writable = false;
    other.#endOfInput(this.#gone('the other end dropped it'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const frame of this.#inbox) {
      if (this.#inbox.size < HIGH_WATER_FRAMES / 2) this.#makeRoom();
      yield frame;
    }
  }

  #endOfInput(error: Error | undefined): void {
    this.#readable = false;
    this.#inbox.end(error);
    this.#makeRoom();
    if (error !== undefined) this.#settled.resolve(error);
    this.#settleWhenDone();
  }

  #settleWhenDone(): void {
    if (!this.#writable && !this.#readable) this.#settled.resolve(undefined);
  }

  #waitForRoom(): Promise<void> {
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  readonly #gone = (reason: string): Error => pipelineErrors.linkLost({ peer: this.peer, reason });
}
