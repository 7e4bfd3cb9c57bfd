import { Events, toCoded, type CodedError, type PeerId, type Service } from '../../base/index.ts';
import type { LaneLoss, StageEngine } from '../../inference/index.ts';
import type { FrameStream } from '../../mesh/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { OpenedSession, StageRunnerEvents } from '../events.ts';
import { runnerMetrics, type RunnerMetrics } from '../metrics.ts';
import { RUNNER_DEFAULTS, type RunnerOptions } from '../options.ts';
import type { LaneNetwork, MeasureLink, PipelineComponents, Signer, StageSource } from '../ports.ts';
import type { SignedReceipt } from '../receipts/receipt.ts';
import { FrameType } from '../wire/constants.ts';
import { encodeHeader, NO_SESSION, type Frame } from '../wire/frame.ts';
import { Heartbeat } from '../wire/heartbeat.ts';
import { StageLink } from '../wire/link.ts';
import { errorFrom } from '../wire/remote-error.ts';
import { readControl } from '../wire/schema.ts';
import { encodeSteps } from '../wire/steps.ts';
import { ControlLink } from './control.ts';
import { DataPath } from './data-path.ts';
import { EngineEntry } from './engine-entry.ts';
import { EngineHub, type RangeRequest } from './engine-hub.ts';
import { leave, type LeaveRequest } from './leave.ts';
import { LinkSurvey } from './link-survey.ts';
import { PeerLinks } from './peer-links.ts';
import { openedOf, Sessions } from './sessions.ts';
import { tellReceipts } from './sign-windows.ts';
import { SpeedMeter } from './speed-meter.ts';
import type { StageSession } from './stage-session.ts';

const MISBEHAVIOUR: readonly string[] = ['PIPELINE_BAD_FRAME', 'PIPELINE_BAD_CHECKSUM', 'PIPELINE_BAD_MESSAGE'];

/** Frames about an open session, by who may send them. */
const FROM_NEIGHBOUR: ReadonlySet<FrameType> = new Set([FrameType.hidden, FrameType.token, FrameType.laneRequest]);
const FROM_COORDINATOR: ReadonlySet<FrameType> = new Set([FrameType.run, FrameType.tokens, FrameType.window, FrameType.stop, FrameType.statsRequest, FrameType.traceRequest, FrameType.receiptsRequest]);

export interface StageRunnerComponents extends PipelineComponents {
  readonly source: StageSource;
  /** Whether a peer may have this node load and compute; everybody when absent. */
  readonly authorize?: (peer: PeerId) => boolean | Promise<boolean>;
  /** Why a peer is not served now, in words that it gets to read; undefined: it is. Asked at everything that begins something: `tell` is of what this node holds and how far others are. */
  readonly refuses?: (peer: PeerId, what: 'tell' | 'compute') => string | undefined;
  /** Without it, rows go over the mesh only. */
  readonly lanes?: LaneNetwork;
  /** Without it, this node tells nothing of its links. */
  readonly measureLink?: MeasureLink;
  /** Without it, nothing is recorded for receipts. */
  readonly signer?: Signer;
}

export interface StageRunnerCounts {
  readonly sessions: number;
  readonly engines: number;
  readonly inboundLinks: number;
  readonly outboundLinks: number;
}

/** With figures as this stage counted them. */
export interface ServedSession extends OpenedSession {
  /** Rows of a prompt or an answer that went through these layers: tokens, also guessed ones. */
  readonly rows: number;
  /** Of them, those of the present run, that no event has told yet. */
  readonly runRows: number;
}

interface Asked<T> {
  readonly what: 'tell' | 'compute';
  readonly act: () => T;
}

/** Serves the layer ranges of this node to coordinators, and passes hidden states straight to the next stage. */
export class StageRunner implements Service {
  readonly name = 'stage-runner';
  readonly events = new Events<StageRunnerEvents>();
  readonly #components: StageRunnerComponents;
  readonly #options: RunnerOptions;
  readonly #metrics: RunnerMetrics;
  readonly #data: DataPath;
  readonly #hub: EngineHub;
  readonly #speed = new SpeedMeter();
  readonly #survey: LinkSurvey;
  readonly #peerLinks: PeerLinks;
  readonly #sessions: Sessions;
  readonly #inbound = new Map<StageLink, ControlLink>();
  #heartbeat: Heartbeat | undefined;
  #stopped = false;

