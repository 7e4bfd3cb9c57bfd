import type { CodedError, SessionId } from '../../base/index.ts';
import type { StageInfo } from '../../inference/index.ts';
import { pipelineErrors, type StageRef } from '../errors.ts';
import { MAX_ADDRESSES, MAX_FETCH_SOURCES, type CoordinatorOptions } from '../options.ts';
import type { LayerFetch, LayerSource, PipelineComponents, StageAssignment } from '../ports.ts';
import { FrameType } from '../wire/constants.ts';
import { newSessionId } from '../wire/frame.ts';
import { checkDtypes, type RouteStage } from './boundaries.ts';
import { connectStage } from './connect-stage.ts';
import { controlOf, StageClient } from './stage-client.ts';

export interface StageProgress {
  readonly stage: StageRef;
  /** `fetching`: the node lacks some of the layers; the bytes are those. */
  readonly phase: 'connecting' | 'fetching' | 'loading' | 'ready';
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Peers that it was told of to fetch from. */
  readonly sources?: number;
}

export interface OpenStagesRequest {
  readonly route: readonly RouteStage[];
  readonly modelHash: string;
  /** KV cache per session, tokens. */
  readonly contextTokens: number;
  readonly batchTokens: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: StageProgress) => void;
}

export interface OpenedStages {
  readonly clients: readonly StageClient[];
  readonly infos: readonly StageInfo[];
  /** Under which each stage holds its range for us. */
  readonly lease: SessionId;
  /** Sets who hears of a stage lost later; one already lost is told at once. */
  onLost(listener: (error: CodedError) => void): void;
}

/**
 * Connects to every stage of a route and has each load its range, all at once. When
 * one fails, or the signal aborts, all links are closed: stages then let go by themselves.
 *
 * @throws PIPELINE_BAD_ROUTE, PIPELINE_STAGE_*, PIPELINE_CANCELLED
 */
export async function openStages(components: PipelineComponents, options: CoordinatorOptions, request: OpenStagesRequest): Promise<OpenedStages> {
  checkRoute(request.route);
  const opening = new Opening(components, options, request);
  try {
    const infos = await opening.all();
    checkInfos(infos, opening.refs);
    checkDtypes(request.route, opening.clients);
    return { clients: opening.clients, infos, lease: opening.lease, onLost: (listener) => opening.watch(listener) };
  } catch (error) {
    opening.close();
    throw error;
  }
}

class Opening {
  readonly lease = newSessionId();
  readonly refs: readonly StageRef[];
  readonly #components: PipelineComponents;
  readonly #options: CoordinatorOptions;
  readonly #request: OpenStagesRequest;
  readonly #clients = new Map<number, StageClient>();
  readonly #abort = new AbortController();
  #lost: CodedError | undefined;
  #listener: ((error: CodedError) => void) | undefined;

  constructor(components: PipelineComponents, options: CoordinatorOptions, request: OpenStagesRequest) {
    this.#components = components;
    this.#options = options;
    this.#request = request;
    this.refs = request.route.map(({ peer, layers }, stage) => ({ stage, peer, layers }));
  }

