import type { Clock, LayerRange, PeerId } from '../../base/index.ts';
import type { Backend, Speculation, StageInfo } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { CoordinatorOptions } from '../options.ts';
import { PrefillMeter } from '../prefill/prefill-meter.ts';
import { FrameType } from '../wire/constants.ts';
import { alignSteps } from '../trace/align.ts';
import type { StageTrace } from '../trace/request-trace.ts';
import type { StageStats } from '../wire/schema.ts';
import { decodeSteps } from '../wire/steps.ts';
import type { RouteStage } from './boundaries.ts';
import type { OpenedStages } from './open-stages.ts';
import { SessionPool, type OpenSession } from './session-pool.ts';
import { controlOf, type StageClient } from './stage-client.ts';

/** A stage is asked this often for its trace, as long as there is time. */
const TRACE_ROUNDS = 8;
const TRACE_ROUNDS_MS = 500;

export interface PipelineStage {
  readonly peer: PeerId;
  readonly layers: LayerRange;
  readonly bytesLoaded: number;
  readonly kvBytes: number;
  readonly backend: Backend;
}

export interface AssemblyInit {
  readonly opened: OpenedStages;
  readonly route: readonly RouteStage[];
  readonly speculate: Speculation | undefined;
  readonly options: CoordinatorOptions;
  /** As in SessionPoolInit. */
  readonly patience: AbortSignal | undefined;
  readonly clock: Clock;
  /** Hears by how many answers more, or fewer, wait for a place. */
  readonly onWaiting: (by: number) => void;
}

/** The stages that a pipeline runs on at present: all loaded, each with a link, and the sessions open on them. */
export class Assembly {
  readonly route: readonly RouteStage[];
  readonly clients: readonly StageClient[];
  readonly first: StageClient;
  readonly last: StageClient;
  readonly stages: readonly PipelineStage[];
  readonly vocabSize: number;
  readonly pool: SessionPool;
  /** What these stages told of prompts. */
  readonly prefill: PrefillMeter;
  readonly #options: CoordinatorOptions;
  readonly #clock: Clock;

  constructor({ opened, route, speculate, options, patience, clock, onWaiting }: AssemblyInit) {
    const [first, last] = [opened.clients[0], opened.clients.at(-1)];
    if (first === undefined || last === undefined) throw pipelineErrors.badRoute({ reason: 'it has no stages' });
    this.route = route;
    this.clients = opened.clients;
    this.first = first;
    this.last = last;
    this.stages = opened.infos.map((info, i) => describe(info, route[i]));
    this.prefill = new PrefillMeter(opened.clients.length);
    this.vocabSize = opened.infos[0]?.vocabSize ?? 0;
    this.pool = new SessionPool({ clients: opened.clients, route, lease: opened.lease, speculate, options, patience, onWaiting });
    this.#options = options;
    this.#clock = clock;
  }

  /** Round trips of the last pings, ms. */
  get rttsMs(): (number | undefined)[] {
    return this.clients.map((client) => client.link.rttMs);
  }

  /** Rows of a prompt's pass that others can wait for, on every stage that has others; `isShared`: all have. */
  sliceRows(isShared: boolean): number {
    return Math.min(...this.clients.map(({ slice: { others, rows = Infinity } }) => (isShared || others ? rows : Infinity)));
  }

  /** The stage whose present computation runs longest, as far as the pings say. */
  get busiest(): StageClient {
    return this.clients.reduce((a, b) => (b.link.remoteBusyUs > a.link.remoteBusyUs ? b : a));
  }

  /** What each stage spent on the session's last run; undefined where it does not say so in time. */
  figures(session: OpenSession): Promise<(StageStats | undefined)[]> {
    return Promise.all(this.clients.map((client) => this.#askStats(client, session)));
  }

  /** What the stages spent on each frame of the session's last run; undefined where one does not know or does not say. */
  traces(session: OpenSession): Promise<(StageTrace | undefined)[]> {
    return Promise.all(this.clients.map((client) => this.#askTrace(client, session)));
  }

  /** Ends all sessions; resolves when the stages that can still be heard gave their places back. */
  async retire(): Promise<void> {
    await this.pool.closeAll();
  }

  /** Lets go of every stage. */
  close(): void {
    void this.pool.closeAll();
    for (const client of this.clients) client.close();
  }

  // The quickest of several rounds aligns the clocks best.
  async #askTrace(client: StageClient, session: OpenSession): Promise<StageTrace | undefined> {
    if (!client.link.knows('observe')) return undefined;
    const untilMs = this.#clock.monotonicMs() + TRACE_ROUNDS_MS;
    let best: StageTrace | undefined;
    for (let round = 0; round < TRACE_ROUNDS && (round === 0 || this.#clock.monotonicMs() < untilMs); round++) {
      const trace = await this.#askTraceOnce(client, session);
      if (trace === undefined) break;
      if (best === undefined || trace.uncertaintyUs < best.uncertaintyUs) best = trace;
    }
    return best;
  }

  async #askTraceOnce(client: StageClient, session: OpenSession): Promise<StageTrace | undefined> {
    const askedMs = this.#clock.monotonicMs();
    const reply = client.expect(session.id, { type: FrameType.trace, phase: 'report its trace', timeoutMs: this.#options.statsTimeoutMs });
    client.link.post(client.address(session.id), { type: FrameType.traceRequest });
    const heard = await reply.then((frame) => ({ frame, heardMs: client.link.lastHeardMs })).catch(() => undefined);
    if (heard === undefined) return undefined;
    const { stage, layers } = client.ref;
    return { stage, peer: client.link.peer, layers, ...alignSteps(decodeSteps(heard.frame.payload), { askedMs, heardMs: heard.heardMs, heldUs: heard.frame.waitUs }) };
  }

  #askStats(client: StageClient, session: OpenSession): Promise<StageStats | undefined> {
    const reply = client.expect(session.id, { type: FrameType.stats, phase: 'report its figures', timeoutMs: this.#options.statsTimeoutMs });
    client.link.post(client.address(session.id), { type: FrameType.statsRequest });
    return reply.then((frame) => controlOf(frame, FrameType.stats, client)).catch(() => undefined);
  }
}

const describe = (info: StageInfo, assignment: RouteStage | undefined): PipelineStage => ({
  peer: assignment?.peer ?? ('' as PeerId), layers: info.layers, bytesLoaded: info.weightBytes, kvBytes: info.kvBytes, backend: info.backend,
});
