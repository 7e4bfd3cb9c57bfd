import { setTimeout as delay } from 'node:timers/promises';
import { isCoded, type SessionId } from '../../base/index.ts';
import type { AnswerShape, SamplingOptions, Speculation } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import { MAX_ADDRESSES, MAX_GRAMMAR_BYTES, MAX_SPELLING_BYTES, type CoordinatorOptions } from '../options.ts';
import { FrameType } from '../wire/constants.ts';
import { encodeHeader, newSessionId } from '../wire/frame.ts';
import { dtypesOf, type RouteStage } from './boundaries.ts';
import { endOf, type ComputedRows } from './script.ts';
import { SessionQueue, type Waiting } from './session-queue.ts';
import type { StageClient } from './stage-client.ts';

/** One session, open on every stage. */
export interface OpenSession {
  readonly id: SessionId;
  readonly sampling: SamplingOptions;
  /** Of all that its answers have in common, but for the seed. */
  readonly key: string;
  /** What its answers must be. */
  readonly shape: AnswerShape | undefined;
  /** What is known to be in every stage's KV cache. */
  rows: readonly ComputedRows[];
  /** Resolves when the last run's figures are in; a new run waits for it. */
  settled: Promise<unknown>;
}

export interface SessionPoolInit {
  readonly clients: readonly StageClient[];
  readonly route: readonly RouteStage[];
  readonly lease: SessionId;
  /** Undefined: never. */
  readonly speculate: Speculation | undefined;
  readonly options: CoordinatorOptions;
  /** Until it aborts, places that others hold are waited for: after a loss they may be our own of links that nobody there knows to be lost. */
  readonly patience: AbortSignal | undefined;
  /** Hears by how many answers more, or fewer, wait. */
  readonly onWaiting: (by: number) => void;
}

export interface TakeOptions extends Waiting {
  readonly sampling: SamplingOptions;
  /** Any seed does, for tokens from this position on; no draw of a session is to be repeated. Absent: only the one of `sampling`. */
  readonly anySeedFrom?: number;
  /** What the answer must be. */
  readonly shape?: AnswerShape | undefined;
  /** The stages keep what they need to sign receipts. */
  readonly receipts?: boolean;
}

const BUSY_RETRY_MS = 100;

/**
 * Opens sessions on all stages and keeps the last idle one, so that a conversation goes on without computing its past
 * again. While the stages' places are taken by sessions of this pipeline, who comes later waits its turn.
 */
export class SessionPool {
  readonly #init: SessionPoolInit;
  readonly #open = new Set<OpenSession>();
  readonly #queue: SessionQueue;
  #idle: OpenSession | undefined;
  #opening = 0;
  /** Places that were given back. */
  #freed = 0;
  /** What the last stage was told that tokens spell. */
  #spelling: Uint8Array | undefined;

  constructor(init: SessionPoolInit) {
    this.#init = init;
    this.#queue = new SessionQueue(init.onWaiting);
  }

