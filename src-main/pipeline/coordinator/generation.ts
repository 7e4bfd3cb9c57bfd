import { BoundedQueue, type Clock, type CodedError } from '../../base/index.ts';
import type { AnswerShape, SamplingOptions, TokenLogprob } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import { MAX_END_TOKENS, TOKEN_WINDOW } from '../options.ts';
import type { Pass } from '../prefill/pass-cost.ts';
import type { RequestTrace } from '../trace/request-trace.ts';
import type { AnswerReceipts } from './answer-receipts.ts';
import type { Assembly } from './assembly.ts';
import { Interruptions, type StageLoss } from './interruptions.ts';
import { Run, type NewToken } from './run.ts';
import { endOf, rowsOf, scriptOf, sharedRows, type AnswerSoFar, type ComputedRows } from './script.ts';
import type { OpenSession } from './session-pool.ts';
import type { GenerationStats } from './stats.ts';
import { TokenTimes } from './token-times.ts';

export interface GenerateRequest {
  readonly promptTokens: Int32Array;
  readonly sampling: SamplingOptions;
  /** The seed was asked for by nobody: going on with a conversation, the one that it began with does as well, and its past need not be computed again. */
  readonly anySeed?: boolean;
  readonly maxTokens: number;
  /** An answer ends before the first of these. */
  readonly endTokens: readonly number[];
  readonly signal?: AbortSignal;
  /** Collects what each stage did at what time; the result then has a `trace`. */
  readonly trace?: true;
  /** Has every stage sign what it computed; the result then has `receipts`. */
  readonly receipts?: true;
  /** What the answer must be. */
  readonly shape?: AnswerShape;
  /** Told while all places on the stages are taken: how many answers wait before this one. */
  readonly onWait?: (ahead: number) => void;
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
  /** Only where it was asked for. */
  readonly trace?: RequestTrace;
  /** As well. */
  readonly receipts?: AnswerReceipts;
}

/** Where an answer runs: the stages that stand, with a session on all of them. */
export interface Ground {
  readonly assembly: Assembly;
  readonly session: OpenSession;
}

export interface GenerationInit {
  readonly request: GenerateRequest;
  readonly contextTokens: number;
  /** 0 = not known. */
  readonly vocabSize: number;
  readonly clock: Clock;
  /** The rows of the micro-batches in which this part of the prompt is computed, now and in every replay. */
  readonly chooseMicroBatch: (ground: Ground, prompt: Pass) => number;
  /** Waits until stages stand. */
  readonly takeGround: (sampling: SamplingOptions) => Promise<Ground>;
  /** For a session that came after the end. */
  readonly dropGround: (ground: Ground) => void;
  /** Collects the stages' figures; `keep` says whether the session may serve another run. */
  readonly onFinish: (generation: Generation, end: { readonly reason: FinishReason; readonly keep: boolean }) => Promise<Omit<GenerationResult, 'finishReason'>>;
  /** A run, or the way to one, failed: the pipeline suspends and resumes the answer, or fails it. */
  readonly onSetback: (generation: Generation, error: CodedError, assembly: Assembly | undefined) => void;
  readonly onFail: (generation: Generation, error: CodedError) => void;
  /** A replay gave another token than the first time: the stages do not compute alike. */
  readonly onMismatch: () => void;
  /** Between two new tokens, where the last stage measured it. */
  readonly onGap: (gapUs: number) => void;
}

/**
 * One answer. Iterating yields its tokens; after a failure the reader first gets what
 * was received, then the error. Leaving the loop early stops the stages. The answer
 * outlives its stages: on new ones it goes on where it was.
 */
