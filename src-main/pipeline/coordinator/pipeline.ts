import { asPeerId, Events, type CodedError } from '../../base/index.ts';
import type { Speculation } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { EndedAnswer, PipelineEvents } from '../events.ts';
import { canRecover, explainRoute, PaceWatch, Recovery, type Reroute, type SlowStage } from '../failover/index.ts';
import type { CoordinatorMetrics } from '../metrics.ts';
import type { CoordinatorOptions } from '../options.ts';
import type { CoordinatorComponents } from '../ports.ts';
import { chooseMicroBatch } from '../prefill/micro-batch.ts';
import type { Pass } from '../prefill/pass-cost.ts';
import { receiptErrors } from '../receipts/errors.ts';
import { Heartbeat } from '../wire/heartbeat.ts';
import type { StageStats } from '../wire/schema.ts';
import { progressOf, traceOf, type AnswerProgress } from './answer-progress.ts';
import { collectReceipts, noReceipts, type AnswerReceipts } from './answer-receipts.ts';
import { Assembly, type PipelineStage } from './assembly.ts';
import { dtypesOf, type RouteStage } from './boundaries.ts';
import { Generation, type FinishReason, type GenerateRequest, type GenerationResult, type Ground } from './generation.ts';
import type { StageLoss } from './interruptions.ts';
import { endOf } from './script.ts';
import type { OpenedStages, StageProgress } from './open-stages.ts';
import { generationStats, type GenerationStats } from './stats.ts';

/** A model ready to answer over its stages. */
export interface Pipeline {
  /** Those that serve at present: a lost one is replaced where that is possible. */
  readonly stages: readonly PipelineStage[];
  readonly contextTokens: number;
  readonly events: Events<PipelineEvents>;
  /** Figures of the last finished generation. */
  readonly stats: GenerationStats | undefined;
  /** Those under way at present. */
  readonly answers: readonly AnswerProgress[];
  /** How many they are. */
  readonly running: number;
  /** How many of them wait for a place on the stages. */
  readonly waiting: number;
  /** Of all answers, those under way too. */
  readonly tokens: number;
  /** Resolves when the pipeline is closed: with the reason when a stage was lost for good, undefined after `close`. */
  readonly closed: Promise<CodedError | undefined>;
  generate(request: GenerateRequest): Generation;
  /** Ends all generations as cancelled and lets go of every stage. Idempotent. */
  close(): Promise<void>;
}

/**
 * What the rows of a prompt's micro-batches follow: `slice`, how many the stages say that others can wait for, where there are others;
 * `speed`, that and what brings the first token soonest.
 */
export type Adapt = 'slice' | 'speed';

export interface StagePipelineInit {
  readonly components: CoordinatorComponents;
  readonly options: CoordinatorOptions;
  readonly metrics: CoordinatorMetrics;
  readonly opened: OpenedStages;
  readonly route: readonly RouteStage[];
  readonly modelHash: string;
  readonly contextTokens: number;
  /** Most rows of a micro-batch. */
  readonly batchTokens: number;
  readonly adapt: Adapt | undefined;
  readonly speculate: Speculation | undefined;
  /** Of every answer, after its end. */
  readonly receipts: boolean;
  /** Absent: a lost stage ends the pipeline. */
  readonly reroute: Reroute | undefined;
  /** Has every stage of another route load its range. */
  readonly open: (route: readonly RouteStage[], options: { readonly signal: AbortSignal; readonly onProgress: (progress: StageProgress) => void }) => Promise<OpenedStages>;
}

export class StagePipeline implements Pipeline {
  readonly contextTokens: number;
  readonly closed: Promise<CodedError | undefined>;
  readonly events = new Events<PipelineEvents>();
  stats: GenerationStats | undefined;
  readonly #init: StagePipelineInit;
  readonly #heartbeat: Heartbeat;
  readonly #running = new Set<Generation>();
  readonly #closed = Promise.withResolvers<CodedError | undefined>();
  readonly #stop = new AbortController();
  #assembly: Assembly;
  /** Of answers that are over. */
  #endedTokens = 0;
  /** Stages are being replaced: answers wait for it. */
  #recovery: Promise<void> | undefined;
  #pace = new PaceWatch();
  /** A look at the stages' pace is under way. */
  #isWatching = false;
  #end: CodedError | undefined;
  /** Rows of the newest prompt's micro-batches, where they follow what was measured. */
  #microBatch: number | undefined;

