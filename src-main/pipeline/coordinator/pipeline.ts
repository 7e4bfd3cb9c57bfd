import type { CodedError, LayerRange, PeerId } from '../../base/index.ts';
import type { ActivationDtype, Backend, StageInfo } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { CoordinatorMetrics } from '../metrics.ts';
import type { CoordinatorOptions } from '../options.ts';
import type { PipelineComponents, StageAssignment } from '../ports.ts';
import { FrameType } from '../wire/constants.ts';
import { Heartbeat } from '../wire/heartbeat.ts';
import type { StageStats } from '../wire/schema.ts';
import { Generation, type FinishReason, type GenerateRequest } from './generation.ts';
import { SessionPool, type OpenSession } from './session-pool.ts';
import type { OpenedStages } from './open-stages.ts';
import { controlOf, type StageClient } from './stage-client.ts';
import { boundaryTimings, stageTiming, type GenerationStats } from './stats.ts';

export interface PipelineStage {
  readonly peer: PeerId;
  readonly layers: LayerRange;
  readonly bytesLoaded: number;
  readonly kvBytes: number;
  readonly backend: Backend;
}

/** A model ready to answer over its stages. */
export interface Pipeline {
  readonly stages: readonly PipelineStage[];
  readonly contextTokens: number;
  /** Figures of the last finished generation. */
  readonly stats: GenerationStats | undefined;
  /** Resolves when the pipeline is closed: with the reason when a stage was lost, undefined after `close`. */
  readonly closed: Promise<CodedError | undefined>;
  generate(request: GenerateRequest): Generation;
  /** Ends all generations as cancelled and lets go of every stage. Idempotent. */
  close(): Promise<void>;
}

export interface StagePipelineInit {
  readonly components: PipelineComponents;
  readonly options: CoordinatorOptions;
  readonly metrics: CoordinatorMetrics;
  readonly opened: OpenedStages;
  readonly route: readonly StageAssignment[];
  readonly contextTokens: number;
  readonly batchTokens: number;
  readonly dtype: ActivationDtype;
}

export class StagePipeline implements Pipeline {
  readonly stages: readonly PipelineStage[];
  readonly contextTokens: number;
  readonly closed: Promise<CodedError | undefined>;
  stats: GenerationStats | undefined;
  readonly #init: StagePipelineInit;
  readonly #clients: readonly StageClient[];
  readonly #first: StageClient;
  readonly #last: StageClient;
  readonly #pool: SessionPool;
  readonly #heartbeat: Heartbeat;
  readonly #running = new Set<Generation>();
  readonly #closed = Promise.withResolvers<CodedError | undefined>();
  #end: CodedError | undefined;