export class Generation implements AsyncIterable<GeneratedToken> {
  /** How it ended, with figures. Rejects with the same error as the iteration. */
  readonly result: Promise<GenerationResult>;
  ground: Ground | undefined;
  readonly startedMs: number;
  /** When it first had a place on the stages. */
  placedMs: number | undefined;
  readonly times: TokenTimes;
  /** Rows of the prompt's micro-batches; chosen once, because they are part of the answer's bits. */
  microBatch: number | undefined;
  reusedTokens = 0;
  /** Rows that were computed again because a stage was lost. */
  replayedTokens = 0;
  failovers = 0;
  /** No other answer was under way meanwhile. */
  isAlone = true;
  /** What the stages computed for it, as this side sees it: rows that they took up, those of replays again, and tokens that came. */
  computedTokens = 0;
  /** Where the last run began. */
  runStart = 0;
  /** Losses since the last new token. */
  setbacks = 0;
  readonly interruptions = new Interruptions();
  readonly #init: GenerationInit;
  readonly #queue = new BoundedQueue<GeneratedToken>(2 * TOKEN_WINDOW);
  readonly #result = Promise.withResolvers<GenerationResult>();
  readonly #signed = Promise.withResolvers<AnswerReceipts | undefined>();
  readonly #endTokens: ReadonlySet<number>;
  readonly #answer: number[] = [];
  /** What is computed before this prompt; known from the first run on. */
  #past: readonly ComputedRows[] | undefined;
  #run: Run | undefined;
  /** Of its first session, and so of all others. */
  #sampling: SamplingOptions;
  #ended = false;
  #isResuming = false;
  #taken = 0;
  /** The limit that the stages were told. */
  #limit = 0;
  /** The present run brought a token, so that every row before it is in every stage's cache. */
  #isCaughtUp = false;
  /** A token after the answer was sampled, so that the rows of all of it are in the caches. */
  #endSampled = false;
  #progressMs: number;
  /** `computedTokens` when all of the present run's script is computed. */
  #scriptEnd = 0;

  constructor(init: GenerationInit) {
    this.#init = init;
    this.#endTokens = new Set(init.request.endTokens);
    this.#sampling = init.request.sampling;
    this.times = new TokenTimes({ isTraced: init.request.trace === true });
    this.startedMs = this.#progressMs = init.clock.monotonicMs();
    this.result = this.#result.promise;
    // Who only iterates gets the error there.
    this.result.catch(() => undefined);
  }

  get request(): GenerateRequest {
    return this.#init.request;
  }

  /** What the stages signed of it, once that is known: some time after the result. Undefined: nothing was asked for. Never rejects. */
  get signed(): Promise<AnswerReceipts | undefined> {
    return this.#signed.promise;
  }

  tellSigned(receipts: AnswerReceipts | undefined): void {
    this.#signed.resolve(receipts);
  }

  get answer(): readonly number[] {
    return this.#answer;
  }

  get received(): number {
    return this.#answer.length;
  }

  /** Never rejects: a failure ends the iteration. */
  async start(): Promise<void> {
    const { signal } = this.request;
    try {
      this.#check();
    } catch (error) {
      return this.fail(error as CodedError);
    }
    if (signal?.aborted) return this.cancel();
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    await this.resume();
  }