  constructor(init: StagePipelineInit) {
    const { opened, route, options, components, contextTokens } = init;
    this.#init = init;
    this.contextTokens = contextTokens;
    this.closed = this.#closed.promise;
    this.#assembly = this.#assemble(opened, route);
    const { heartbeatMs, heartbeatTimeoutMs } = options;
    this.#heartbeat = new Heartbeat({
      clock: components.clock, heartbeatMs, heartbeatTimeoutMs, links: () => this.#assembly.clients.map((client) => client.link), onTick: (nowMs) => this.#onTick(nowMs),
    });
    this.#watch(opened, this.#assembly);
  }

  get stages(): readonly PipelineStage[] {
    return this.#assembly.stages;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#assembly.pool.waiting;
  }

  get tokens(): number {
    return [...this.#running].reduce((sum, { received }) => sum + received, this.#endedTokens);
  }

  get answers(): readonly AnswerProgress[] {
    const nowMs = this.#init.components.clock.monotonicMs();
    return [...this.#running].map((generation) => progressOf(generation, nowMs));
  }

  generate(request: GenerateRequest): Generation {
    const { components, contextTokens, metrics } = this.#init;
    const generation: Generation = new Generation({
      request, contextTokens, vocabSize: this.#assembly.vocabSize, clock: components.clock,
      chooseMicroBatch: ({ assembly }, prompt) => this.#chooseMicroBatch(assembly, prompt),
      takeGround: (sampling) => this.#takeGround({ ...request, sampling }),
      dropGround: ({ assembly, session }) => assembly.pool.close(session),
      onFinish: (ended, end) => this.#finished(ended, end),
      onSetback: (hit, error, assembly) => this.#onSetback(hit, error, assembly),
      onFail: (ended, error) => this.#dropped(ended, error),
      onMismatch: () => metrics.replayMismatches.inc(),
      onGap: (gapUs) => metrics.itlSeconds.observe(gapUs / 1e6),
    });
    this.#running.add(generation);
    if (this.running > 1) for (const one of this.#running) one.isAlone = false;
    this.events.emit('begun', { answer: generation });
    if (request.receipts === true && this.#isInQ8) generation.fail(receiptErrors.notInQ8({}));
    else void generation.start();
    return generation;
  }

  async close(): Promise<void> {
    for (const generation of [...this.#running]) generation.cancel();
    this.#shut(undefined);
    await this.closed;
  }

  #assemble(opened: OpenedStages, route: readonly RouteStage[], patience?: AbortSignal): Assembly {
    const { speculate, options, components: { clock }, metrics } = this.#init;
    return new Assembly({ opened, route, speculate, options, patience, clock, onWaiting: (by) => metrics.waiting.add(by) });
  }

  #watch(opened: OpenedStages, assembly: Assembly): void {
    opened.onLost((error) => this.#onLost(assembly, error));
  }

  // Alone, an answer may take as long a pass as it likes.
  #chooseMicroBatch(assembly: Assembly, prompt: Pass): number {
    const { batchTokens, adapt } = this.#init;
    if (adapt === undefined) return batchTokens;
    const most = Math.min(batchTokens, assembly.sliceRows(this.running > 1));
    if (adapt === 'slice') return most;
    const costs = assembly.prefill.costs(assembly.rttsMs);
    if (costs === undefined) return Math.min(most, this.#microBatch ?? most);
    return (this.#microBatch = chooseMicroBatch({ ...costs, prompt, most, previous: this.#microBatch }));
  }

  get #isInQ8(): boolean {
    return this.#assembly.route.some((_, stage) => dtypesOf(this.#assembly.route, stage).sends === 'q8');
  }

  /** Asked for by the request, or for every answer. */
  #isSigned({ receipts }: GenerateRequest): boolean {
    return receipts === true || (this.#init.receipts && !this.#isInQ8);
  }

  async #takeGround(request: GenerateRequest): Promise<Ground> {
    const { sampling, anySeed, promptTokens, shape, signal, onWait = () => undefined } = request;
    for (;;) {
      await this.#recovery;
      if (this.#end !== undefined) throw this.#end;
      const assembly = this.#assembly;
      try {
        const session = await assembly.pool.take({ sampling, ...(anySeed === true ? { anySeedFrom: promptTokens.length } : {}), shape, receipts: this.#isSigned(request), onWait, signal });
        if (assembly === this.#assembly && this.#recovery === undefined) return { assembly, session };
        assembly.pool.close(session);
      } catch (error) {
        // What went wrong with stages that are being replaced says nothing about those that come.
        if (assembly === this.#assembly && this.#recovery === undefined) throw error;
      }
    }
  }

  async #finished(generation: Generation, { reason, keep }: { readonly reason: FinishReason; readonly keep: boolean }): Promise<Omit<GenerationResult, 'finishReason'>> {
    const { ground } = generation;
    const endedMs = this.#init.components.clock.monotonicMs();
    this.#ended(generation);
    this.#init.metrics.finished.inc({ reason });
    this.#init.metrics.tokens.inc(undefined, generation.received);
    if (ground === undefined) {
      generation.tellSigned(undefined);
      const stats = this.#figures(generation, []);
      this.#tellEnd(generation, { reason, error: undefined, stats, endedMs });
      return { stats, ...traceOf(generation, endedMs, []) };
    }
    const { assembly, session } = ground;
    // Asked before the session may close, on the same ordered link.
    const asked = assembly.figures(session);
    const receipts = this.#receipts(generation, keep);
    void receipts.then((known) => generation.tellSigned(known));
    session.settled = Promise.all([asked, receipts]);
    // A replay has passes of other sizes.
    if (generation.failovers === 0) void asked.then((reports) => assembly.prefill.observe(reports, generation.reusedTokens));
    // A trace is asked for several times: the session stays until it is there.
    const stages = generation.request.trace === true ? await assembly.traces(session) : [];
    const signed = generation.request.receipts === true ? await receipts : undefined;
    if (signed === undefined) void receipts.then((late) => this.#tellReceipts(assembly, late));
    if (keep) assembly.pool.keep(session);
    else assembly.pool.close(session);
    const stats = this.#figures(generation, await asked);
    this.#tellEnd(generation, { reason, error: undefined, stats, endedMs });
    return { stats, ...traceOf(generation, endedMs, stages), ...(signed === undefined ? {} : { receipts: signed }) };
  }

  #ended(generation: Generation): void {
    if (this.#running.delete(generation)) this.#endedTokens += generation.received;
  }

  #tellEnd({ startedMs, interruptions, ground, isAlone }: Generation, { endedMs, ...end }: Pick<EndedAnswer, 'reason' | 'error' | 'stats'> & { readonly endedMs: number }): void {
    this.events.emit('answered', { ...end, stages: (ground?.assembly ?? this.#assembly).stages, isAlone, interruptions: interruptions.toArray(), durationMs: endedMs - startedMs });
  }

  async #receipts({ request, answer, ground, runStart }: Generation, keep: boolean): Promise<AnswerReceipts | undefined> {
    const { components: { verifySignature }, modelHash, options } = this.#init;
    if (!this.#isSigned(request) || ground === undefined || verifySignature === undefined) return undefined;
    // Not all stages may have computed what others have; and who cancels does not want to wait.
    if (!keep) return noReceipts('the answer was given up before its end');
    const { promptTokens, sampling, shape } = request;
    return collectReceipts({
      clients: ground.assembly.clients, route: ground.assembly.route, session: ground.session.id, modelHash, start: runStart, end: endOf(ground.session.rows),
      tokens: { promptTokens: [...promptTokens], answerTokens: [...answer], greedy: sampling.temperature === 0 && sampling.repetitionPenalty === 1 && shape === undefined },
      timeoutMs: request.receipts === true ? options.receiptsTimeoutMs : options.lateReceiptsTimeoutMs, verifySignature,
    });
  }

  /** What did not come because the stages were let go is nobody's omission. */
  #tellReceipts(assembly: Assembly, receipts: AnswerReceipts | undefined): void {
    if (receipts !== undefined && receipts.windows > 0 && this.#end === undefined && assembly === this.#assembly) this.events.emit('receipts', { receipts, stages: assembly.stages });
  }

  #figures(generation: Generation, reports: readonly (StageStats | undefined)[]): GenerationStats {
    const stats = this.#sumUp(generation, reports);
    this.#observe(stats);
    return (this.stats = stats);
  }

  #sumUp(generation: Generation, reports: readonly (StageStats | undefined)[]): GenerationStats {
    const { times, startedMs, placedMs, received, microBatch, reusedTokens, replayedTokens, failovers, request } = generation;
    const counts = {
      promptTokens: request.promptTokens.length, microBatch, reusedTokens, replayedTokens, failovers, generatedTokens: received,
      startedMs, placedMs, firstTokenMs: times.firstMs, lastTokenMs: times.lastMs, itlMs: times.itlMs,
    };
    return generationStats(counts, { reports, rttsMs: generation.ground?.assembly.rttsMs ?? [], batchTokens: this.#init.batchTokens });
  }

  #observe({ ttftMs, stages }: GenerationStats): void {
    const { ttftSeconds, boundaryBytes } = this.#init.metrics;
    if (ttftMs !== undefined) ttftSeconds.observe(ttftMs / 1000);
    if (stages.length < 2) return;
    stages.forEach((stage, from) => {
      if (stage?.flow !== undefined) boundaryBytes.inc({ from: String(from), to: String((from + 1) % stages.length) }, stage.flow.bytesOut);
    });
  }

  #dropped(generation: Generation, error: CodedError): void {
    const { ground } = generation;
    this.#ended(generation);
    generation.tellSigned(undefined);
    this.#init.metrics.finished.inc({ reason: 'error' });
    this.#tellEnd(generation, { reason: 'failed', error, stats: this.#sumUp(generation, []), endedMs: this.#init.components.clock.monotonicMs() });
    ground?.assembly.pool.close(ground.session);
  }

  #onTick(nowMs: number): void {
    this.#checkStalled(nowMs);
    void this.#checkPace();
  }

  /** One answer at a time tells how fast the stages are; it is asked about in the interval of the pings. */
  async #checkPace(): Promise<void> {
    const ground = [...this.#running].find((generation) => generation.ground !== undefined)?.ground;
    if (ground === undefined || this.#init.reroute === undefined || this.#isWatching) return;
    this.#isWatching = true;
    const reports = await ground.assembly.figures(ground.session);
    const { clients } = ground.assembly;
    const slow = this.#pace.observe(reports.map((report, i) => (report === undefined ? undefined : {
      rows: report.decode.rows, computeUs: report.decode.computeUs, busyUs: clients[i]?.link.remoteBusyUs ?? 0, rttMs: clients[i]?.link.rttMs,
    })));
    if (slow !== undefined && ground.assembly === this.#assembly) await this.#replaceSlow(ground.assembly, slow);
    this.#isWatching = false;
  }

  /** Only where others can take over: a slow stage is better than none. */
  async #replaceSlow(assembly: Assembly, { stage, costMs, bestMs }: SlowStage): Promise<void> {
    const ref = assembly.clients[stage]?.ref;
    if (ref === undefined || this.#init.reroute === undefined) return;
    const route = await this.#init.reroute({ route: assembly.route, lost: [], avoid: [ref], signal: this.#stop.signal }).catch(() => assembly.route);
    const isCurrent = assembly === this.#assembly && this.#recovery === undefined && this.#end === undefined;
    if (isCurrent && !route.some(({ peer }) => peer === ref.peer)) this.#recover(pipelineErrors.stageSlow({ ...ref, costMs, bestMs }));
  }

  #checkStalled(nowMs: number): void {
    const { tokenTimeoutMs } = this.#init.options;
    for (const generation of [...this.#running]) {
      const { ground } = generation;
      if (ground === undefined || generation.stalledMs(nowMs) <= tokenTimeoutMs) continue;
      this.#onSetback(generation, pipelineErrors.stageTimeout({ ...ground.assembly.busiest.ref, phase: 'bring the answer on', timeoutMs: tokenTimeoutMs }), ground.assembly);
    }
  }

  #onLost(assembly: Assembly, error: CodedError): void {
    if (assembly !== this.#assembly || this.#end !== undefined) return;
    if (this.#init.reroute === undefined || !canRecover(error)) return this.#fail(error);
    this.#recover(error);
  }

  #onSetback(generation: Generation, error: CodedError, assembly: Assembly | undefined): void {
    const isCurrent = assembly === undefined || assembly === this.#assembly;
    if (this.#end !== undefined || this.#init.reroute === undefined || !canRecover(error) || generation.setbacks >= this.#init.options.maxSetbacks) return generation.fail(error);
    if (isCurrent && this.#recovery === undefined) this.#recover(error);
    else void this.#resume(generation);
  }

  #recover(error: CodedError): void {
    const { reroute, open, components, options, metrics } = this.#init;
    if (this.#recovery !== undefined || reroute === undefined) return;
    const old = this.#assembly;
    const startedMs = components.clock.monotonicMs();
    const suspended = [...this.#running];
    const loss: StageLoss = { error: error.toWire(), takenBy: [] };
    for (const generation of suspended) generation.suspend(loss);
    metrics.stageLosses.inc({ code: error.code });
    this.events.emit('stage:lost', { error });
    const recovery = new Recovery({
      reroute, route: old.route, attempts: options.maxSetbacks, signal: this.#stop.signal,
      onRoute: (route) => this.events.emit('replacing', explainRoute(old.route, route)),
      open: (route, signal) => open(route, { signal, onProgress: this.#tellFetch }),
    });
    this.#recovery = old.retire().then(() => recovery.run(error)).then(({ opened, route }) => {
      old.close();
      if (this.#end !== undefined) return opened.clients.forEach((client) => client.close());
      this.#assembly = this.#assemble(opened, route, AbortSignal.timeout(options.heartbeatTimeoutMs));
      this.#pace = new PaceWatch();
      this.#recovery = undefined;
      this.#watch(opened, this.#assembly);
      metrics.failovers.inc();
      loss.takenBy = explainRoute(old.route, route).stages;
      this.events.emit('rerouted', { stages: this.stages, downMs: components.clock.monotonicMs() - startedMs });
    }).catch((reason: unknown) => {
      old.close();
      this.#recovery = undefined;
      this.#fail(reason as CodedError);
    });
    for (const generation of suspended) void this.#resume(generation);
  }

  // The stages that come keep it: made within #recover, it would keep those that went as well, and they those before them.
  readonly #tellFetch = ({ stage, phase, sources = 0, bytesDone, bytesTotal }: StageProgress): void => {
    if (phase === 'fetching') this.events.emit('fetching', { peer: asPeerId(stage.peer), layers: stage.layers, sources, bytesDone, bytesTotal });
  };

  async #resume(generation: Generation): Promise<void> {
    await this.#recovery;
    await generation.resume();
  }

  #fail(error: CodedError): void {
    for (const generation of [...this.#running]) generation.fail(error);
    this.#shut(error);
  }

  #shut(error: CodedError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = error ?? pipelineErrors.closed({});
    this.#heartbeat.stop();
    this.#stop.abort();
    this.#assembly.close();
    this.#closed.resolve(error);
  }
}