  get clients(): StageClient[] {
    return [...this.#clients.values()].toSorted((a, b) => a.ref.stage - b.ref.stage);
  }

  async all(): Promise<StageInfo[]> {
    const { signal, route } = this.#request;
    const { promise: cancelled, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(pipelineErrors.cancelled({}));
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    // Listed first, so that a cancel wins over what it brings about.
    const loading = Promise.all(route.map((assignment, stage) => this.#one(assignment, stage)));
    return Promise.race([cancelled, loading]).finally(() => signal?.removeEventListener('abort', onAbort));
  }

  close(): void {
    this.#abort.abort();
    for (const client of this.#clients.values()) client.close();
  }

  watch(listener: (error: CodedError) => void): void {
    this.#listener = listener;
    if (this.#lost !== undefined) listener(this.#lost);
  }

  async #one(assignment: StageAssignment, stage: number): Promise<StageInfo> {
    const ref = this.refs[stage] as StageRef;
    this.#tell(ref, { phase: 'connecting' }, [0, 0]);
    const stream = await connectStage(this.#components.connect, { ...assignment, ref }, { timeoutMs: this.#options.connectTimeoutMs, signal: this.#abort.signal });
    const client = new StageClient({ ref, route: this.refs, stream, clock: this.#components.clock, onLost: (error) => this.#onLost(error) });
    this.#clients.set(stage, client);
    if (this.#abort.signal.aborted) client.close();
    return this.#load(client, assignment.fetch);
  }

  async #load(client: StageClient, from: LayerFetch | undefined): Promise<StageInfo> {
    const { route, modelHash, contextTokens, batchTokens } = this.#request;
    const { fetchTimeoutMs: timeoutMs, fetchPatienceMs } = this.#options;
    const { stage, layers } = client.ref;
    // A stage that may not know what `fetch` is has to say hello first.
    if (from !== undefined) await client.link.greeted;
    const fetch = from === undefined || !client.link.knows('fetch') ? undefined : { manifestCid: from.manifestCid, sources: from.sources.slice(0, MAX_FETCH_SOURCES).map(bounded), patienceMs: fetchPatienceMs };
    const deadline = fetch === undefined ? undefined : setTimeout(() => client.fail(pipelineErrors.stageNotFetched({ ...client.ref, code: 'PIPELINE_FETCH_TIMEOUT', reason: `they were not there within ${timeoutMs} ms` })), timeoutMs);
    client.onProgress = ({ bytesDone, bytesTotal, fetching }) => {
      // What is loaded has been fetched.
      if (fetching !== true) clearTimeout(deadline);
      this.#tell(client.ref, fetching === true ? { phase: 'fetching', sources: from?.sources.length ?? 0 } : { phase: 'loading' }, [bytesDone, bytesTotal]);
    };
    const loaded = client.expect(this.lease, { type: FrameType.loaded, phase: 'load its layers', timeoutMs: this.#options.loadTimeoutMs });
    client.link.postControl(client.address(this.lease), FrameType.load, { modelHash, layers, isFirst: stage === 0, isLast: stage === route.length - 1, contextTokens, batchTokens, ...(fetch === undefined ? {} : { fetch }) });
    const info = controlOf(await loaded.finally(() => clearTimeout(deadline)), FrameType.loaded, client);
    this.#tell(client.ref, { phase: 'ready' }, [info.weightBytes, info.weightBytes]);
    return info;
  }

  #onLost(error: CodedError): void {
    this.#lost ??= error;
    this.#listener?.(error);
  }

  #tell(stage: StageRef, what: Pick<StageProgress, 'phase' | 'sources'>, [bytesDone, bytesTotal]: readonly [number, number]): void {
    this.#request.onProgress?.({ stage, ...what, bytesDone, bytesTotal });
  }
}

const bounded = ({ peer, addresses }: LayerSource): { peer: string; addresses: string[] } => ({ peer, addresses: addresses.slice(0, MAX_ADDRESSES) });

function checkRoute(route: readonly StageAssignment[]): void {
  if (route.length === 0) throw pipelineErrors.badRoute({ reason: 'it has no stages' });
  route.forEach(({ layers }, i) => {
    const due = i === 0 ? 0 : (route[i - 1]?.layers.last ?? 0) + 1;
    if (layers.first !== due || layers.last < layers.first) throw pipelineErrors.badRoute({ reason: `stage ${i} has layers ${layers.first}-${layers.last}, layer ${due} is due` });
  });
}

// Stages of different models would answer nonsense without any error.
function checkInfos(infos: readonly StageInfo[], refs: readonly StageRef[]): void {
  infos.forEach((info, i) => {
    const [ref, first] = [refs[i] as StageRef, infos[0]];
    const isSame = info.hiddenSize === first?.hiddenSize && info.architecture === first.architecture;
    if (!isSame || info.layers.first !== ref.layers.first || info.layers.last !== ref.layers.last) {
      throw pipelineErrors.stageMisbehaved({ ...ref, code: 'PIPELINE_WRONG_LAYERS', reason: `it loaded layers ${info.layers.first}-${info.layers.last} of a ${info.architecture} model with hidden size ${info.hiddenSize}` });
    }
  });
}
