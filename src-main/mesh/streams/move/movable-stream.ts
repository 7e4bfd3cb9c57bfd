import type { PeerId } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import type { FrameStream, ProtocolLimits } from '../../types.ts';
import { frameBytes } from '../encode-frame.ts';
import { FrameInbox, type FrameStreamInit } from '../frame-inbox.ts';
import { ACCEPT, DATA_MARK, joinFrame, readMoveFrame, SWITCH } from './frames.ts';

/** One stream of frames on one connection, and its reader. */
export interface Path {
  readonly stream: FrameStream;
  readonly frames: AsyncIterator<Uint8Array>;
}

export const pathOf = (stream: FrameStream): Path => ({ stream, frames: stream[Symbol.asyncIterator]() });

export interface MovableInit extends FrameStreamInit {
  readonly id: string;
}

/**
 * A stream whose frames go over one path after the other. Each side ends its half of a path with `switch` and goes on on the next; the reader
 * takes the next path's frames when it has read that. So none is lost and none overtakes another; a path that dies before its `switch` was
 * read ends the stream with an error.
 */
export class MovableStream implements FrameStream {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly id: string;
  readonly limits: ProtocolLimits;
  readonly closed: Promise<Error | undefined>;
  readonly #init: MovableInit;
  readonly #inbox: FrameInbox;
  readonly #paths = new Set<FrameStream>();
  /** Where our frames go. */
  #out: FrameStream;
  /** Where the peer's come from. */
  #in: FrameStream;
  /** Read when the one before has ended with `switch`. */
  #next: Path | undefined;
  #isMoving = false;
  /** A join of ours did not come about, but the peer may have taken it for one. */
  #isAsked = false;
  /** The peer has ended its half of the path that is left. */
  #isDrained = false;
  #isEnded = false;
  #peerEnded = false;

  /** On a path whose first frame is sent, or read. */
  constructor(path: Path, init: MovableInit) {
    this.peer = init.peer;
    this.protocol = init.protocol;
    this.id = init.id;
    this.limits = init.limits;
    this.#init = init;
    this.#inbox = new FrameInbox(init, (error) => this.#fail(error));
    this.closed = this.#inbox.closed;
    this.#out = path.stream;
    this.#in = path.stream;
    this.#watch(path.stream);
    void this.#read(path);
  }

  /** A side has ended: what is left stays where it is. */
  get isEnding(): boolean {
    return this.#isEnded || this.#peerEnded || this.#inbox.isGone;
  }

  /** Neither side has ended, and no move is under way. */
  get canMove(): boolean {
    return !this.#isMoving && !this.isEnding;
  }

  async send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#inbox.failure !== undefined) throw this.#inbox.failure;
    if (this.#isEnded) throw meshErrors.streamEnded(this.#inbox.where());
    const sizeBytes = frameBytes(parts);
    const { maxFrameBytes } = this.limits;
    if (sizeBytes > maxFrameBytes) throw meshErrors.sendTooLong({ protocol: this.protocol, sizeBytes, limitBytes: maxFrameBytes });
    this.#init.traffic.sent(sizeBytes);
    // The frame is with the path when this call returns, so that a switch comes before or after it and never between.
    await this.#out.send(...parts, DATA_MARK);
  }

  recycle(frame: Uint8Array): void {
    this.#in.recycle?.(frame);
  }

