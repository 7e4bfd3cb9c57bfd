import { isCoded, toCoded, type Clock, type CodedError, type ErrorMeta, type PeerId } from '../../base/index.ts';
import type { FrameStream } from '../../mesh/index.ts';
import { pipelineErrors } from '../errors.ts';
import { MAX_PENDING_SENDS } from '../options.ts';
import { FEATURES, FrameType, type Feature } from './constants.ts';
import { decodeFrame, encodeHeader, NO_SESSION, type Frame, type FrameAddress, type FrameFields } from './frame.ts';
import { controlBytes, readControl, type ControlMessage, type ControlType } from './schema.ts';

const MAX_META_CHARS = 4096;
const CLOSE_TIMEOUT_MS = 5_000;

/** Where a control message goes; a run and position only with messages about a run. */
export type ControlAddress = FrameAddress & { readonly run?: number; readonly position?: number };

export interface LinkInit {
  readonly stream: FrameStream;
  readonly clock: Clock;
  readonly role: 'coordinator' | 'stage';
  /** This side signs receipts. */
  readonly signs?: boolean;
  /** Called for every frame but hello, ping and pong. A throw drops the link. */
  readonly onFrame: (frame: Frame, link: StageLink) => void;
  /** Called once when the link is gone; `error` says why when it did not end cleanly. */
  readonly onEnd: (error: CodedError | undefined, link: StageLink) => void;
  /** Called when fewer than MAX_PENDING_SENDS frames wait again. */
  readonly onDrain?: () => void;
  /** How long the present computation runs, µs; told to the peer with each pong. */
  readonly busyUs?: () => number;
}

/**
 * One long-lived stream of frames. Sending never throws and never rejects: a send
 * that fails ends the link, and whoever uses it learns that through `onEnd`.
 */
export class StageLink {
  readonly peer: PeerId;
  /** Frames handed over and not yet taken by the transport. */
  pending = 0;
  /** When the frame being handled arrived, before it was read. */
  lastHeardMs: number;
  rttMs: number | undefined;
  /** As what the peer greeted us. */
  remoteRole: 'coordinator' | 'stage' | undefined;
  /** Settles when the peer greeted us, or the link ended. Never rejects. */
  readonly greeted: Promise<void>;
  /** From the last pong: how long the peer's present computation runs. */
  remoteBusyUs = 0;
  readonly #init: LinkInit;
  #ended = false;
  /** What the peer listed when it greeted us. */
  #features: readonly string[] = [];
  #isGreeted = false;
  readonly #greeting = Promise.withResolvers<void>();
  #pingSentMs: number | undefined;
  #pingNumber = 0;

  constructor(init: LinkInit) {
    this.#init = init;
    this.greeted = this.#greeting.promise;
    this.peer = init.stream.peer;
    this.lastHeardMs = init.clock.monotonicMs();
    this.postControl(NO_SESSION, FrameType.hello, {
      protocol: 1, role: init.role, agent: 'omninode',
      features: Object.values(FEATURES).filter((name) => name !== FEATURES.receipts || init.signs === true),
    });
    void this.#read();
  }

