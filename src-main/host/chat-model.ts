import type { ChatPart, ChatRequest, ChatService, HostServiceEvents, PipelineLoad } from '../api/index.ts';
import { BoundedQueue, type Events, type SpawnChild } from '../base/index.ts';
import type { ModelOffer } from '../mesh/index.ts';
import type { HostInfo, HostStatus, PipelineActivity, Stage } from '../../src-preload/bridge/index.ts';
import { label } from './capability/label.ts';
import { joined } from './capability/layer-sets.ts';
import { startCluster, type Cluster } from './cluster.ts';
import type { Settings } from './config.ts';
import { routeOverCluster } from './infer-pipeline.ts';
import type { Pipeline } from '../pipeline/index.ts';
import { microBatchOf } from './micro-batch.ts';
import type { Node } from './node.ts';
import type { AppPaths } from './paths.ts';
import { defaultSampling } from './sampling.ts';
import { activityOf, loadOf } from './pipeline-load.ts';
import { openSession, type ModelSession } from './session.ts';

export interface ChatModelOptions {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly spawn?: SpawnChild | undefined;
  readonly node: Node;
  readonly events: Events<HostServiceEvents>;
  readonly nodes: number;
}

/** A session that somebody answers with. */
export interface Entered {
  readonly session: ModelSession;
  /** When the answer has come on: others see how many are under way. */
  readonly moved: () => void;
  /** When it has ended, however. */
  readonly leave: () => void;
}

interface Running {
  readonly cluster: Cluster;
  readonly session: ModelSession;
}

const DEFAULT_MAX_TOKENS = 512;
/** Text pieces between the pipeline and a slow reader; the tokens behind them are bounded by the pipeline's own window. */
const MAX_PENDING_PARTS = 4096;

/** The model that the app chats with, over node processes of this machine. One that was lost is started again for the next question. */
export class ChatModel implements ChatService {
  status: HostStatus = { kind: 'starting' };
  stages: readonly Stage[] = [];
  model: HostInfo['model'];
  /** What loading is, or was, at, in words. */
  loadingDetail = 'starting';
  #offer: Omit<ModelOffer, 'loaded'> | undefined;
  isStarted = false;
  readonly #options: ChatModelOptions;
  #running: Promise<Running> | undefined;
  #pipeline: Pipeline | undefined;
  #isStopping = false;
  /** Answers under way. */
  readonly #chats = new Set<Pick<BoundedQueue<ChatPart>, 'push'>>();
  readonly #stopped = new AbortController();

  constructor(options: ChatModelOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.isStarted = true;
    await this.#ensure();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopped.abort();
    const running = await this.#running?.catch(() => undefined);
    await running?.session.close();
    await running?.cluster.stop();
  }

  /** What of the model its nodes hold and run, to be told to other nodes. */
  get offers(): readonly ModelOffer[] {
    const loaded = this.stages.filter(({ state }) => state === 'ready' || state === 'busy').map(({ layers: [first, last] }) => ({ layers: { first, last } }));
    return this.#offer === undefined ? [] : [{ ...this.#offer, loaded: joined(loaded) }];
  }

  /** What goes on in the pipeline now; undefined while there is none. */
  get load(): PipelineLoad | undefined {
    return this.#pipeline === undefined ? undefined : loadOf(this.#pipeline);
  }

  get activity(): PipelineActivity | undefined {
    return this.#pipeline === undefined ? undefined : activityOf(this.#pipeline);
  }

  setStatus(status: HostStatus): void {
    this.status = status;
    this.#options.events.emit('status', status);
  }

  async *chat(request: ChatRequest): AsyncIterable<ChatPart> {
    const { session } = await this.#ensure();
    const parts = new BoundedQueue<ChatPart>(MAX_PENDING_PARTS);
    const { config } = this.#options.settings;
    let isWaiting = false;
    const answer = session.answer({
      prompt: { kind: 'chat', messages: request.messages }, sampling: { ...defaultSampling(config.model), ...request.sampling },
      maxTokens: request.maxTokens ?? DEFAULT_MAX_TOKENS, signal: request.signal, onText: (text) => {
        if (isWaiting) parts.push({ progress: { kind: 'answering' } });
        isWaiting = false;
        parts.push({ text });
        this.#tellActivity();
      },
      onWait: (ahead) => {
        isWaiting = true;
        parts.push({ progress: { kind: 'waiting', ahead } });
        this.#tellActivity();
      },
    });
    const leave = this.#began(parts);
    const finished = answer.then(({ finishReason, tokenIds, stats, stages }) => {
      this.#measured(stages.map(({ msPerToken }) => msPerToken));
      parts.push({ done: {
        finishReason, tokens: tokenIds.length, ...(stats.ttftMs === undefined ? {} : { ttftMs: stats.ttftMs }),
        ...(stats.tokensPerSecond === undefined ? {} : { tokensPerSecond: stats.tokensPerSecond }),
        stages: stages.flatMap(({ peerId, layers, bytesLoaded, msPerToken }) => (msPerToken === null ? [] : [{ peerId, layers, bytesLoaded, msPerToken }])),
      } });
      parts.end();
    }).catch((error: unknown) => parts.end(error));
    try {
      yield* parts;
    } finally {
      await finished;
      leave();
    }
  }

