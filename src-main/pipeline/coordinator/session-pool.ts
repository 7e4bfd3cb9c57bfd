import type { SessionId } from '../../base/index.ts';
import type { ActivationDtype, SamplingOptions } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import { MAX_ADDRESSES, type CoordinatorOptions } from '../options.ts';
import type { StageAssignment } from '../ports.ts';
import { FrameType } from '../wire/constants.ts';
import { newSessionId } from '../wire/frame.ts';
import type { StageClient } from './stage-client.ts';

/** One session, open on every stage. */
export interface OpenSession {
  readonly id: SessionId;
  readonly samplingKey: string;
  run: number;
  /** Tokens whose rows are known to be in every stage's KV cache. */
  known: number[];
  /** Resolves when the last run's figures are in; a new run waits for it. */
  settled: Promise<unknown>;
}

export interface SessionPoolInit {
  readonly clients: readonly StageClient[];
  readonly route: readonly StageAssignment[];
  readonly lease: SessionId;
  readonly dtype: ActivationDtype;
  readonly options: CoordinatorOptions;
}

/** Opens sessions on all stages and keeps the last idle one, so that a conversation goes on without computing its past again. */
export class SessionPool {
  readonly #init: SessionPoolInit;
  readonly #open = new Set<OpenSession>();
  #idle: OpenSession | undefined;

  constructor(init: SessionPoolInit) {
    this.#init = init;
  }

  /** @throws PIPELINE_STAGE_* */
  async take(sampling: SamplingOptions): Promise<OpenSession> {
    const samplingKey = JSON.stringify(sampling);
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle?.samplingKey === samplingKey) {
      await idle.settled;
      if (this.#open.has(idle)) return idle;
    } else if (idle !== undefined) {
      this.close(idle);
    }
    return this.#openNew(sampling, samplingKey);
  }

  /** Gives a session back for the next run with the same sampling. */
  keep(session: OpenSession): void {
    if (!this.#open.has(session)) return;
    if (this.#idle !== undefined) this.close(this.#idle);
    this.#idle = session;
  }

  /** Frees the session's KV cache on every stage. */
  close(session: OpenSession): void {
    if (!this.#open.delete(session)) return;
    if (this.#idle === session) this.#idle = undefined;
    this.#closeOnStages(session.id);
  }

  closeAll(): void {
    for (const session of [...this.#open]) this.close(session);
  }

  async #openNew(sampling: SamplingOptions, samplingKey: string): Promise<OpenSession> {
    const id = newSessionId();
    const outcomes = await Promise.allSettled(this.#init.clients.map((client) => this.#openOn(client, id, sampling)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) {
      this.#closeOnStages(id);
      throw failed.reason;
    }
    const session: OpenSession = { id, samplingKey, run: 0, known: [], settled: Promise.resolve() };
    this.#open.add(session);
    return session;
  }

  async #openOn(client: StageClient, id: SessionId, sampling: SamplingOptions): Promise<void> {
    const { route, lease, dtype, options } = this.#init;
    const { stage } = client.ref;
    const [next, previous] = [route[(stage + 1) % route.length], route[(stage + route.length - 1) % route.length]];
    if (next === undefined || previous === undefined) throw pipelineErrors.badRoute({ reason: 'it has no stages' });
    const neighbours = route.length === 1 ? {} : { next: { peer: next.peer, addresses: next.addresses.slice(0, MAX_ADDRESSES) }, previous: previous.peer };
    const opened = client.expect(id, { type: FrameType.opened, phase: 'open a session', timeoutMs: options.openTimeoutMs });
    client.link.postControl(client.address(id), FrameType.open, { lease, stageCount: route.length, dtype, sampling, ...neighbours });
    await opened;
  }

  #closeOnStages(id: SessionId): void {
    for (const client of this.#init.clients) {
      client.listeners.delete(id);
      client.link.post(client.address(id), { type: FrameType.close });
    }
  }
}