  /** The peer greeted us and listed this among its features. */
  knows(feature: Feature): boolean {
    return this.#features.includes(FEATURES[feature]);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Header-only frame. */
  post(to: FrameAddress, fields: FrameFields): void {
    this.#send([encodeHeader(to, fields)]);
  }

  /** Header and payload leave in one write; the payload is not copied. */
  postParts(header: Uint8Array, payload: Uint8Array): void {
    this.#send([header, payload]);
  }

  postControl<T extends ControlType>(to: ControlAddress, type: T, value: ControlMessage<T>): void {
    const payload = controlBytes(type, value);
    this.#send([encodeHeader(to, { type, run: to.run ?? 0, position: to.position ?? 0 }, payload), payload]);
  }

  postError(to: FrameAddress, error: CodedError): void {
    const wire = error.toWire();
    const next = wire.next === undefined ? {} : { next: wire.next.slice(0, 512) };
    this.postControl(to, FrameType.error, { ...wire, ...next, message: wire.message.slice(0, 1024), meta: portable(wire.meta) });
  }

  ping(): void {
    if (this.#pingSentMs !== undefined) return;
    this.#pingSentMs = this.#init.clock.monotonicMs();
    this.post(NO_SESSION, { type: FrameType.ping, batch: ++this.#pingNumber });
  }

  /** Says goodbye after what was sent. */
  close(): void {
    if (this.#ended) return;
    this.#end(undefined);
    const { stream } = this.#init;
    // A peer that does not say goodbye must not keep the stream.
    const timer = setTimeout(() => stream.abort(pipelineErrors.linkLost({ peer: this.peer, reason: 'it did not close' })), CLOSE_TIMEOUT_MS);
    timer.unref();
    stream.close().catch(() => undefined).finally(() => clearTimeout(timer));
  }

  /** Drops the link at once. */
  abort(error: CodedError): void {
    if (this.#ended) return;
    this.#end(error);
    this.#init.stream.abort(error);
  }

  #send(parts: readonly Uint8Array[]): void {
    if (this.#ended) return;
    this.pending++;
    this.#init.stream.send(...parts).then(this.#sent, this.#sendFailed);
  }

  readonly #sent = (): void => {
    if (--this.pending === MAX_PENDING_SENDS - 1 && !this.#ended) this.#init.onDrain?.();
  };

  readonly #sendFailed = (error: unknown): void => {
    this.pending--;
    this.abort(this.#lost(error));
  };

  async #read(): Promise<void> {
    try {
      for await (const bytes of this.#init.stream) {
        if (this.#ended) return;
        this.#receive(bytes);
      }
      this.close();
    } catch (error) {
      this.#readFailed(error);
    }
  }

  #receive(bytes: Uint8Array): void {
    this.lastHeardMs = this.#init.clock.monotonicMs();
    const frame = decodeFrame(bytes, this.peer);
    if (!this.#isGreeted) this.#greet(frame);
    else if (frame.type === FrameType.ping) this.post(NO_SESSION, { type: FrameType.pong, batch: frame.batch, computeUs: this.#init.busyUs?.() ?? 0 });
    else if (frame.type === FrameType.pong) this.#pong(frame);
    else this.#init.onFrame(frame, this);
  }

  #greet(frame: Frame): void {
    if (frame.type !== FrameType.hello) throw pipelineErrors.badFrame({ peer: this.peer, reason: 'the first frame is not a hello' });
    const { role, features } = readControl(frame, FrameType.hello, this.peer);
    this.remoteRole = role;
    this.#features = features;
    this.#isGreeted = true;
    this.#greeting.resolve();
  }

  #pong(frame: Frame): void {
    if (this.#pingSentMs === undefined || frame.batch !== this.#pingNumber) return;
    this.rttMs = this.lastHeardMs - this.#pingSentMs;
    this.remoteBusyUs = frame.computeUs;
    this.#pingSentMs = undefined;
  }

  // Our own complaint about the peer is told to it before the stream is dropped; a lost stream needs no words.
  #readFailed(error: unknown): void {
    if (this.#ended) return;
    if (!isCoded(error) || !error.code.startsWith('PIPELINE_')) return this.abort(this.#lost(error));
    this.postError(NO_SESSION, error);
    this.abort(error);
  }

  #lost(error: unknown): CodedError {
    if (isCoded(error, 'PIPELINE_LINK_LOST')) return error;
    return pipelineErrors.linkLost({ peer: this.peer, reason: toCoded(error).message }, error);
  }

  #end(error: CodedError | undefined): void {
    this.#ended = true;
    this.#greeting.resolve();
    this.#init.onEnd(error, this);
  }
}

/** Meta as it may travel: without what JSON cannot hold, empty when too long. */
function portable(meta: ErrorMeta): Record<string, unknown> {
  const json = JSON.stringify(meta, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return json.length > MAX_META_CHARS ? {} : JSON.parse(json) as Record<string, unknown>;
}
