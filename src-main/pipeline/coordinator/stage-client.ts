import type { Clock, CodedError, SessionId } from '../../base/index.ts';
import type { FrameStream } from '../../mesh/index.ts';
import { pipelineErrors, type StageRef } from '../errors.ts';
import { FrameType } from '../wire/constants.ts';
import { NO_SESSION, type Frame, type FrameAddress } from '../wire/frame.ts';
import { StageLink } from '../wire/link.ts';
import { errorFrom } from '../wire/remote-error.ts';
import { readControl, type ControlMessage, type ControlType } from '../wire/schema.ts';
import { linkFailure, reportedFailure } from './name-error.ts';

/** What a running generation hears from a stage. Called on the hot path. */
export interface SessionListener {
  onToken(frame: Frame): void;
  onCredit(frame: Frame): void;
  onError(error: CodedError): void;
}

export interface StageClientInit {
  readonly ref: StageRef;
  readonly route: readonly StageRef[];
  readonly stream: FrameStream;
  readonly clock: Clock;
  /** The link is gone and nobody asked for it. */
  readonly onLost: (error: CodedError) => void;
}

export interface Expectation {
  readonly type: FrameType;
  /** For the message: `load its layers`. */
  readonly phase: string;
  readonly timeoutMs: number;
}

interface Waiter {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: CodedError) => void;
  readonly timer: NodeJS.Timeout;
}

/** What is waited for, each as the answer to something asked. */
const ANSWERS: readonly FrameType[] = [FrameType.offers, FrameType.loaded, FrameType.opened, FrameType.closed, FrameType.stats, FrameType.trace, FrameType.links, FrameType.receipts];

/** The coordinator's link to one stage. */
export class StageClient {
  readonly ref: StageRef;
  readonly link: StageLink;
  readonly listeners = new Map<SessionId, SessionListener>();
  /** What the stage said last of the rows that others can wait for. */
  slice: ControlMessage<typeof FrameType.slice> = { others: false };
  onProgress: ((progress: ControlMessage<typeof FrameType.progress>) => void) | undefined;
  readonly #init: StageClientInit;
  /** By id and type, oldest first: a stage answers in the order in which it was asked. */
  readonly #waiters = new Map<string, Waiter[]>();
  #lost: CodedError | undefined;

  constructor(init: StageClientInit) {
    this.#init = init;
    this.ref = init.ref;
    this.link = new StageLink({ stream: init.stream, clock: init.clock, role: 'coordinator', onFrame: (frame) => this.#onFrame(frame), onEnd: (error) => this.#onEnd(error) });
  }

  address(session: SessionId): FrameAddress {
    return { session, stage: this.ref.stage };
  }

  /** Waits for one answer about a lease or session. @throws PIPELINE_STAGE_* naming this stage */
  expect(id: SessionId, { type, phase, timeoutMs }: Expectation): Promise<Frame> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    const key = `${id}/${type}`;
    const timer = setTimeout(() => this.#timeOut(key, waiter, pipelineErrors.stageTimeout({ ...this.ref, phase, timeoutMs })), timeoutMs);
    const waiter: Waiter = { resolve, reject, timer };
    this.#waiters.set(key, [...(this.#waiters.get(key) ?? []), waiter]);
    return promise;
  }

  /** Whoever waits gets this error; the link is closed, and nothing is reported. */
  fail(error: CodedError): void {
    this.#lost ??= error;
    this.link.close();
  }

  /** Nothing is reported after this. */
  close(): void {
    this.#lost ??= pipelineErrors.closed({});
    this.link.close();
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case FrameType.token: return this.listeners.get(frame.session)?.onToken(frame);
      case FrameType.credit: return this.listeners.get(frame.session)?.onCredit(frame);
      case FrameType.progress: return this.#progress(frame);
      case FrameType.slice: return void (this.slice = readControl(frame, FrameType.slice, this.link.peer));
      case FrameType.error: return this.#onError(frame);
      default: break;
    }
    if (!ANSWERS.includes(frame.type)) throw pipelineErrors.badFrame({ peer: this.link.peer, reason: `type ${frame.type} is not for a coordinator` });
    this.#settle(frame.session, frame.type)?.resolve(frame);
  }

  // A stage that reports progress is alive: its time to load starts anew.
  #progress(frame: Frame): void {
    const progress = readControl(frame, FrameType.progress, this.link.peer);
    for (const { timer } of this.#waiters.get(`${frame.session}/${FrameType.loaded}`) ?? []) timer.refresh();
    this.onProgress?.(progress);
  }

  #onError(frame: Frame): void {
    const remote = errorFrom(frame, this.link.peer);
    if (frame.session === NO_SESSION.session) return this.link.abort(reportedFailure(this.ref, remote, this.#init.route));
    const error = reportedFailure(this.ref, remote, this.#init.route);
    for (const type of ANSWERS) {
      // A session that failed closes all the same.
      if (type === FrameType.closed) continue;
      for (let waiter = this.#settle(frame.session, type); waiter !== undefined; waiter = this.#settle(frame.session, type)) waiter.reject(error);
    }
    this.listeners.get(frame.session)?.onError(error);
  }

  #settle(id: SessionId, type: FrameType): Waiter | undefined {
    const key = `${id}/${type}`;
    const [waiter, ...later] = this.#waiters.get(key) ?? [];
    this.#keep(key, later);
    clearTimeout(waiter?.timer);
    return waiter;
  }

  #timeOut(key: string, waiter: Waiter, error: CodedError): void {
    this.#keep(key, (this.#waiters.get(key) ?? []).filter((other) => other !== waiter));
    waiter.reject(error);
  }

  #keep(key: string, waiters: Waiter[]): void {
    if (waiters.length === 0) this.#waiters.delete(key);
    else this.#waiters.set(key, waiters);
  }

  #onEnd(error: CodedError | undefined): void {
    const isAsked = this.#lost !== undefined;
    this.#lost ??= linkFailure(this.ref, error ?? pipelineErrors.linkLost({ peer: this.ref.peer, reason: 'it ended the link' }));
    for (const waiter of [...this.#waiters.values()].flat()) {
      clearTimeout(waiter.timer);
      waiter.reject(this.#lost);
    }
    this.#waiters.clear();
    if (!isAsked) this.#init.onLost(this.#lost);
  }
}

/** @throws PIPELINE_STAGE_MISBEHAVED naming the stage */
export function controlOf<T extends ControlType>(frame: Frame, type: T, client: StageClient): ControlMessage<T> {
  try {
    return readControl(frame, type, client.link.peer);
  } catch (error) {
    throw linkFailure(client.ref, error);
  }
}
