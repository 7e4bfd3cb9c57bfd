import { BoundedQueue, type Clock, type CodedError } from '../../base/index.ts';
import type { SamplingOptions, TokenLogprob } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import { MAX_END_TOKENS, PREFILL_WINDOW, TOKEN_WINDOW } from '../options.ts';
import { FLAG_MORE, FLAG_TRUNCATE, FrameType } from '../wire/constants.ts';
import { encodeHeader, type Frame } from '../wire/frame.ts';
import { decodeSampled, encodeTokens } from '../wire/tokens.ts';
import type { OpenSession } from './session-pool.ts';
import type { SessionListener, StageClient } from './stage-client.ts';
import type { GenerationStats } from './stats.ts';

const SUSPICION_MS = 100;

export interface GenerateRequest {
  readonly promptTokens: Int32Array;
  readonly sampling: SamplingOptions;
  readonly maxTokens: number;
  /** An answer ends before the first of these. */
  readonly endTokens: readonly number[];
  readonly signal?: AbortSignal;
}

export interface GeneratedToken {
  readonly token: number;
  /** Absolute position in the sequence. */
  readonly position: number;
  readonly logprob: number;
  readonly top: readonly TokenLogprob[];
}

/** stop: end token; length: maxTokens; context: the context is full; cancelled: signal, or the reader left. */
export type FinishReason = 'stop' | 'length' | 'context' | 'cancelled';

export interface GenerationResult {
  readonly finishReason: FinishReason;
  readonly stats: GenerationStats;
}

export interface GenerationInit {
  readonly request: GenerateRequest;
  readonly contextTokens: number;
  readonly batchTokens: number;
  /** 0 = not known. */
  readonly vocabSize: number;
  readonly clock: Clock;
  readonly first: StageClient;
  readonly last: StageClient;
  readonly clients: readonly StageClient[];
  readonly takeSession: () => Promise<OpenSession>;
  /** For a session that came after the end. */
  readonly dropSession: (session: OpenSession) => void;
  /** Collects the stages' figures; `keep` says whether the session may serve another run. */
  readonly onFinish: (generation: Generation, end: { readonly reason: FinishReason; readonly keep: boolean }) => Promise<GenerationStats>;
  readonly onFail: (generation: Generation) => void;
}

/**
 * One answer. Iterating yields its tokens; after a failure the reader first gets what
 * was received, then the error. Leaving the loop early stops the stages.
 */
export class Generation implements AsyncIterable<GeneratedToken>, SessionListener {
  /** How it ended, with figures. Rejects with the same error as the iteration. */
  readonly result: Promise<GenerationResult>;
  session: OpenSession | undefined;
  readonly startedMs: number;
  firstTokenMs: number | undefined;
  lastTokenMs: number | undefined;
  received = 0;
  reusedTokens = 0;
  readonly #init: GenerationInit;
  readonly #queue = new BoundedQueue<GeneratedToken>(2 * TOKEN_WINDOW);
  readonly #result = Promise.withResolvers<GenerationResult>();
  readonly #endTokens: ReadonlySet<number>;
  #run = 0;
  #ended = false;
  #taken = 0;
  #limit = 0;
  #known: number[] = [];
  #previous: number | undefined;
  /** Start of the prompt's next micro-batch. */
  #nextRow = 0;
  #nextBatch = 0;
  #uncredited = 0;
  #progressMs: number;
  #suspicion: NodeJS.Timeout | undefined;

  constructor(init: GenerationInit) {
    this.#init = init;
    this.#endTokens = new Set(init.request.endTokens);
    this.startedMs = this.#progressMs = init.clock.monotonicMs();
    this.result = this.#result.promise;
    // Who only iterates gets the error there.
    this.result.catch(() => undefined);
  }

  get request(): GenerateRequest {
    return this.#init.request;
  }

