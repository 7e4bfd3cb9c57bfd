import { createHash } from 'node:crypto';
import { asPeerId, CodedError, noMetrics, silentLogger, systemClock, type LayerRange, type Metrics, type PeerId } from '../../base/index.ts';
import type { ForwardItem } from '../../inference/index.ts';
import type { FrameStream } from '../../mesh/index.ts';
import { createCoordinator, type Coordinator } from '../coordinator/coordinator.ts';
import type { CoordinatorOptions, RunnerOptions } from '../options.ts';
import type { Connect, LayerFetcher, Machine, MeasureLink, Signer, StageAssignment, StageLoadRequest, StageOffer, VerifySignature } from '../ports.ts';
import { StageRunner } from '../stage-runner/stage-runner.ts';
import { createLocalStreams } from '../wire/local-streams.ts';
import { TINY, TinyEngine } from './tiny-engine.ts';

export const MODEL = '1f'.repeat(32);
const MACHINE: Machine = { backend: 'cpu', freeBytes: 1e9, memoryBytesPerSecond: 1e9 };
export const COORDINATOR = asPeerId('coordinator');

/** Sees each frame on its way; returns what goes on, undefined to lose it. */
export type Intercept = (way: { readonly from: PeerId; readonly to: PeerId }, frame: Uint8Array) => Uint8Array | undefined;

export interface TestNode {
  readonly peer: PeerId;
  readonly layers: LayerRange;
  readonly runner: StageRunner;
  readonly engines: TinyEngine[];
  /** May be replaced by a test: runs before a load, before each batch. */
  onLoad: (request: StageLoadRequest) => Promise<void> | undefined;
  onForward: (batch: readonly ForwardItem[]) => Promise<void> | undefined;
}

export interface TestNetworkOptions {
  readonly totalLayers?: number;
  /** Every node offers every layer as a shard of its own, so that any route is possible. */
  readonly allHoldAll?: boolean;
  /** Nodes, by their index, that hold nothing at first. */
  readonly empty?: readonly number[];
  /** How a node fetches layers; `bring` has it hold them. */
  readonly fetcher?: (peer: PeerId, bring: (layers: LayerRange) => void) => LayerFetcher | undefined;
  /** Engines whose tokens show where hidden states were rounded. */
  readonly isRough?: boolean;
  readonly runner?: Partial<RunnerOptions>;
  readonly coordinator?: Partial<CoordinatorOptions>;
  readonly authorize?: (peer: PeerId) => boolean;
  /** Why a node does not serve a peer now. */
  readonly refuses?: (node: PeerId, peer: PeerId) => string | undefined;
  readonly measureLink?: MeasureLink;
  readonly metrics?: Metrics;
  /** Nodes, by their index, that sign no receipts. */
  readonly silent?: readonly number[];
  /** May sign something else than it is given. */
  readonly forge?: (peer: PeerId, bytes: Uint8Array) => Uint8Array;
}

/** Stands for Ed25519: one that everybody can forge, but that tells signers and texts apart. */
const signatureOf = (peer: PeerId, bytes: Uint8Array): Uint8Array => createHash('sha512').update(peer).update(bytes).digest();
export const verifyTestSignature: VerifySignature = (peer, bytes, signature) => Promise.resolve(Buffer.from(signatureOf(peer, bytes)).equals(signature));

/** A coordinator and stage nodes over streams in memory, with the ways in which networks fail. */
export class TestNetwork {
  readonly nodes: TestNode[] = [];
  readonly coordinator: Coordinator;
  readonly totalLayers: number;
  intercept: Intercept = (_way, frame) => frame;
  /** May be replaced by a test: what a dial waits for. */
  onDial: (from: PeerId, to: PeerId) => Promise<void> | undefined = () => undefined;
  readonly #dead = new Set<PeerId>();
  readonly #streams: { readonly ends: readonly [PeerId, PeerId]; readonly stream: FrameStream }[] = [];
  #openStreams = 0;
  readonly #options: TestNetworkOptions;

