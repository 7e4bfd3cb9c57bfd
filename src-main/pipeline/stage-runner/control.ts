import { asManifestCid, asPeerId, isCoded, toCoded, type Clock } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import { FrameType } from '../wire/constants.ts';
import { MAX_PAYLOAD_BYTES, type RunnerOptions } from '../options.ts';
import { rowBytes, type StageEngine, type StageInfo } from '../../inference/index.ts';
import type { LaneNetwork, StageOffer, StageSource } from '../ports.ts';
import type { Frame } from '../wire/frame.ts';
import type { StageLink } from '../wire/link.ts';
import { readControl, type ControlMessage } from '../wire/schema.ts';
import { receiptDtype } from '../receipts/receipt.ts';
import type { EngineEntry } from './engine-entry.ts';
import type { EngineHub, Lease, OnProgress } from './engine-hub.ts';
import type { LinkSurvey } from './link-survey.ts';
import type { PeerLinks } from './peer-links.ts';
import { keyOf, type Sessions } from './sessions.ts';
import { SessionLane } from './session-lane.ts';
import type { SpeedMeter } from './speed-meter.ts';
import { StageSession } from './stage-session.ts';

const PROGRESS_EVERY_MS = 50;

export interface ControlInit {
  readonly clock: Clock;
  readonly source: StageSource;
  readonly hub: EngineHub;
  readonly speed: SpeedMeter;
  readonly sessions: Sessions;
  readonly peerLinks: PeerLinks;
  readonly options: RunnerOptions;
  readonly network: Pick<LaneNetwork, 'hostOf' | 'epoch'> | undefined;
  readonly survey: LinkSurvey;
  /** This node signs receipts. */
  readonly signs: boolean;
}

type OpenMessage = ControlMessage<typeof FrameType.open>;
type LoadMessage = ControlMessage<typeof FrameType.load>;

interface OpenOn {
  readonly entry: EngineEntry;
  /** Nobody wants the session any more. */
  readonly isOver: () => boolean;
}

/** What one coordinator holds over one link: loaded ranges, and loads and opens under way. All of it goes with the link. */
export class ControlLink {
  readonly #init: ControlInit;
  readonly #link: StageLink;
  readonly #leases = new Map<string, Lease>();
  /** What tokens spell, by lease. */
  readonly #spellings = new Map<string, Uint8Array>();
  readonly #loading = new Map<string, AbortController>();
  /** Opens under way; a close that overtakes one sets its signal. */
  readonly #opening = new Map<string, AbortController>();
  readonly #over = new AbortController();

  constructor(init: ControlInit, link: StageLink) {
    this.#init = init;
    this.#link = link;
  }