  /** For an answer that is not written down here: it counts as one under way until it leaves. */
  async enter(): Promise<Entered> {
    const { session } = await this.#ensure();
    return { session, moved: () => this.#tellActivity(), leave: this.#began({ push: () => true }) };
  }

  /** An answer is under way, until what this returns is called. */
  #began(chat: Pick<BoundedQueue<ChatPart>, 'push'>): () => void {
    this.#chats.add(chat);
    this.#markStages('busy');
    this.#tellActivity();
    return () => {
      this.#chats.delete(chat);
      if (this.#chats.size === 0) this.#markStages('ready');
      this.#tellActivity();
    };
  }

  #ensure(): Promise<Running> {
    this.#running ??= this.#open().catch((error: unknown) => {
      this.#running = undefined;
      throw error;
    });
    return this.#running;
  }

  async #open(): Promise<Running> {
    const { settings, paths, node, nodes, spawn } = this.#options;
    const loading = (): void => this.setStatus({ kind: 'loading', model: settings.config.model });
    loading();
    const { signal } = this.#stopped;
    const onStatus = (text: string): void => { this.loadingDetail = text; };
    const cluster = await startCluster(settings, { nodes, paths, spawn, signal, onStatus });
    try {
      const route = routeOverCluster(cluster);
      const session = await openSession({
        node, route: route.stages, candidates: route.candidates, modelHash: route.modelHash, vocabularyPath: route.vocabularyPath, contextTokens: settings.config.contextTokens,
        microBatch: microBatchOf(settings.config), dtype: 'f16', signal, onStatus,
      });
      this.#opened(cluster, session);
      return { cluster, session };
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  #opened(cluster: Cluster, session: ModelSession): void {
    const { manifest } = cluster.model;
    const { pipeline } = session;
    this.#pipeline = pipeline;
    const { contextTokens } = this.#options.settings.config;
    this.model = { name: manifest.model_name, layers: manifest.total_layers, sizeBytes: manifest.total_size_bytes, contextTokens };
    const name = label(manifest.model_name);
    this.#offer = { hash: manifest.model_hash, totalLayers: manifest.total_layers, ...(name === undefined ? {} : { name }), held: joined(cluster.model.shards) };
    this.#setStages(stagesOf(pipeline, 'ready'));
    this.setStatus({ kind: 'ready' });
    pipeline.events.on('stage:lost', ({ error }) => {
      this.#setStages(this.stages.map((stage) => (stage.peerId === error.meta['peer'] ? { ...stage, state: 'lost' } : stage)));
      this.#tellChats({ progress: { kind: 'recovering' } });
    });
    pipeline.events.on('rerouted', () => {
      this.#setStages(stagesOf(pipeline, this.#chats.size > 0 ? 'busy' : 'ready'));
      this.#tellChats({ progress: { kind: 'answering' } });
    });
    void pipeline.closed.then(async () => {
      if (this.#isStopping) return;
      // The question that was under way has its error already; the next one starts new nodes.
      this.#running = undefined;
      this.#pipeline = undefined;
      this.#markStages('lost');
      await session.close();
      await cluster.stop();
    });
  }

  #tellChats(part: ChatPart): void {
    for (const parts of this.#chats) parts.push(part);
  }

  #measured(msPerToken: readonly (number | null)[]): void {
    this.#setStages(this.stages.map((stage, index) => {
      const measured = msPerToken[index] ?? null;
      return measured === null ? stage : { ...stage, msPerToken: measured };
    }));
  }

  #markStages(state: Stage['state']): void {
    this.#setStages(this.stages.map((stage) => (stage.state === 'lost' ? stage : { ...stage, state })));
  }

  // At every piece of text, too: who waits is known a moment after the question, and somebody writes as long as anybody waits.
  #tellActivity(): void {
    const { activity } = this;
    if (activity !== undefined) this.#options.events.emit('activity', activity);
  }

  #setStages(stages: readonly Stage[]): void {
    this.stages = stages;
    this.#options.events.emit('stages', stages);
  }
}

const stagesOf = (pipeline: Pipeline, state: Stage['state']): Stage[] => pipeline.stages.map(({ peer, layers, bytesLoaded, backend }) => ({
  peerId: peer, ownership: 'this-machine', layers: [layers.first, layers.last], bytesLoaded, backend, state,
}));