  constructor(stages: readonly LayerRange[], options: TestNetworkOptions = {}) {
    this.#options = options;
    this.totalLayers = options.totalLayers ?? (stages.at(-1)?.last ?? 0) + 1;
    stages.forEach((layers, i) => this.nodes.push(this.#createNode(asPeerId(`node-${i}`), layers)));
    this.coordinator = createCoordinator({ connect: this.connectFrom(COORDINATOR), logger: silentLogger, metrics: options.metrics ?? noMetrics, clock: systemClock, verifySignature: verifyTestSignature }, options.coordinator);
  }

  /** Stream ends that are not closed. */
  get openStreams(): number {
    return this.#openStreams;
  }

  get route(): StageAssignment[] {
    return this.nodes.map(({ peer, layers }) => ({ peer, addresses: [`memory:${peer}`], layers }));
  }

  node(index: number): TestNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  }

  connectFrom(from: PeerId): Connect {
    return async (to) => {
      await this.onDial(from, to);
      const node = this.nodes.find(({ peer }) => peer === to);
      if (node === undefined || this.#dead.has(to) || this.#dead.has(from)) throw new CodedError({ code: 'MESH_DIAL_FAILED', message: `cannot reach ${to}` });
      const [near, far] = createLocalStreams(from, to);
      this.#watch([from, to], [near, far]);
      node.runner.accept(this.#wrap(far, to));
      return this.#wrap(near, from);
    };
  }

  /** As when a process is killed: its streams break, nobody reaches it. */
  kill(peer: PeerId): void {
    this.#dead.add(peer);
    for (const { ends, stream } of this.#streams) if (ends.includes(peer)) stream.abort(new CodedError({ code: 'MESH_RESET', message: 'connection reset' }));
  }

  /** Loses every frame from and to a peer, streams stay: a frozen process or a cut cable. */
  freeze(peer: PeerId): void {
    this.intercept = ({ from, to }, frame) => (from === peer || to === peer ? undefined : frame);
  }

  async start(): Promise<this> {
    await Promise.all(this.nodes.map(({ runner }) => runner.start()));
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ runner }) => runner.stop()));
  }

  #createNode(peer: PeerId, layers: LayerRange): TestNode {
    const every = Array.from({ length: this.totalLayers }, (_, layer) => ({ layers: { first: layer, last: layer }, sizeBytes: 100 }));
    const isEmpty = this.#options.empty?.includes(this.nodes.length) === true;
    const shards = isEmpty ? [] : this.#options.allHoldAll === true ? every : [{ layers, sizeBytes: 1000 }];
    const fetcher = this.#options.fetcher?.(peer, (brought) => void shards.push({ layers: brought, sizeBytes: 1000 }));
    const offer: StageOffer = { modelHash: MODEL, architecture: TINY.architecture, totalLayers: this.totalLayers, hiddenSize: TINY.hiddenSize, shards };
    const { authorize, measureLink, silent = [], forge = (_peer, bytes) => bytes } = this.#options;
    const engines: TinyEngine[] = [];
    const load = async (request: StageLoadRequest): Promise<TinyEngine> => {
      await node.onLoad(request);
      const engine = new TinyEngine({ ...request, isRough: this.#options.isRough, beforeForward: (batch) => node.onForward(batch) });
      engines.push(engine);
      return engine;
    };
    const signer: Signer = { peerId: peer, sign: (bytes) => Promise.resolve(signatureOf(peer, forge(peer, bytes))) };
    const components = { ...(silent.includes(this.nodes.length) ? {} : { signer }), source: { ...(fetcher === undefined ? {} : { fetcher }), offers: () => Promise.resolve(shards.length === 0 ? [] : [offer]), machine: () => Promise.resolve(MACHINE), load }, connect: this.connectFrom(peer), logger: silentLogger, metrics: this.#options.metrics ?? noMetrics, clock: systemClock, ...(measureLink === undefined ? {} : { measureLink }) };
    const { refuses } = this.#options;
    const runner = new StageRunner({ ...components, ...(authorize === undefined ? {} : { authorize }), ...(refuses === undefined ? {} : { refuses: (asker: PeerId) => refuses(peer, asker) }) }, { idleUnloadMs: 0, ...this.#options.runner });
    const node: TestNode = { peer, layers, runner, engines, onLoad: () => undefined, onForward: () => undefined };
    return node;
  }

  #watch(ends: readonly [PeerId, PeerId], streams: readonly FrameStream[]): void {
    for (const stream of streams) {
      this.#openStreams++;
      this.#streams.push({ ends, stream });
      void stream.closed.then(() => { this.#openStreams--; });
    }
  }

  #wrap(stream: FrameStream, from: PeerId): FrameStream {
    return {
      peer: stream.peer, protocol: stream.protocol, closed: stream.closed,
      send: (...parts) => {
        const frame = this.intercept({ from, to: stream.peer }, Buffer.concat(parts));
        return frame === undefined ? Promise.resolve() : stream.send(frame);
      },
      close: () => stream.close(),
      abort: (error) => stream.abort(error),
      [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
    };
  }
}