  /** Goes on, on the stages that stand now. Never rejects. */
  async resume(): Promise<void> {
    if (this.#ended || this.#isResuming || this.#run !== undefined) return;
    this.#isResuming = true;
    const taken = await this.#init.takeGround(this.#sampling).catch((error: unknown) => ({ error: error as CodedError }));
    this.#isResuming = false;
    if ('error' in taken) {
      if (!this.#ended) this.#init.onSetback(this, taken.error, undefined);
    } else if (this.#ended) {
      this.#init.dropGround(taken);
    } else {
      this.#begin(taken);
    }
  }

  /** Lets go of stages that are lost; `resume` goes on. */
  suspend(loss: StageLoss): void {
    this.setbacks++;
    this.interruptions.begin(loss, { tokens: this.received, sinceMs: this.#progressMs });
    this.#leaveGround();
  }

  /** Stops all stages and frees the session's KV caches. */
  cancel(): void {
    this.#finish('cancelled', { keep: false });
  }

  fail(error: CodedError): void {
    if (this.#ended) return;
    this.#end();
    this.#init.onFail(this, error);
    this.#queue.end(error);
    this.#result.reject(error);
  }

  /** How long nothing came although the stages were not held back by the reader, ms. */
  stalledMs(nowMs: number): number {
    const isHeldBack = this.#run?.isFeeding !== true && this.request.promptTokens.length + this.received > this.#limit;
    return this.#ended || this.#run === undefined || isHeldBack ? 0 : nowMs - this.#progressMs;
  }

  [Symbol.asyncIterator](): AsyncIterator<GeneratedToken> {
    return { next: () => this.#next(), return: () => this.#leave() };
  }

  get #soFar(): AnswerSoFar {
    return { past: this.#past ?? [], promptTokens: this.request.promptTokens, answer: this.#answer, batchTokens: this.microBatch ?? 1 };
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

  #begin(ground: Ground): void {
    const { assembly, session } = ground;
    const { promptTokens, maxTokens, endTokens } = this.request;
    this.ground = ground;
    this.#sampling = session.sampling;
    const start = this.runStart = this.#startOn(ground);
    this.#mark();
    this.placedMs ??= this.#progressMs;
    this.#isCaughtUp = false;
    this.#limit = promptTokens.length + this.#taken + TOKEN_WINDOW;
    const script = scriptOf(this.#soFar, start);
    this.#scriptEnd = this.computedTokens + script.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const before = this.computedTokens;
    this.#run = new Run({
      assembly, session, endTokens, script, limit: this.#limit,
      maxTokens: Math.min(maxTokens, this.#init.contextTokens + 1) - this.received,
      onToken: (sampled, position) => this.#onToken(sampled, position),
      onEcho: (token, position) => this.#onEcho(token, position),
      onProgress: () => {
        this.#mark();
        if (!this.#isCaughtUp) this.computedTokens = before + (this.#run?.takenRows ?? 0);
      },
      onError: (error) => this.#init.onSetback(this, error, assembly),
    });
  }

  /** Where the script starts: a new session of an answer under way has everything before it to compute again. */
  #startOn(ground: Ground): number {
    const { session } = ground;
    if (this.#past !== undefined) {
      this.failovers++;
      this.replayedTokens += endOf(rowsOf(this.#soFar));
      return 0;
    }
    this.#past = sharedRows(session.rows, this.request.promptTokens);
    this.reusedTokens = endOf(this.#past);
    this.microBatch = this.#init.chooseMicroBatch(ground, { position: this.reusedTokens, rows: this.request.promptTokens.length - this.reusedTokens });
    session.rows = this.#past;
    return this.reusedTokens;
  }

  #onToken({ token, logprob, top, gapUs }: NewToken, position: number): void {
    this.#mark();
    this.setbacks = 0;
    this.interruptions.end(this.#progressMs);
    this.#time(position, gapUs);
    this.computedTokens = (this.#isCaughtUp ? this.computedTokens : this.#scriptEnd) + 1;
    this.#isCaughtUp = true;
    if (this.#endTokens.has(token)) {
      this.#endSampled = true;
      return this.#finish('stop', { keep: true });
    }
    this.#answer.push(token);
    this.#queue.push({ token, position, logprob, top });
    if (this.received >= this.request.maxTokens) this.#finish('length', { keep: true });
    else if (position >= this.#init.contextTokens) this.#finish('context', { keep: true });
  }

  // What a run's first token followed on its stage was no new token: the prompt, or one that was known.
  #time(position: number, told: number | undefined): void {
    const gapUs = this.#isCaughtUp ? told : undefined;
    this.times.add({ position, heardMs: this.#progressMs, gapUs });
    if (gapUs !== undefined) this.#init.onGap(gapUs);
  }

  #onEcho(token: number, position: number): void {
    this.#mark();
    const known = this.#answer[position - this.request.promptTokens.length];
    if (known !== undefined && known !== token) this.#init.onMismatch();
  }

  #mark(): void {
    this.#progressMs = this.#init.clock.monotonicMs();
  }

  async #next(): Promise<IteratorResult<GeneratedToken>> {
    const result = await this.#queue.next();
    if (result.done !== true && ++this.#taken % (TOKEN_WINDOW / 2) === 0) this.#widen();
    return result;
  }

  #widen(): void {
    if (this.#ended || this.#run === undefined) return;
    this.#mark();
    this.#limit = this.request.promptTokens.length + this.#taken + TOKEN_WINDOW;
    this.#run.extend(Math.min(this.#limit, this.#init.contextTokens));
  }

  // The reader has enough, e.g. a stop text: the conversation can go on from what is known.
  #leave(): Promise<IteratorResult<GeneratedToken>> {
    if (!this.#ended) this.#run?.stop();
    this.#finish('cancelled', { keep: this.received > 0 });
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(reason: FinishReason, { keep }: { readonly keep: boolean }): void {
    if (this.#ended) return;
    if (this.ground !== undefined) this.ground.session.rows = this.#computed();
    this.#end();
    this.#init.onFinish(this, { reason, keep: keep && this.#isCaughtUp }).then((figures) => this.#result.resolve({ finishReason: reason, ...figures }), this.#result.reject);
    this.#queue.end();
  }

  #computed(): readonly ComputedRows[] {
    if (!this.#isCaughtUp) return this.ground?.session.rows ?? [];
    return rowsOf({ ...this.#soFar, answer: this.#endSampled ? this.#answer : this.#answer.slice(0, -1) });
  }

  #leaveGround(): void {
    this.#run?.end();
    this.#run = undefined;
    this.ground = undefined;
  }

  #end(): void {
    this.#ended = true;
    this.#run?.end();
    this.#run = undefined;
    this.request.signal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.cancel();
}