  async close(): Promise<void> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      void this.#out.close();
      this.#finishIfDone();
    }
    await this.closed;
  }

  abort(error: Error): void {
    this.#inbox.drop(error);
    this.#fail(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#inbox.next() };
  }

  /**
   * The opener's side of a move, on a fresh stream of another connection. Rejects when it did not come about: the stream then goes on where it is,
   * unless the peer had already left.
   */
  async move(stream: FrameStream, signal: AbortSignal): Promise<void> {
    if (!this.canMove) return stream.abort(meshErrors.streamEnded(this.#inbox.where()));
    this.#isMoving = true;
    const path = pathOf(stream);
    try {
      await this.#askToJoin(path, signal);
    } catch (error) {
      stream.abort(error instanceof Error ? error : this.#inbox.lost(error));
      this.#isMoving = false;
      this.#isAsked = true;
      if (this.#isDrained) this.#fail(this.#inbox.lost(error));
      throw error;
    }
    this.#take(path);
  }

  /** The other side of it: the peer's `join` is read. */
  join(path: Path): void {
    // No fault of the peer's: its side of the last move may be over before ours, or our end be under way to it.
    if (!this.canMove) return path.stream.abort(this.#inbox.lost());
    this.#isMoving = true;
    path.stream.send(ACCEPT).catch(() => undefined);
    this.#take(path);
  }

  async #askToJoin({ stream, frames }: Path, signal: AbortSignal): Promise<void> {
    const onAbort = (): void => stream.abort(this.#inbox.lost(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      await stream.send(joinFrame(this.id));
      const { value, done } = await frames.next();
      if (done === true || readMoveFrame(value)?.kind !== 'accept') throw meshErrors.moveInvalid({ ...this.#inbox.where(), reason: 'it answered a join with something else' });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #take(path: Path): void {
    if (this.#inbox.isGone) return path.stream.abort(this.#inbox.lost());
    this.#watch(path.stream);
    this.#next = path;
    const left = this.#out;
    if (this.#isEnded) void path.stream.close();
    else {
      left.send(SWITCH).catch((error: unknown) => this.#fail(error));
      this.#out = path.stream;
      // Only our half: the peer's frames are still read from it.
      void left.close();
    }
    if (this.#isDrained || this.#peerEnded) this.#readNext();
  }

  #readNext(): void {
    const path = this.#next;
    if (path === undefined) return;
    this.#next = undefined;
    this.#isDrained = false;
    this.#isMoving = false;
    this.#in = path.stream;
    if (this.#peerEnded) void this.#expectNothing(path);
    else void this.#read(path);
  }

  async #read(path: Path): Promise<void> {
    try {
      for (;;) {
        const { value, done } = await path.frames.next();
        if (done === true) return this.#onEnd();
        const frame = readMoveFrame(value);
        if (frame?.kind === 'switch' && this.#isMoving) return this.#onSwitch(path);
        if (frame?.kind === 'switch' && this.#isAsked) return this.#fail(this.#inbox.lost());
        if (frame?.kind !== 'data') return this.#refuse(frame === undefined ? 'a frame of no known kind' : `\`${frame.kind}\` out of place`);
        if (!this.#inbox.receive(frame.payload)) return;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #onSwitch(left: Path): void {
    this.#isDrained = true;
    void this.#expectNothing(left);
    this.#readNext();
  }

  #onEnd(): void {
    this.#peerEnded = true;
    this.#inbox.end();
    this.#readNext();
    this.#finishIfDone();
  }

  /** After its last frame a peer says nothing more on a path. That it is lost then is no harm. */
  async #expectNothing({ frames }: Path): Promise<void> {
    const rest = await frames.next().catch(() => undefined);
    if (rest?.done === false) this.#refuse('a frame after its last one');
  }

  #watch(stream: FrameStream): void {
    this.#paths.add(stream);
    void stream.closed.then((error) => {
      this.#paths.delete(stream);
      // What came before is still read from a path that is lost; that reader tells of the loss.
      const isRead = stream === this.#in && !this.#peerEnded;
      if (error !== undefined && stream === this.#out && !isRead) this.#fail(error);
      // Its connection is gone after the peer's end: nothing can be sent any more.
      if (error === undefined && stream === this.#out) this.#isEnded = true;
      this.#finishIfDone();
    });
  }

  #refuse(reason: string): void {
    this.#inbox.refuse(meshErrors.moveInvalid({ ...this.#inbox.where(), reason }));
  }

  #fail(error: unknown): void {
    if (this.#inbox.isGone) return;
    const reason = error instanceof Error ? error : this.#inbox.lost(error);
    this.#inbox.finish(reason);
    for (const stream of this.#paths) stream.abort(reason);
  }

  #finishIfDone(): void {
    if (this.#isEnded && this.#peerEnded && this.#paths.size === 0) this.#inbox.finish();
  }
}
