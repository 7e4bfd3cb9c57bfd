import { asManifestCid, asPeerId, type PeerId, type SessionId } from '../../base/index.ts';
import type { ActivationDtype, Speculation } from '../../inference/index.ts';
import { pipelineErrors, type StageRef } from '../errors.ts';
import { coordinatorMetrics } from '../metrics.ts';
import { COORDINATOR_DEFAULTS, MAX_ADDRESSES, MAX_BATCH_TOKENS, MAX_CONTEXT_TOKENS, type CoordinatorOptions } from '../options.ts';
import type { CoordinatorComponents, MeasuredLink, NodeReport, PipelineComponents, StageAssignment, StageOffer } from '../ports.ts';
import type { Reroute } from '../failover/index.ts';
import { FrameType } from '../wire/constants.ts';
import { NO_SESSION, newSessionId } from '../wire/frame.ts';
import { withDtype } from './boundaries.ts';
import { connectStage } from './connect-stage.ts';
import { openStages, type OpenStagesRequest } from './open-stages.ts';
import { StagePipeline, type Adapt, type Pipeline } from './pipeline.ts';
import { controlOf, StageClient } from './stage-client.ts';

export interface OpenPipelineRequest extends Omit<OpenStagesRequest, 'route'> {
  readonly route: readonly StageAssignment[];
  /** Of hidden states in transit where the route does not say: f16 halves the bytes, f32 is exact. */
  readonly dtype: ActivationDtype;
  /** Lets the rows of a prompt's micro-batches, up to `batchTokens`, follow what is measured; without it they are always `batchTokens`. */
  readonly adapt?: Adapt;
  /**
   * Whether stage 0 guesses tokens ahead, from the text, while it waits for the ring; the tokens stay the same. By default where
   * that makes an answer faster; `always` is for measuring. Only over lanes, and where all stages know it.
   */
  readonly speculate?: boolean | 'always';
  /** Has every stage sign what it computed of every answer; asked for once the answer is over, which does not wait for it (event `receipts`). Not where rows travel in Q8. */
  readonly receipts?: boolean;
  /** Finds other stages when one is lost, so that answers go on; without it a lost stage ends the pipeline. */
  readonly reroute?: Reroute;
}

export interface OffersRequest {
  readonly peer: StageAssignment['peer'];
  readonly addresses: readonly string[];
  readonly signal?: AbortSignal;
}

/** What a node holds, and what it is able to do. */
export interface NodeOffers {
  readonly offers: readonly StageOffer[];
  readonly node: NodeReport;
  /** It measures its links to others when asked. */
  readonly knowsLinks: boolean;
}

export interface MeasureLinksRequest extends OffersRequest {
  /** At most MAX_MEASURED_LINKS. */
  readonly to: readonly { readonly peer: PeerId; readonly addresses: readonly string[] }[];
}

/** A link of the peer that was asked. */
export interface PeerLink extends MeasuredLink {
  readonly peer: PeerId;
}

export interface Coordinator {
  /** Both at once. @throws PIPELINE_STAGE_* */
  queryNode(request: OffersRequest): Promise<NodeOffers>;
  /** What a peer can run. @throws PIPELINE_STAGE_* */
  queryOffers(request: OffersRequest): Promise<readonly StageOffer[]>;
  /** Has a peer measure its links to others; those that it could not are left out. Only for peers that know links. @throws PIPELINE_STAGE_* */
  measureLinks(request: MeasureLinksRequest): Promise<readonly PeerLink[]>;
  /** Has every stage load its range. @throws PIPELINE_BAD_ROUTE, PIPELINE_BAD_OPTION, PIPELINE_STAGE_*, PIPELINE_CANCELLED */
  openPipeline(request: OpenPipelineRequest): Promise<Pipeline>;
}