  /** Answers that wait for a place. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** @throws PIPELINE_STAGE_*, the signal's reason */
  async take(options: TakeOptions): Promise<OpenSession> {
    let hasWaited = this.#queue.length > 0;
    if (hasWaited) await this.#queue.wait(options, 'end');
    for (;;) {
      const freed = this.#freed;
      try {
        return await this.#takeOne(options);
      } catch (error) {
        // What was given back since the stages were asked is free now, and nobody else would say so.
        if (isBusy(error) && (this.#freed !== freed || this.#idle !== undefined)) continue;
        // Only our own answers are sure to give a place back.
        const isOurs = this.#open.size + this.#opening > 0;
        if (!isBusy(error) || (!isOurs && this.#init.patience?.aborted !== false)) throw this.#letNext(error);
        if (!isOurs) {
          await delay(BUSY_RETRY_MS, undefined, { signal: options.signal }).catch(() => { throw this.#letNext(options.signal?.reason); });
          continue;
        }
      }
      await this.#queue.wait(options, hasWaited ? 'front' : 'end');
      hasWaited = true;
    }
  }

  #letNext(error: unknown): unknown {
    this.#queue.next();
    return error;
  }

  async #takeOne(options: TakeOptions): Promise<OpenSession> {
    const idle = this.#idle;
    this.#idle = undefined;
    await idle?.settled;
    if (idle !== undefined && suits(idle, options) && this.#open.has(idle)) return idle;
    // Before the new one is opened, on the same ordered links: its place is free then.
    if (idle !== undefined) this.close(idle);
    return this.#openNew(options);
  }

  /** Gives a session back for the next run with the same sampling and shape; not where the last stage reads all that it samples in a session as one text. */
  keep(session: OpenSession): void {
    if (session.shape !== undefined && this.#init.clients.at(-1)?.link.knows('answers') !== true) return this.close(session);
    if (!this.#open.has(session)) return;
    if (this.#idle !== undefined) this.#closeSettled(this.#idle);
    this.#idle = session;
    this.#queue.next();
  }

  /** Figures and receipts of its last run may still be on their way; its place is free once they are in. */
  #closeSettled(session: OpenSession): void {
    void session.settled.finally(() => this.close(session));
  }

  /** Frees the session's KV cache on every stage. */
  close(session: OpenSession): void {
    if (!this.#open.delete(session)) return;
    this.#freed += 1;
    if (this.#idle === session) this.#idle = undefined;
    this.#closeOnStages(session.id);
    this.#queue.next();
  }

  /** Resolves when every stage that can still be heard gave the sessions' places back, or after a while. */
  async closeAll(): Promise<void> {
    const open = [...this.#open];
    const { clients, options } = this.#init;
    const gone = open.flatMap(({ id }) => clients.map((client) => client.expect(id, { type: FrameType.closed, phase: 'close a session', timeoutMs: options.closeTimeoutMs })));
    for (const session of open) this.close(session);
    this.#queue.all();
    await Promise.allSettled(gone);
  }

  async #openNew(options: TakeOptions): Promise<OpenSession> {
    if (options.shape !== undefined) this.#tellSpelling(options.shape);
    const id = newSessionId();
    this.#opening++;
    const outcomes = await Promise.allSettled(this.#init.clients.map((client) => this.#openOn(client, id, options)));
    this.#opening--;
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) {
      this.#closeOnStages(id);
      throw failed.reason;
    }
    const session: OpenSession = { id, sampling: options.sampling, key: keyOf(options), shape: options.shape, rows: [], settled: Promise.resolve() };
    this.#open.add(session);
    return session;
  }

  async #openOn(client: StageClient, id: SessionId, { sampling, receipts, shape }: TakeOptions): Promise<void> {
    const { route, lease, options, clients } = this.#init;
    const { stage } = client.ref;
    const [next, previous] = [route[(stage + 1) % route.length], route[(stage + route.length - 1) % route.length]];
    if (next === undefined || previous === undefined) throw pipelineErrors.badRoute({ reason: 'it has no stages' });
    const neighbours = route.length === 1 ? {} : { next: { peer: next.peer, addresses: next.addresses.slice(0, MAX_ADDRESSES) }, previous: previous.peer };
    const { takes, sends } = dtypesOf(route, stage);
    // A stage that does not know drafts would take them for the answer's own rows.
    const speculate = route.length > 1 && clients.every(({ link }) => link.knows('speculate')) ? this.#init.speculate : undefined;
    const opened = client.expect(id, { type: FrameType.opened, phase: 'open a session', timeoutMs: options.openTimeoutMs });
    client.link.postControl(client.address(id), FrameType.open, {
      lease, stageCount: route.length, dtype: takes, ...(sends === takes ? {} : { sends }), sampling, ...neighbours,
      ...(receipts === true && client.link.knows('receipts') ? { receipts: true } : {}), ...(speculate === undefined ? {} : { speculate }),
      ...(shape === undefined || stage !== route.length - 1 ? {} : { grammar: shape.grammar }),
    });
    await opened;
  }

  /** Before the first session with a shape. @throws PIPELINE_NO_GRAMMAR, PIPELINE_GRAMMAR_TOO_LARGE, PIPELINE_BAD_OPTION */
  #tellSpelling({ grammar, spelling }: AnswerShape): void {
    const client = this.#init.clients.at(-1);
    if (client === undefined) return;
    if (!client.link.knows('grammar')) throw pipelineErrors.noGrammar({ ...client.ref });
    const bytes = Buffer.byteLength(JSON.stringify(grammar));
    if (bytes > MAX_GRAMMAR_BYTES) throw pipelineErrors.grammarTooLarge({ bytes, limit: MAX_GRAMMAR_BYTES });
    if (spelling.length > MAX_SPELLING_BYTES) throw pipelineErrors.badOption({ option: 'spelling', reason: `${spelling.length} bytes, at most ${MAX_SPELLING_BYTES} fit` });
    if (this.#spelling === spelling) return;
    this.#spelling = spelling;
    client.link.postParts(encodeHeader(client.address(this.#init.lease), { type: FrameType.spelling }, spelling), spelling);
  }

  #closeOnStages(id: SessionId): void {
    for (const client of this.#init.clients) {
      client.listeners.delete(id);
      client.link.post(client.address(id), { type: FrameType.close });
    }
  }
}

const keyOf = ({ sampling: { seed: _seed, ...sampling }, receipts = false, shape }: TakeOptions): string => JSON.stringify({ sampling, receipts, grammar: shape?.grammar });

function suits({ key, sampling, shape, rows }: OpenSession, options: TakeOptions): boolean {
  if (key !== keyOf(options) || shape?.spelling !== options.shape?.spelling) return false;
  const { anySeedFrom = 0 } = options;
  return sampling.seed === options.sampling.seed || sampling.temperature <= 0 || anySeedFrom > endOf(rows);
}

const isBusy = (error: unknown): boolean => isCoded(error, 'PIPELINE_STAGE_REFUSED') && error.meta['code'] === 'PIPELINE_STAGE_BUSY';