  async offers(frame: Frame): Promise<void> {
    await this.#answering(frame, async () => {
      const { source, speed, hub } = this.#init;
      // A node whose store is in trouble does not fetch, and does all else.
      const ability = this.#link.knows('fetch') ? source.fetcher?.ability(this.#link.peer).catch(() => undefined) : undefined;
      const [offers, machine, fetch] = await Promise.all([source.offers(), source.machine(), ability]);
      this.#link.postControl(frame, FrameType.offers, { offers: offers.map(offerMessage), node: { ...speed.report({ ...machine, freeBytes: machine.freeBytes + hub.idleBytes }), ...(fetch === undefined ? {} : { fetch }) } });
    });
  }

  /** Measures this node's links to others; answers links or error. */
  async measure(frame: Frame): Promise<void> {
    await this.#answering(frame, async () => {
      const { peers } = readControl(frame, FrameType.measure, this.#link.peer);
      const links = await this.#init.survey.measure(peers.map(({ peer, addresses }) => ({ peer: asPeerId(peer), addresses })), { asker: this.#link.peer, signal: this.#over.signal });
      this.#link.postControl(frame, FrameType.links, { links });
    });
  }

  /** Loads a range for this link; answers loaded or error. */
  async load(frame: Frame): Promise<void> {
    await this.#answering(frame, async () => {
      const { fetch: from, ...message } = readControl(frame, FrameType.load, this.#link.peer);
      const key = keyOf(frame);
      const { maxLeasesPerLink } = this.#init.options;
      if (this.#leases.has(key) || this.#loading.has(key)) throw pipelineErrors.badMessage({ peer: this.#link.peer, type: 'load', reason: 'this lease is already in use' });
      if (this.#leases.size + this.#loading.size >= maxLeasesPerLink) throw pipelineErrors.stageBusy({ limit: maxLeasesPerLink, what: 'ranges on this link' });
      const abort = new AbortController();
      this.#loading.set(key, abort);
      const lease = await this.#init.hub.acquire(message, {
        onProgress: this.#progressTo(frame), signal: abort.signal, fetch: from === undefined ? undefined : () => this.#fetch(frame, { ...message, ...from }, abort.signal),
      }).finally(() => this.#loading.delete(key));
      if (this.#over.signal.aborted) return lease.release();
      this.#link.postControl(frame, FrameType.loaded, infoMessage(lease.entry.engine.info));
      const unwatch = lease.entry.slice.watch({ link: this.#link, address: { session: frame.session, stage: frame.stage } });
      this.#leases.set(key, { ...lease, release: () => { unwatch(); lease.release(); } });
    });
  }

  /** @throws PIPELINE_LAYERS_NOT_FETCHED, PIPELINE_CANCELLED */
  async #fetch(frame: Frame, { modelHash, layers, manifestCid, sources, patienceMs }: LoadMessage & NonNullable<LoadMessage['fetch']>, signal: AbortSignal): Promise<void> {
    const { fetcher } = this.#init.source;
    const asker = this.#link.peer;
    try {
      await fetcher?.fetch({
        asker, modelHash, layers, manifestCid: asManifestCid(manifestCid), sources: sources.map(({ peer, addresses }) => ({ peer: asPeerId(peer), addresses })), patienceMs, signal,
        onProgress: this.#progressTo(frame, { fetching: true }),
      });
    } catch (error) {
      if (signal.aborted) throw pipelineErrors.cancelled({}, error);
      const { code, message } = toCoded(error);
      throw pipelineErrors.layersNotFetched({ ...layers, code, reason: message }, error);
    }
  }

  unload(frame: Frame): void {
    const key = keyOf(frame);
    this.#loading.get(key)?.abort();
    this.#leases.get(key)?.release();
    this.#leases.delete(key);
    this.#spellings.delete(key);
  }

  /** For sessions with a grammar that are opened on this range later. @throws PIPELINE_UNKNOWN_LEASE */
  spelling(frame: Frame): void {
    const key = keyOf(frame);
    if (!this.#leases.has(key)) throw pipelineErrors.unknownLease({ lease: frame.session });
    // A copy: a view would keep what the frame came in.
    this.#spellings.set(key, Uint8Array.from(frame.payload));
  }

  /** Opens a session on a loaded range and the link to the next stage; answers opened or error. */
  async open(frame: Frame): Promise<void> {
    const key = keyOf(frame);
    const abort = new AbortController();
    const isOver = (): boolean => abort.signal.aborted || this.#over.signal.aborted;
    await this.#answering(frame, async () => {
      const message = readControl(frame, FrameType.open, this.#link.peer);
      if (this.#opening.has(key) || this.#init.sessions.get(frame) !== undefined) throw pipelineErrors.badMessage({ peer: this.#link.peer, type: 'open', reason: 'this session is already open' });
      const lease = this.#leases.get(leaseKey(frame, message));
      if (lease === undefined) throw pipelineErrors.unknownLease({ lease: message.lease });
      this.#checkOpen(frame, message, lease);
      this.#opening.set(key, abort);
      const session = await this.#openSession(frame, message, { entry: lease.entry, isOver }).finally(() => this.#opening.delete(key));
      this.#init.sessions.add(session);
      if (isOver()) return this.#init.sessions.end(session);
      // Nobody is told of a link's end before its session is listed.
      if (session.init.next?.ended === true) return this.#init.sessions.fail(session, pipelineErrors.linkLost({ peer: session.init.next.peer, reason: 'it ended' }));
      this.#link.post(frame, { type: FrameType.opened });
    });
  }

  /** Idempotent: closing what is not open also answers closed. */
  close(frame: Frame): void {
    this.#opening.get(keyOf(frame))?.abort();
    const session = this.#init.sessions.get(frame);
    if (session?.init.control === this.#link) this.#init.sessions.end(session);
    this.#link.post(frame, { type: FrameType.closed });
  }

  /** The coordinator is gone: nothing of it stays. */
  end(): void {
    this.#over.abort();
    for (const abort of [...this.#loading.values(), ...this.#opening.values()]) abort.abort();
    for (const lease of this.#leases.values()) lease.release();
    this.#leases.clear();
    this.#spellings.clear();
  }

  #checkOpen(frame: Frame, message: OpenMessage, { entry }: Lease): void {
    const reject = (reason: string): Error => pipelineErrors.badMessage({ peer: this.#link.peer, type: 'open', reason });
    if (frame.stage >= message.stageCount) throw reject(`stage ${frame.stage} of ${message.stageCount}`);
    if (message.stageCount > 1 && (message.next === undefined || message.previous === undefined)) throw reject('neighbours are missing');
    const { batchTokens, engine: { info: { hiddenSize } } } = entry;
    if (message.grammar !== undefined && !this.#spellings.has(leaseKey(frame, message))) throw reject('a grammar, and nothing that tells what tokens spell');
    if (message.grammar !== undefined && frame.stage !== message.stageCount - 1) throw reject('a grammar is for the last stage');
    const widest = Math.max(rowBytes(message.dtype, hiddenSize), rowBytes(message.sends ?? message.dtype, hiddenSize));
    if (batchTokens * widest > MAX_PAYLOAD_BYTES) throw reject('a micro-batch would be longer than a frame');
  }

  // The link first: it may take long, and whoever waits for it must hold no place on the engine.
  async #openSession(frame: Frame, message: OpenMessage, { entry, isOver }: OpenOn): Promise<StageSession> {
    const { sessions, peerLinks, network, signs, clock } = this.#init;
    const { previous, stageCount, speculate, grammar } = message;
    const spelling = this.#spellings.get(leaseKey(frame, message));
    const records = signs && message.receipts === true;
    const dtypes = { takes: message.dtype, sends: message.sends ?? message.dtype };
    if (records) receiptDtype(dtypes.takes);
    const next = await this.#linkTo(message.next);
    try {
      if (isOver()) throw pipelineErrors.cancelled({});
      const slot = await this.#slotOn(entry, message.sampling, {
        ...(records ? { record: receiptDtype(dtypes.sends) } : {}), ...(grammar === undefined || spelling === undefined ? {} : { shape: { grammar, spelling } }),
      });
      const session: StageSession = new StageSession({
        address: { session: frame.session, stage: frame.stage }, stageCount, dtypes, records, entry, slot, control: this.#link, next,
        lane: entry.lane === undefined || network === undefined ? undefined : new SessionLane({
          lane: entry.lane, slot, dtypes, speculate, network, onRun: (stats) => {
            entry.countLane(stats);
            session.rowsDone(stats.frames);
          },
        }),
        previous: previous as StageLink['peer'] | undefined, onFail: (error) => sessions.fail(session, error),
        openedAt: clock.now(), onRows: (rows) => sessions.computed(session, rows),
      });
      return session;
    } catch (error) {
      if (next !== undefined) peerLinks.release(next);
      throw error;
    }
  }

  async #linkTo(next: OpenMessage['next']): Promise<StageLink | undefined> {
    if (next === undefined) return undefined;
    return this.#init.peerLinks.acquire(next.peer as StageLink['peer'], next.addresses).catch((error: unknown) => {
      throw pipelineErrors.linkLost({ peer: next.peer, reason: toCoded(error).message }, error);
    });
  }

  #slotOn({ engine }: EngineEntry, ...opening: Parameters<StageEngine['open']>): Promise<number> {
    return engine.open(...opening).catch((error: unknown) => {
      throw isCoded(error, 'ENGINE_SESSIONS_FULL') ? pipelineErrors.stageBusy({ limit: this.#init.options.maxSessionsPerEngine, what: 'sessions' }, error) : error;
    });
  }

  #progressTo(frame: Frame, what: { readonly fetching?: true } = {}): OnProgress {
    const { clock } = this.#init;
    let lastMs = -Infinity;
    return (bytesDone, bytesTotal) => {
      const nowMs = clock.monotonicMs();
      if (nowMs - lastMs < PROGRESS_EVERY_MS && bytesDone < bytesTotal) return;
      lastMs = nowMs;
      this.#link.postControl(frame, FrameType.progress, { bytesDone: Math.round(bytesDone), bytesTotal: Math.round(bytesTotal), ...what });
    };
  }

  async #answering(frame: Frame, act: () => Promise<void>): Promise<void> {
    await act().catch((error: unknown) => this.#link.postError(frame, toCoded(error, 'PIPELINE_STAGE_INTERNAL')));
  }
}

const leaseKey = ({ stage }: Frame, { lease }: OpenMessage): string => `${lease}/${stage}`;

// Field by field: the receiver refuses what it does not know.
const infoMessage = ({ architecture, layers, hiddenSize, vocabSize, contextTokens, weightBytes, kvBytes, backend }: StageInfo): ControlMessage<typeof FrameType.loaded> =>
  ({ architecture, layers, hiddenSize, vocabSize, contextTokens, weightBytes, kvBytes, backend });

function offerMessage({ modelHash, manifestCid, architecture, totalLayers, hiddenSize, shards }: StageOffer): ControlMessage<typeof FrameType.offers>['offers'][number] {
  const offer = { modelHash, architecture, totalLayers, hiddenSize, shards: shards.map(({ layers, sizeBytes }) => ({ layers, sizeBytes })) };
  return manifestCid === undefined ? offer : { ...offer, manifestCid };
}
