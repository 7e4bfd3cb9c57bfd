import { createLogger, Lifecycle, systemClock, type Logger, type LogLines, type PeerId, type Service, type SpawnChild } from '../base/index.ts';
import { findLibraries, type WorkerOptions } from '../inference/index.ts';
import { createMesh, Discovery, verifySignature, type DiscoveryOptions, type Mesh, type ModelOffer } from '../mesh/index.ts';
import { createCoordinator, createLocalStreams, STAGE_LIMITS, STAGE_PROTOCOL, StageRunner, type Connect, type Coordinator, type CoordinatorOptions } from '../pipeline/index.ts';
import { createNodePresence, type NodePresence } from './capability/node-presence.ts';
import type { HostConfig, Settings } from './config.ts';
import { ensureConnected } from './connect.ts';
import type { ServingRules } from './contribute/gate.ts';
import { StoreShelf } from './contribute/store-shelf.ts';
import { LinkMeter } from './link-meter.ts';
import { LinkProber } from './link-prober.ts';
import { createMetricsRegistry, type MetricsRegistry } from './metrics-registry.ts';
import { laneNetwork } from './lane-network.ts';
import { StoreFetcher } from './layer-fetcher.ts';
import { appVersion, type AppPaths } from './paths.ts';
import { memorySpeed } from './memory-speed.ts';
import { identityPath, zoneOptions } from './mesh-zone.ts';
import { natOptions } from './nat-options.ts';
import type { PayGate } from './paid/index.ts';
import { createStageSource } from './stage-source.ts';
import { zoneView } from './standing.ts';
import type { GivenShard, HeldShard } from './types.ts';
import type { Standing } from '../../src-preload/bridge/index.ts';

export interface NodeOptions {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly shards: readonly GivenShard[];
  /** `file`: the identity kept in the home folder; `ephemeral`: a new one, for a passing process. */
  readonly identity: 'file' | 'ephemeral';
  /** Where stages are computed: in workers of this process, or (a supervised child that does nothing else) in it. */
  readonly process?: 'own' | 'worker';
  /** How children are started; by default a fork. */
  readonly spawn?: SpawnChild | undefined;
  /** What runs in other processes of this node, to be told to others. */
  readonly models?: () => readonly ModelOffer[];
  /** Keeps what it logs, to be shown. */
  readonly lines?: LogLines | undefined;
  /** Of a node that serves others only as its owner lets it, then with all that its store holds. */
  readonly serving?: ServingRules | undefined;
  /** Of a node that computes for pay. */
  readonly paid?: Pick<PayGate, 'refusal'> | undefined;
  /** Times and limits of its coordinator that differ from the defaults. */
  readonly coordinator?: Partial<CoordinatorOptions>;
}

/** One mesh peer with a coordinator, and a stage runner over the shards that it was given. */
export interface Node extends Service {
  readonly mesh: Mesh;
  /** Whom it meets. */
  readonly zone: Standing['zone'];
  /** Of the long-lived node: who it stays connected to. A passing process meets only whom it is told to. */
  readonly discovery: Discovery | undefined;
  readonly coordinator: Coordinator;
  /** Who computes here for whoever asks. */
  readonly runner: StageRunner;
  /** What it may load now. Throws CATALOG_* where it serves out of its store. */
  held(): readonly HeldShard[];
  readonly links: LinkMeter;
  /** Who is there; undefined for a passing process, which tells nobody what it can do. */
  readonly presence: NodePresence | undefined;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
  readonly worker: WorkerOptions;
}

const logLevelOf = ({ logLevel }: HostConfig, serving: ServingRules | undefined): Parameters<typeof createLogger>[0] => (serving === undefined ? logLevel : () => serving.logLevel());