  constructor(init: StagePipelineInit) {
    const { opened, route, options, components, contextTokens, dtype } = init;
    const [first, last] = [opened.clients[0], opened.clients.at(-1)];
    if (first === undefined || last === undefined) throw pipelineErrors.badRoute({ reason: 'it has no stages' });
    this.#init = init;
    this.#clients = opened.clients;
    this.#first = first;
    this.#last = last;
    this.contextTokens = contextTokens;
    this.stages = opened.infos.map((info, i) => describe(info, route[i]));
    this.closed = this.#closed.promise;
    this.#pool = new SessionPool({ clients: opened.clients, route, lease: opened.lease, dtype, options });
    const { heartbeatMs, heartbeatTimeoutMs } = options;
    this.#heartbeat = new Heartbeat({
      clock: components.clock, heartbeatMs, heartbeatTimeoutMs, links: () => this.#clients.map((client) => client.link), onTick: (nowMs) => this.#checkStalled(nowMs),
    });
    // A stage lost from here on ends the pipeline.
    opened.onLost((error) => this.#fail(error));
  }

  generate(request: GenerateRequest): Generation {
    const { components, contextTokens, batchTokens } = this.#init;
    const generation: Generation = new Generation({
      request, contextTokens, batchTokens, vocabSize: this.#init.opened.infos[0]?.vocabSize ?? 0, clock: components.clock, first: this.#first, last: this.#last, clients: this.#clients,
      takeSession: () => this.#takeSession(request),
      dropSession: (session) => this.#pool.close(session),
      onFinish: (ended, end) => this.#finished(ended, end),
      onFail: (ended) => this.#dropped(ended),
    });
    this.#running.add(generation);
    void generation.start();
    return generation;
  }

  async close(): Promise<void> {
    for (const generation of [...this.#running]) generation.cancel();
    this.#shut(undefined);
    await this.closed;
  }

  #takeSession({ sampling }: GenerateRequest): Promise<OpenSession> {
    return this.#end === undefined ? this.#pool.take(sampling) : Promise.reject(this.#end);
  }

  async #finished(generation: Generation, { reason, keep }: { readonly reason: FinishReason; readonly keep: boolean }): Promise<GenerationStats> {
    const { session } = generation;
    this.#running.delete(generation);
    this.#init.metrics.finished.inc({ reason });
    this.#init.metrics.tokens.inc(undefined, generation.received);
    if (session === undefined) return this.#figures(generation, []);
    // Asked before the session may close, on the same ordered link.
    const asked = Promise.all(this.#clients.map((client) => this.#askStats(client, session)));
    session.settled = asked;
    if (keep) this.#pool.keep(session);
    else this.#pool.close(session);
    return this.#figures(generation, await asked);
  }

  #askStats(client: StageClient, session: OpenSession): Promise<StageStats | undefined> {
    const reply = client.expect(session.id, { type: FrameType.stats, phase: 'report its figures', timeoutMs: this.#init.options.statsTimeoutMs });
    client.link.post(client.address(session.id), { type: FrameType.statsRequest });
    return reply.then((frame) => controlOf(frame, FrameType.stats, client)).catch(() => undefined);
  }

  #figures(generation: Generation, reports: readonly (StageStats | undefined)[]): GenerationStats {
    const { firstTokenMs, lastTokenMs, startedMs, received, reusedTokens, request } = generation;
    const ttftMs = firstTokenMs === undefined ? undefined : firstTokenMs - startedMs;
    const spanMs = firstTokenMs === undefined || lastTokenMs === undefined ? 0 : lastTokenMs - firstTokenMs;
    if (ttftMs !== undefined) this.#init.metrics.ttftSeconds.observe(ttftMs / 1000);
    this.stats = {
      promptTokens: request.promptTokens.length, reusedTokens, generatedTokens: received, ttftMs,
      tokensPerSecond: spanMs > 0 && received > 1 ? ((received - 1) / spanMs) * 1000 : undefined,
      stages: reports.map((report) => (report === undefined ? undefined : stageTiming(report))),
      boundaries: boundaryTimings(reports, this.#clients.map((client) => client.link.rttMs)),
    };
    return this.stats;
  }

  #dropped(generation: Generation): void {
    this.#running.delete(generation);
    this.#init.metrics.finished.inc({ reason: 'error' });
    if (generation.session !== undefined) this.#pool.close(generation.session);
  }

  #checkStalled(nowMs: number): void {
    const { tokenTimeoutMs } = this.#init.options;
    for (const generation of [...this.#running]) {
      if (generation.stalledMs(nowMs) <= tokenTimeoutMs) continue;
      const busiest = this.#clients.reduce((a, b) => (b.link.remoteBusyUs > a.link.remoteBusyUs ? b : a));
      generation.fail(pipelineErrors.stageTimeout({ ...busiest.ref, phase: 'bring the answer on', timeoutMs: tokenTimeoutMs }));
    }
  }

  #fail(error: CodedError): void {
    for (const generation of [...this.#running]) generation.fail(error);
    this.#shut(error);
  }

  #shut(error: CodedError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = error ?? pipelineErrors.closed({});
    this.#heartbeat.stop();
    this.#pool.closeAll();
    for (const client of this.#clients) client.close();
    this.#closed.resolve(error);
  }
}

const describe = (info: StageInfo, assignment: StageAssignment | undefined): PipelineStage => ({
  peer: assignment?.peer ?? ('' as PeerId), layers: info.layers, bytesLoaded: info.weightBytes, kvBytes: info.kvBytes, backend: info.backend,
});
