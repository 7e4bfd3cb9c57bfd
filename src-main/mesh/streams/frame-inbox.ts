import { BoundedQueue, isCoded, type CodedError, type PeerId } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import type { ProtocolLimits } from '../types.ts';

/** Payload bytes of one protocol, and what was refused on it. */
export interface StreamTraffic {
  sent(sizeBytes: number): void;
  received(sizeBytes: number): void;
  /** The stream was ended for the peer's fault. */
  refused(code: string): void;
}

export interface FrameStreamInit {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly limits: ProtocolLimits;
  readonly traffic: StreamTraffic;
  /**
   * Both sides say before the end that it is one: libp2p's QUIC and WebRTC tell a reset, or a lost connection, like an end. Only for frames with a prefix of
   * 4 bytes. Default false.
   */
  readonly marksEnd?: boolean;
}

const counted = new WeakSet<Error>();

/** What no honest peer does: too much of it leads to a ban. Being slow or gone is none. */
const isFault = (error: Error): error is CodedError => isCoded(error) && error.fault === 'peer' && !error.retryable;

/** What a frame stream is whatever carries it: frames that wait to be read, why it ended, and who waits to send. */
export class FrameInbox {
  /** Settles when the stream is gone: undefined after a clean end. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  readonly #init: FrameStreamInit;
  readonly #abort: (error: CodedError) => void;
  readonly #frames: BoundedQueue<Uint8Array>;
  readonly #settled = Promise.withResolvers<Error | undefined>();
  #room: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;
  #isDropped = false;
  #isGone = false;

  /** `abort` drops the stream, by `drop` too; called when the peer sent what it must not. */
  constructor(init: FrameStreamInit, abort: (error: CodedError) => void) {
    this.#init = init;
    this.#abort = abort;
    this.#frames = new BoundedQueue(init.limits.maxQueuedFrames);
    this.closed = this.#settled.promise;
  }

  /** Why the stream ended, or ends when what came was read. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  get isDropped(): boolean {
    return this.#isDropped;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  readonly where = (): { peer: string; protocol: string } => ({ peer: this.#init.peer, protocol: this.#init.protocol });
  readonly lost = (cause?: unknown): CodedError => meshErrors.connectionLost({ peer: this.#init.peer }, cause);

  /** A frame that came. False when nobody wants it, or too many wait: then the stream is aborted. */
  receive(frame: Uint8Array): boolean {
    if (this.#isGone) return false;
    this.#init.traffic.received(frame.byteLength);
    if (this.#frames.push(frame)) return true;
    this.refuse(meshErrors.queueOverflow({ ...this.where(), limitFrames: this.#init.limits.maxQueuedFrames }));
    return false;
  }

  /** Aborts the stream for what the peer did. */
  refuse(error: CodedError): void {
    this.#abort(error);
  }

  /** A reason to end; the first one counts. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Ends the reader at once, whatever it has not read. What is the peer's fault is counted, once for a stream and all its paths. */
  drop(error: Error): void {
    if (this.#failure === undefined && isFault(error) && !counted.has(error)) {
      counted.add(error);
      this.#init.traffic.refused(error.code);
    }
    this.fail(error);
    this.#isDropped = true;
  }

  /** Nothing more comes: the reader ends when it has read what is there. */
  end(): void {
    this.#frames.end(this.#failure);
  }

  /** The stream is gone, the first time. */
  finish(failure?: Error): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (failure !== undefined) this.fail(failure);
    this.end();
    this.wakeSender();
    this.#settled.resolve(this.#failure);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return this.#isDropped ? Promise.reject(this.#failure) : this.#frames.next();
  }

  /** Waits, from wake to wake, while there is none. Throws what the stream ended with. */
  async room(isFull: () => boolean): Promise<void> {
    while (isFull() && !this.#isGone) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  wakeSender(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