export async function createNode({ settings: { config }, paths, shards, identity, process = 'worker', spawn, models = () => [], lines, serving, paid, coordinator: overrides }: NodeOptions): Promise<Node> {
  const logger = createLogger(logLevelOf(config, serving), undefined, lines);
  const metrics = createMetricsRegistry();
  const clock = systemClock;
  const zone = await zoneOptions(config, { isPassing: identity === 'ephemeral' && process !== 'own' });
  const mesh = await createMesh({
    listen: config.listen, mdns: config.mdns, agent: 'omninode',
    // A passing process would only make others' tables wrong.
    dht: identity === 'file' && config.dht,
    identity: identity === 'file' ? { kind: 'file', path: identityPath(config.home) } : { kind: 'ephemeral' },
    ...zone,
    // Nor is it there for long enough to be reached.
    ...(identity === 'file' ? natOptions(config) : {}),
  }, { logger, metrics, clock });
  const worker: WorkerOptions = { workerPath: paths.stageWorker, nativePath: paths.nativeAddon, librariesFolder: findLibraries(), logger, spawn };
  const lanes = laneNetwork(mesh);
  const shelf = serving === undefined ? undefined : new StoreShelf(config);
  const fetcher = new StoreFetcher({ config, shelf: shelf === undefined ? undefined : () => shelf.shards(), paths, spawn, logger, given: shards, self: mesh.peerId, hostOf: lanes.hostOf });
  const source = createStageSource({ limits: () => serving?.limits() ?? { ...config, memoryBytes: undefined }, home: config.home, worker, shards, fetcher, logger, process });
  // What it holds it tells anybody: who wants to pay plans with that.
  const refuses = (peer: PeerId, what: 'tell' | 'compute'): string | undefined => (peer === mesh.peerId ? undefined : serving?.refusal() ?? (what === 'compute' ? paid?.refusal(peer) : undefined));
  const connect: Connect = (peer, addresses, options) => (peer === mesh.peerId ? connectLocally(peer) : connectOver(mesh, { peer, addresses, ...options }));
  const links = new LinkMeter({ mesh, clock });
  const runner = new StageRunner({ ...(serving === undefined && paid === undefined ? {} : { refuses }), connect, logger, metrics, clock, source, lanes, measureLink: links.measure, signer: mesh.signer }, { prefillSliceMs: config.prefillSliceMs });
  // A stage on this very node is reached without the network.
  const connectLocally = (peer: PeerId): ReturnType<Connect> => {
    const [ours, theirs] = createLocalStreams(peer, peer);
    runner.accept(theirs);
    return Promise.resolve(ours);
  };
  const life = new Lifecycle();
  life.add(mesh);
  life.add(runner);
  life.add(protocolService(mesh, runner));
  const discovery = identity === 'ephemeral' ? undefined : life.add(new Discovery(discoveryOptions(config), { mesh, logger, clock }));
  if (identity === 'file') life.add(new LinkProber({ mesh, meter: links, bytesPerMinute: config.probeBytesPerMinute, logger, clock }));
  const held = (): readonly HeldShard[] => [...shards, ...fetcher.held()];
  // Added last, so that it is stopped first: others hear that this node leaves before its connections go.
  const presence = identity === 'file' ? life.add(createNodePresence({ config, serving, paths, version: appVersion(paths), mesh, runner, links, worker, held: () => (serving?.refusal() === undefined ? held() : []), others: models, logger, metrics, clock })) : undefined;
  const coordinator = createCoordinator({ connect, logger, metrics, clock, verifySignature }, { fetchTimeoutMs: config.fetchTimeoutMs, ...overrides });
  return {
    name: 'node', mesh, zone: zoneView(zone.zone ?? { kind: 'public' }), discovery, coordinator, runner, held, links, presence, metrics, logger, worker,
    start: async () => {
      await life.start();
      if (shards.length > 0) void memorySpeed();
    },
    stop: async () => {
      for (const failure of await life.stop()) logger.warn({ code: failure.code, message: failure.message }, 'a service did not stop cleanly');
      await fetcher.stop();
      shelf?.close();
    },
  };
}

const discoveryOptions = ({ home, peers, targetPeers, peerExchange, mdns }: HostConfig): DiscoveryOptions => ({ home, members: peers, targetPeers, exchange: peerExchange, mdns });

async function connectOver(mesh: Mesh, { peer, addresses, ...within }: { peer: PeerId; addresses: readonly string[]; signal?: AbortSignal }): ReturnType<Connect> {
  await ensureConnected(mesh, { peer, addresses, ...within });
  return mesh.open(peer, STAGE_PROTOCOL, { limits: STAGE_LIMITS, ...within });
}

/** Registers the stage protocol while the node runs. */
function protocolService(mesh: Mesh, runner: StageRunner): Service {
  let off: (() => void) | undefined;
  return {
    name: 'stage-protocol',
    start: async () => {
      off = await mesh.handle(STAGE_PROTOCOL, STAGE_LIMITS, (stream) => runner.accept(stream));
    },
    stop: () => Promise.resolve(off?.()),
  };
}