export function createCoordinator(components: CoordinatorComponents, overrides: Partial<CoordinatorOptions> = {}): Coordinator {
  const options = { ...COORDINATOR_DEFAULTS, ...overrides };
  const metrics = coordinatorMetrics(components.metrics);
  return {
    queryNode: (request) => queryNode(components, options, request),
    queryOffers: async (request) => (await queryNode(components, options, request)).offers,
    measureLinks: (request) => measureLinks(components, options, request),
    async openPipeline(request) {
      checkSize('contextTokens', request.contextTokens, MAX_CONTEXT_TOKENS);
      checkSize('batchTokens', request.batchTokens, MAX_BATCH_TOKENS);
      const { contextTokens, batchTokens, dtype, reroute, modelHash, adapt, speculate = true, receipts = false } = request;
      const route = withDtype(request.route, dtype);
      const opened = await openStages(components, options, { ...request, route });
      return new StagePipeline({
        components, options, metrics, opened, route, modelHash, contextTokens, batchTokens, adapt, reroute, speculate: speculationOf(speculate), receipts,
        open: (next, within) => openStages(components, options, { route: next, modelHash, contextTokens, batchTokens, ...within }),
      });
    },
  };
}

/** A link to one node for one question, closed after, and when the caller has enough. @throws PIPELINE_STAGE_*, PIPELINE_CLOSED */
async function asking<T>(components: PipelineComponents, { options, request }: Asked, ask: (client: StageClient, id: SessionId) => Promise<T>): Promise<T> {
  const ref: StageRef = { stage: 0, peer: request.peer, layers: { first: 0, last: 0 } };
  const stream = await connectStage(components.connect, { ...request, layers: ref.layers, ref }, { timeoutMs: options.connectTimeoutMs, signal: request.signal });
  const client = new StageClient({ ref, route: [ref], stream, clock: components.clock, onLost: () => undefined });
  // What waits for an answer is rejected with the link's end.
  const stop = (): void => client.close();
  request.signal?.addEventListener('abort', stop, { once: true });
  if (request.signal?.aborted === true) stop();
  try {
    return await ask(client, newSessionId());
  } finally {
    request.signal?.removeEventListener('abort', stop);
    client.close();
  }
}

interface Asked {
  readonly options: CoordinatorOptions;
  readonly request: OffersRequest;
}

const queryNode = (components: PipelineComponents, options: CoordinatorOptions, request: OffersRequest): Promise<NodeOffers> =>
  asking(components, { options, request }, async (client, id) => {
    const reply = client.expect(id, { type: FrameType.offers, phase: 'tell its offers', timeoutMs: options.openTimeoutMs });
    client.link.post({ ...NO_SESSION, session: id }, { type: FrameType.offersRequest });
    const { offers, node } = controlOf(await reply, FrameType.offers, client);
    return { node, knowsLinks: client.link.knows('links'), offers: offers.map(({ manifestCid, ...offer }) => (manifestCid === undefined ? offer : { ...offer, manifestCid: asManifestCid(manifestCid) })) };
  });

const measureLinks = (components: PipelineComponents, options: CoordinatorOptions, request: MeasureLinksRequest): Promise<readonly PeerLink[]> =>
  asking(components, { options, request }, async (client, id) => {
    const reply = client.expect(id, { type: FrameType.links, phase: 'measure its links', timeoutMs: options.openTimeoutMs });
    client.link.postControl({ ...NO_SESSION, session: id }, FrameType.measure, { peers: request.to.map(({ peer, addresses }) => ({ peer, addresses: addresses.slice(0, MAX_ADDRESSES) })) });
    const { links } = controlOf(await reply, FrameType.links, client);
    // Nobody else was asked about.
    return links.filter(({ peer }) => request.to.some((other) => other.peer === peer)).map(({ peer, rttMs, bytesPerSecond, ageMs }) => ({ peer: asPeerId(peer), rttMs, bytesPerSecond, ageMs }));
  });

const speculationOf = (wanted: boolean | 'always'): Speculation | undefined => (wanted === true ? 'adaptive' : wanted === false ? undefined : wanted);

function checkSize(option: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) throw pipelineErrors.badOption({ option, reason: `must be a whole number from 1 to ${most}` });
}