  constructor(components: StageRunnerComponents, options: Partial<RunnerOptions> = {}) {
    const { clock, logger, source, connect } = components;
    this.#components = components;
    this.#options = { ...RUNNER_DEFAULTS, ...options };
    this.#metrics = runnerMetrics(components.metrics);
    this.#data = new DataPath(clock);
    this.#survey = new LinkSurvey({ measureLink: components.measureLink, clock });
    this.#peerLinks = new PeerLinks(connect, (stream) => this.#outboundLink(stream));
    this.#sessions = new Sessions({ events: this.events, logger, peerLinks: this.#peerLinks, onCount: (count) => this.#metrics.sessions.set(count) });
    this.#hub = new EngineHub({
      source, logger, options: this.#options,
      createEntry: (engine, request) => this.#createEntry(engine, request),
      onUnloaded: ({ modelHash, layers }) => {
        this.#metrics.engines.set(this.#hub.engines);
        this.events.emit('engine:unloaded', { modelHash, layers });
      },
    });
  }

  get counts(): StageRunnerCounts {
    return { sessions: this.#sessions.size, engines: this.#hub.engines, inboundLinks: this.#inbound.size, outboundLinks: this.#peerLinks.open().length };
  }

  /** The sessions that are open now, whoever's they are. */
  serving(): Promise<readonly ServedSession[]> {
    return Promise.all(this.#sessions.all().map(async (session): Promise<ServedSession> => {
      const runRows = await session.runRows();
      return { ...openedOf(session), rows: session.doneRows + runRows, runRows };
    }));
  }

  /** Lets go of those whom `refuses` turns away from now on: politely, see `leave`. */
  leave(request: LeaveRequest): Promise<void> {
    return leave({ ...request, sessions: this.#sessions, hub: this.#hub, links: () => [...this.#inbound.keys()] });
  }

  /** Ends what is open for one coordinator, which gets to know why. Its other stages go on where others take over. */
  cut(peer: PeerId, error: CodedError): void {
    for (const session of this.#sessions.all()) if (session.init.control.peer === peer) this.#sessions.fail(session, error);
  }

  start(): Promise<void> {
    const links = (): StageLink[] => [...this.#inbound.keys(), ...this.#peerLinks.open()];
    this.#heartbeat = new Heartbeat({ clock: this.#components.clock, heartbeatMs: this.#options.heartbeatMs, heartbeatTimeoutMs: this.#options.heartbeatTimeoutMs, links });
    return Promise.resolve();
  }

  /** Ends all sessions and links and unloads the engines. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#heartbeat?.stop();
    for (const session of this.#sessions.all()) this.#sessions.end(session);
    for (const link of [...this.#inbound.keys()]) link.close();
    this.#peerLinks.stop();
    await this.#hub.stop();
  }

  /** Takes over an inbound stream of STAGE_PROTOCOL. */
  accept(stream: FrameStream): void {
    if (this.#stopped) return stream.abort(pipelineErrors.closed({}));
    const { clock } = this.#components;
    const link = new StageLink({
      stream, clock, role: 'stage', signs: this.#signs, onDrain: this.#kick, busyUs: () => this.#hub.busyUs,
      onFrame: (frame) => this.#onInbound(frame, link), onEnd: (error) => this.#onInboundEnd(link, error),
    });
    this.#inbound.set(link, new ControlLink({ clock, source: this.#components.source, hub: this.#hub, speed: this.#speed, sessions: this.#sessions, peerLinks: this.#peerLinks, options: this.#options, network: this.#components.lanes, survey: this.#survey, signs: this.#signs }, link));
  }

  #onInbound(frame: Frame, link: StageLink): void {
    const control = this.#inbound.get(link);
    if (control === undefined) return;
    if (FROM_NEIGHBOUR.has(frame.type)) return this.#withSession(frame, link, { isControl: false });
    if (FROM_COORDINATOR.has(frame.type)) return this.#withSession(frame, link, { isControl: true });
    switch (frame.type) {
      case FrameType.offersRequest: return this.#allowed(frame, link, { what: 'tell', act: () => control.offers(frame) });
      case FrameType.measure: return this.#allowed(frame, link, { what: 'tell', act: () => control.measure(frame) });
      case FrameType.load: return this.#allowed(frame, link, { what: 'compute', act: () => control.load(frame) });
      case FrameType.unload: return control.unload(frame);
      case FrameType.spelling: return control.spelling(frame);
      case FrameType.open: return this.#served(frame, link, { what: 'compute', act: () => void control.open(frame) });
      case FrameType.close: return control.close(frame);
      case FrameType.error: return this.#onPeerError(frame, link);
      default: throw pipelineErrors.badFrame({ peer: link.peer, reason: `type ${frame.type} is not for a stage` });
    }
  }

  // A stage must not be usable by whoever guesses a session id: each frame has one link, or one peer, that may send it.
  #withSession(frame: Frame, link: StageLink, { isControl }: { isControl: boolean }): void {
    const session = this.#sessions.get(frame);
    const isSender = isControl ? session?.init.control === link : session?.init.previous === link.peer;
    if (session === undefined || !isSender) return link.postError(frame, pipelineErrors.unknownSession({ session: frame.session }));
    try {
      this.#handle(session, frame, link);
    } catch (error) {
      this.#sessions.fail(session, error);
    }
  }

  #handle(session: StageSession, frame: Frame, link: StageLink): void {
    const misplaced = (): Error => pipelineErrors.badFrame({ peer: link.peer, reason: `type ${frame.type} is not for stage ${frame.stage}` });
    switch (frame.type) {
      case FrameType.hidden: if (session.isFirst) throw misplaced(); return this.#data.onHidden(session, frame, link);
      case FrameType.statsRequest: return void this.#tellStats(session, link);
      case FrameType.traceRequest: return void this.#trace(session, link).catch((error: unknown) => this.#components.logger.warn({ code: toCoded(error).code }, 'a trace could not be told'));
      case FrameType.receiptsRequest: return this.#tellReceipts(session, frame, link);
      case FrameType.laneRequest: return this.#offerLane(session, link);
      default: if (!session.isFirst) throw misplaced(); return this.#handleFirst(session, frame, link);
    }
  }

  async #tellStats(session: StageSession, link: StageLink): Promise<void> {
    const run = session.stats;
    const { flow, speculation, ...stats } = await session.snapshot();
    this.#speed.add(run, { ...stats, weightBytes: session.init.entry.engine.info.weightBytes });
    link.postControl(session.address, FrameType.stats, {
      ...stats, ...(link.knows('observe') && flow !== undefined ? { flow } : {}), ...(link.knows('speculate') && speculation !== undefined ? { speculation } : {}),
    });
  }

  async #trace(session: StageSession, link: StageLink): Promise<void> {
    const { clock } = this.#components;
    const heardMs = link.lastHeardMs;
    const { steps, atMs } = await session.trace(clock);
    const payload = encodeSteps(steps);
    // Up to the moment that the ages are of: what follows counts as the way.
    link.postParts(encodeHeader(session.address, { type: FrameType.trace, run: session.run, waitUs: (atMs - heardMs) * 1000 }, payload), payload);
  }

  #tellReceipts(session: StageSession, frame: Frame, link: StageLink): void {
    const { signer, source } = this.#components;
    if (signer === undefined || !session.init.records) throw pipelineErrors.badFrame({ peer: link.peer, reason: 'receipts of a session that was not opened with them' });
    const onSigned = (receipts: readonly SignedReceipt[]): void => this.events.emit('receipts:signed', { session: session.address.session, coordinator: link.peer, receipts });
    tellReceipts(session, { link, end: frame.position }, { signer, source, onSigned }).catch((error: unknown) => link.postError(session.address, toCoded(error, 'PIPELINE_STAGE_INTERNAL')));
  }

  #handleFirst(session: StageSession, frame: Frame, link: StageLink): void {
    switch (frame.type) {
      case FrameType.token: return this.#data.onToken(session, frame, link);
      case FrameType.tokens: return this.#data.onTokens(session, frame, link);
      case FrameType.run: return this.#data.onRun(session, frame, link);
      case FrameType.window: return extend(session, frame);
      default: return stop(session, frame);
    }
  }

  #allowed(frame: Frame, link: StageLink, asked: Asked<Promise<void>>): void {
    const { authorize, logger } = this.#components;
    const decide = async (): Promise<void> => {
      if (authorize === undefined || await authorize(link.peer)) return this.#served(frame, link, asked);
      link.postError(frame, pipelineErrors.notAllowed({ peer: link.peer }));
    };
    decide().catch((error: unknown) => {
      logger.error({ code: toCoded(error).code }, 'deciding about a peer failed');
      link.postError(frame, pipelineErrors.notAllowed({ peer: link.peer }));
    });
  }

  #served<T>(frame: Frame, link: StageLink, { what, act }: Asked<T>): T | undefined {
    const reason = this.#components.refuses?.(link.peer, what);
    if (reason === undefined) return act();
    link.postError(frame, pipelineErrors.notServing({ reason }));
    return undefined;
  }

  #outboundLink(stream: FrameStream): StageLink {
    return new StageLink({ stream, clock: this.#components.clock, role: 'stage', onDrain: this.#kick, onFrame: (frame, link) => this.#onOutbound(frame, link), onEnd: (error, link) => this.#onOutboundEnd(link, error) });
  }

  /** What a next stage says back: credits, or that it lost a session. */
  #onOutbound(frame: Frame, link: StageLink): void {
    if (frame.type === FrameType.error) return this.#onPeerError(frame, link);
    if (frame.type === FrameType.lane) return this.#onLane(frame, link);
    if (frame.type !== FrameType.credit) throw pipelineErrors.badFrame({ peer: link.peer, reason: `type ${frame.type} is not for a sender` });
    const session = this.#sessions.get(frame);
    if (session?.init.next !== link) return;
    session.credited(frame.run, frame.flags);
    session.init.entry.loop.kick();
  }

  #offerLane(session: StageSession, link: StageLink): void {
    session.init.lane?.offer(session.previousAddress, link).catch((error: unknown) => this.#components.logger.info({ peer: link.peer, code: toCoded(error).code }, 'no lane for a neighbour: rows go over the mesh'));
  }

  #onLane(frame: Frame, link: StageLink): void {
    const message = readControl(frame, FrameType.lane, link.peer);
    const session = this.#sessions.get(frame);
    if (session?.init.next === link) session.init.lane?.connect(link, message);
  }

  get #signs(): boolean {
    return this.#components.signer !== undefined;
  }

  async #createEntry(engine: StageEngine, { modelHash, layers, batchTokens }: RangeRequest): Promise<EngineEntry> {
    const { clock, lanes, logger } = this.#components;
    const entry = new EngineEntry({
      engine, modelHash, clock, metrics: this.#metrics, batchTokens, prefillSliceMs: this.#options.prefillSliceMs, deliver: (item, output, spent) => this.#data.deliver(item, output, spent),
      onLane: {
        onToken: (session, token) => this.#data.onLaneToken(session, token),
        onHidden: (session, row) => this.#data.onLaneHidden(session, row),
        onLost: (session, loss) => this.#onLaneLost(session, loss),
      },
    });
    const host = lanes?.bindHost();
    if (host !== undefined) await entry.openLane(host).catch((error: unknown) => logger.info({ code: toCoded(error).code, reason: toCoded(error).message }, 'this stage has no lane: rows go over the mesh'));
    this.#metrics.engines.set(this.#hub.engines);
    this.events.emit('engine:loaded', { modelHash, layers, weightBytes: engine.info.weightBytes });
    return entry;
  }

  // A connection that never stood is no loss: rows go over the mesh.
  #onLaneLost(session: StageSession, { side, wasUp, detail }: LaneLoss): void {
    const { previous, next } = session.init;
    const peer = side === 'next' ? next?.peer : previous;
    if (side === 'own') return this.#sessions.fail(session, pipelineErrors.engineLost({ reason: detail }));
    if (wasUp) return this.#sessions.fail(session, pipelineErrors.linkLost({ peer: peer ?? '', reason: detail }));
    this.#components.logger.info({ peer, reason: detail }, 'no lane to a neighbour: rows go over the mesh');
  }

  #onPeerError(frame: Frame, link: StageLink): void {
    const error = errorFrom(frame, link.peer);
    if (frame.session === NO_SESSION.session) return link.abort(error);
    // The receiver answers under its own stage number; the session here is the one that sends to it.
    for (const session of this.#sessions.sentOn(link)) {
      if (session.address.session === frame.session && session.nextAddress.stage === frame.stage) this.#sessions.fail(session, error);
    }
  }

  #onInboundEnd(link: StageLink, error: CodedError | undefined): void {
    const control = this.#inbound.get(link);
    this.#inbound.delete(link);
    this.#report(link, error);
    for (const session of this.#sessions.using(link)) {
      if (session.init.control === link) this.#sessions.end(session, error);
      // A sender that says goodbye has told the coordinator why, or is told to go by it.
      else if (error !== undefined) this.#sessions.fail(session, lost(link, error));
    }
    control?.end();
  }

  #onOutboundEnd(link: StageLink, error: CodedError | undefined): void {
    this.#peerLinks.forget(link);
    this.#report(link, error);
    for (const session of this.#sessions.sentOn(link)) this.#sessions.fail(session, lost(link, error));
  }

  #report(link: StageLink, error: CodedError | undefined): void {
    if (error === undefined) return;
    this.#metrics.linkErrors.inc({ code: error.code });
    this.#components.logger.info({ peer: link.peer, code: error.code }, 'a stage link ended');
  }

  readonly #kick = (): void => {
    for (const session of this.#sessions.all()) session.init.entry.loop.kick();
  };
}

/** What the loss of a link means for a session; the peer's misbehaviour is passed on as it is. */
function lost(link: StageLink, error: CodedError | undefined): CodedError {
  if (error !== undefined && MISBEHAVIOUR.includes(error.code)) return error;
  return pipelineErrors.linkLost({ peer: link.peer, reason: error?.message ?? 'it ended' }, error);
}

// Whoever feeds at present heeds it; the other has nothing parked.
function extend(session: StageSession, { run, position }: Frame): void {
  session.feeder?.extend(run, position);
  session.init.lane?.limit(run, position);
}

function stop(session: StageSession, { run }: Frame): void {
  session.feeder?.stop(run);
  session.init.lane?.stop(run);
}