  /** Never rejects: a failure ends the iteration. */
  async start(): Promise<void> {
    const { signal } = this.request;
    try {
      this.#check();
      if (signal?.aborted) return this.cancel();
      signal?.addEventListener('abort', this.#onAbort, { once: true });
      const session = await this.#init.takeSession();
      if (this.#ended) return this.#init.dropSession(session);
      this.session = session;
      this.#begin(session);
    } catch (error) {
      this.fail(error as CodedError);
    }
  }

  /** Stops all stages and frees the session's KV caches. */
  cancel(): void {
    this.#finish('cancelled', { keep: false });
  }

  fail(error: CodedError): void {
    if (this.#ended) return;
    this.#end();
    this.#init.onFail(this);
    this.#queue.end(error);
    this.#result.reject(error);
  }

  /** How long nothing came although the stages were not held back by the reader, ms. */
  stalledMs(nowMs: number): number {
    const isHeldBack = this.request.promptTokens.length + this.received > this.#limit;
    return this.#ended || this.session === undefined || isHeldBack ? 0 : nowMs - this.#progressMs;
  }

  onToken(frame: Frame): void {
    if (frame.run !== this.#run || this.#ended) return;
    const { promptTokens, maxTokens } = this.request;
    const position = promptTokens.length + this.received;
    if (frame.position !== position) return this.onError(pipelineErrors.stageMisbehaved({ ...this.#init.last.ref, code: 'PIPELINE_OUT_OF_STEP', reason: `token for position ${frame.position}, due is ${position}` }));
    const { token, logprob, top } = decodeSampled(frame.payload);
    this.#mark();
    // Sampled for this position, so every row before it is in every stage's cache.
    if (this.#previous === undefined) this.#known = Array.from(promptTokens);
    else this.#known.push(this.#previous);
    this.#previous = token;
    if (this.#endTokens.has(token)) return this.#finish('stop', { keep: true });
    this.received++;
    this.#queue.push({ token, position, logprob, top });
    if (this.received >= maxTokens) this.#finish('length', { keep: true });
    else if (position >= this.#init.contextTokens) this.#finish('context', { keep: true });
  }

  onCredit(frame: Frame): void {
    if (frame.run !== this.#run || this.#ended || this.#uncredited === 0) return;
    this.#uncredited--;
    this.#progressMs = this.#init.clock.monotonicMs();
    this.#sendPrompt();
  }

  /**
   * A stage that says it lost its neighbour may be the neighbour's victim or its judge:
   * for a moment, whoever knows better (our own link to that stage, a stage that got a
   * bad frame) may speak first.
   */
  onError(error: CodedError): void {
    if (error.code !== 'PIPELINE_STAGE_LOST') return this.fail(error);
    this.#suspicion ??= setTimeout(() => this.fail(error), SUSPICION_MS);
  }

  [Symbol.asyncIterator](): AsyncIterator<GeneratedToken> {
    return { next: () => this.#next(), return: () => this.#leave() };
  }

  #check(): void {
    const { promptTokens, maxTokens, endTokens } = this.request;
    const { contextTokens, vocabSize } = this.#init;
    if (promptTokens.length === 0) throw pipelineErrors.emptyPrompt({});
    if (promptTokens.length > contextTokens) throw pipelineErrors.promptTooLong({ promptTokens: promptTokens.length, contextTokens });
    if (promptTokens.some((token) => token < 0 || (vocabSize > 0 && token >= vocabSize))) throw pipelineErrors.badOption({ option: 'promptTokens', reason: `a token is not among the model's ${vocabSize}` });
    if (!Number.isInteger(maxTokens) || maxTokens < 1) throw pipelineErrors.badOption({ option: 'maxTokens', reason: 'must be a whole number >= 1' });
    if (endTokens.length > MAX_END_TOKENS) throw pipelineErrors.badOption({ option: 'endTokens', reason: `at most ${MAX_END_TOKENS}` });
  }

  #begin(session: OpenSession): void {
    const { first, clients, contextTokens } = this.#init;
    const { promptTokens, maxTokens, endTokens } = this.request;
    this.#run = ++session.run;
    this.reusedTokens = commonPrefix(session.known, promptTokens);
    this.#known = session.known.slice(0, this.reusedTokens);
    this.#nextRow = this.reusedTokens;
    this.#limit = promptTokens.length + TOKEN_WINDOW;
    this.#progressMs = this.#init.clock.monotonicMs();
    for (const client of clients) client.listeners.set(session.id, this);
    const run = { endTokens: [...endTokens], maxTokens: Math.min(maxTokens, contextTokens + 1), limit: this.#limit };
    first.link.postControl({ ...first.address(session.id), run: this.#run, position: this.reusedTokens }, FrameType.run, run);
    this.#sendPrompt();
  }

  #sendPrompt(): void {
    const { first, batchTokens } = this.#init;
    const { promptTokens } = this.request;
    while (this.session !== undefined && this.#nextRow < promptTokens.length && this.#uncredited < PREFILL_WINDOW) {
      const position = this.#nextRow;
      const rows = Math.min(batchTokens, promptTokens.length - position);
      const isMore = position + rows < promptTokens.length;
      const flags = (isMore ? FLAG_MORE : 0) | (this.#nextBatch === 0 ? FLAG_TRUNCATE : 0);
      const payload = encodeTokens(promptTokens.subarray(position, position + rows));
      first.link.postParts(encodeHeader(first.address(this.session.id), { type: FrameType.tokens, run: this.#run, position, rows, flags, batch: this.#nextBatch++ }, payload), payload);
      this.#nextRow += rows;
      if (isMore) this.#uncredited++;
    }
  }

  #mark(): void {
    const nowMs = this.#init.clock.monotonicMs();
    this.#progressMs = this.lastTokenMs = nowMs;
    this.firstTokenMs ??= nowMs;
  }

  async #next(): Promise<IteratorResult<GeneratedToken>> {
    const result = await this.#queue.next();
    if (result.done !== true && ++this.#taken % (TOKEN_WINDOW / 2) === 0) this.#widen();
    return result;
  }

  #widen(): void {
    if (this.#ended || this.session === undefined) return;
    const { first } = this.#init;
    this.#limit = this.request.promptTokens.length + this.#taken + TOKEN_WINDOW;
    this.#progressMs = this.#init.clock.monotonicMs();
    first.link.post(first.address(this.session.id), { type: FrameType.window, run: this.#run, position: Math.min(this.#limit, this.#init.contextTokens) });
  }

  // The reader has enough, e.g. a stop text: the conversation can go on from what is known.
  #leave(): Promise<IteratorResult<GeneratedToken>> {
    const { first } = this.#init;
    if (!this.#ended && this.session !== undefined) first.link.post(first.address(this.session.id), { type: FrameType.stop, run: this.#run });
    this.#finish('cancelled', { keep: this.received > 0 });
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(reason: FinishReason, { keep }: { readonly keep: boolean }): void {
    if (this.#ended) return;
    this.#end();
    if (this.session !== undefined) this.session.known = this.#known;
    this.#init.onFinish(this, { reason, keep }).then((stats) => this.#result.resolve({ finishReason: reason, stats }), this.#result.reject);
    this.#queue.end();
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#suspicion);
    this.request.signal?.removeEventListener('abort', this.#onAbort);
    if (this.session === undefined) return;
    for (const client of this.#init.clients) client.listeners.delete(this.session.id);
  }

  readonly #onAbort = (): void => this.cancel();
}

/** How many leading tokens need no computing; at least the last of the prompt is computed anew, for its logits. */
function commonPrefix(known: readonly number[], prompt: Int32Array): number {
  const most = Math.min(known.length, prompt.length - 1);
  let same = 0;
  while (same < most && known[same] === prompt[same]) same++;
  return same;
}
