import type { ChatPart, ChatRequest, ChatService, HostServiceEvents, PipelineLoad } from '../api/index.ts';
import { BoundedQueue, toCoded, type Events, type SpawnChild } from '../base/index.ts';
import type { Tokenizer } from '../inference/index.ts';
import type { ModelOffer } from '../mesh/index.ts';
import type { HostInfo, HostStatus, LoadingStep, PipelineActivity, Stage } from '../../src-preload/bridge/index.ts';
import { label } from './capability/label.ts';
import { joined } from './capability/layer-sets.ts';
import type { ChatRoute, RouteRequest } from './chat-route/chat-route.ts';
import { MemberWatch } from './chat-route/member-watch.ts';
import { groundFor, openRoute, type Ground } from './chat-route/open-route.ts';
import { servingSignature } from './chat-route/serving-members.ts';
import { failed, inPercent, stagesOf, stepOf } from './chat-status.ts';
import { hostErrors } from './errors.ts';
import type { HostConfig, Settings } from './config.ts';
import type { GenerationStats, Pipeline } from '../pipeline/index.ts';
import { fitHistory } from './fit-history.ts';
import { isSettled } from './lessons.ts';
import { microBatchOf } from './micro-batch.ts';
import type { Node } from './node.ts';
import type { AppPaths } from './paths.ts';
import { defaultSampling } from './sampling.ts';
import { activityOf, loadOf, withFigures } from './pipeline-load.ts';
import type { OpenedPipeline } from './pipeline-view/pipeline-view.ts';
import { openSession, reportStages, type ModelSession } from './session.ts';

export interface ChatModelOptions {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly spawn?: SpawnChild | undefined;
  readonly node: Node;
  readonly events: Events<HostServiceEvents>;
  readonly served: ServedFile;
  /** Absent: nobody is paid. */
  readonly pay?: RouteRequest['pay'];
  /** Hears of each pipeline that stands. */
  readonly onOpened?: (opened: OpenedPipeline) => void;
}

/** A model that can answer here. */
export interface ServedFile {
  /** As the configuration names it. */
  readonly model: string;
  /** What programs call it. */
  readonly id: string;
  /** Node processes that share it. */
  readonly nodes: number;
}

/** A session that somebody answers with. */
export interface Entered {
  readonly session: ModelSession;
  /** When the answer has come on: others see how many are under way. */
  readonly moved: () => void;
  /** When it has ended, however. */
  readonly leave: () => void;
  /** Aborted when the answer has to end, because another model is to be loaded. */
  readonly signal: AbortSignal;
}

interface Running {
  readonly route: ChatRoute;
  readonly session: ModelSession;
}

/** From one model to another, under way. */
interface Switch {
  readonly to: ServedFile;
  readonly done: Promise<void>;
}

const DEFAULT_MAX_TOKENS = 512;
/** Text pieces between the pipeline and a slow reader; the tokens behind them are bounded by the pipeline's own window. */
const MAX_PENDING_PARTS = 4096;

/**
 * The model that the app chats with, over node processes of this machine or over members of the mesh. One that was lost is started again: over processes for the
 * next question, over members at once, so that who sees it is known before it is asked. Where members are missing it waits for them, and questions are refused.
 */
export class ChatModel implements ChatService {
  status: HostStatus = { kind: 'starting' };
  stages: readonly Stage[] = [];
  model: HostInfo['model'];
  /** The configuration that the model was loaded with; undefined before the first. */
  loadedWith: HostConfig | undefined;
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
  #served: ServedFile;
  #switch: Switch | undefined;
  /** Ends the answers under way. */
  #answers = new AbortController();
  #onIdle: (() => void)[] = [];
  /** Who computes, as it was decided last. */
  #ground: Ground = 'this-machine';
  readonly #watch: MemberWatch;

  constructor(options: ChatModelOptions) {
    this.#options = options;
    this.#watch = new MemberWatch({ node: options.node, onChange: () => void this.#again() });
    this.#served = options.served;
  }

  /** The model that answers, or is to. */
  get served(): ServedFile {
    return this.#served;
  }

  /**
   * Answers with another model from now on. Those under way are waited for, or, with `cancel`, stopped; questions that come meanwhile wait. When the
   * other one cannot be loaded, the former answers again. Throws HOST_SWITCHING while another switch is under way, HOST_NOT_SWITCHED.
   */
  use(to: ServedFile, running: 'finish' | 'cancel'): Promise<void> {
    if (this.#switch !== undefined && this.#switch.to.model !== to.model) return Promise.reject(hostErrors.switching({ model: this.#switch.to.id }));
    this.#switch ??= { to, done: this.#swap(to).finally(() => { this.#switch = undefined; }) };
    if (running === 'cancel') this.#answers.abort();
    return this.#switch.done;
  }

  async #swap(to: ServedFile): Promise<void> {
    const former = this.#served;
    // One that has its session by now counts before anybody looks whether answers are under way.
    await new Promise((resolve) => { setImmediate(resolve); });
    if (this.#chats.size > 0) await new Promise<void>((resolve) => { this.#onIdle.push(resolve); });
    this.#answers = new AbortController();
    this.#stopped.signal.throwIfAborted();
    try {
      await this.#load(to);
    } catch (error) {
      if (this.#isStopping) throw error;
      const { code, message, next } = toCoded(error);
      const isBack = await this.#load(former).then(() => true, (second: unknown) => {
        this.setStatus(failed(second));
        return false;
      });
      throw hostErrors.notSwitched({ model: to.id, former: former.id, isBack, code, reason: message, next: next ?? 'Choose another model.' }, error);
    }
  }

  async #load(served: ServedFile): Promise<void> {
    this.#served = served;
    await this.#unload();
    this.#stopped.signal.throwIfAborted();
    await this.#start();
  }

  async #unload(): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    [this.#running, this.#pipeline, this.#offer, this.model] = [undefined, undefined, undefined, undefined];
    this.setStatus({ kind: 'loading', model: this.#served.id });
    this.#setStages([]);
    await running?.session.close();
    await running?.route.stop();
  }

  /** Where members of the mesh are missing it goes on waiting for them. */
  async start(): Promise<void> {
    this.isStarted = true;
    await this.#ensure().catch((error: unknown) => {
      if (!this.#watch.isArmed) throw error;
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopped.abort();
    this.#watch.disarm();
    for (const resolve of this.#onIdle.splice(0)) resolve();
    const running = await this.#running?.catch(() => undefined);
    await running?.session.close();
    await running?.route.stop();
    await this.#switch?.done.catch(() => undefined);
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

  /** Its name, while it can answer. */
  get readyModel(): string | undefined {
    return this.#pipeline === undefined ? undefined : this.model?.name;
  }

  /** Starts the model where it is not there. */
  async tokenizer(): Promise<Tokenizer> {
    return (await this.#ensure()).session.tokenizer;
  }

  get activity(): PipelineActivity | undefined {
    return this.#pipeline === undefined ? undefined : activityOf(this.#pipeline);
  }

  setStatus(status: HostStatus): void {
    this.status = status;
    this.#options.events.emit('status', status);
  }

  async *chat(request: ChatRequest): AsyncIterable<ChatPart> {
    const running = await this.#ensure();
    const parts = new BoundedQueue<ChatPart>(MAX_PENDING_PARTS);
    // From here on a switch to another model leaves the session alone.
    const leave = this.#began(parts);
    try {
      yield* this.#said(running, request, parts);
    } finally {
      leave();
    }
  }

  async *#said({ session, route: { paid } }: Running, request: ChatRequest, parts: BoundedQueue<ChatPart>): AsyncIterable<ChatPart> {
    const { name: model } = this.model ?? {};
    const { maxTokens = DEFAULT_MAX_TOKENS } = request;
    const messages = await fitHistory(session.tokenizer, request.messages, { contextTokens: session.pipeline.contextTokens, maxTokens });
    let isWaiting = false;
    const answer = session.answer({
      prompt: { kind: 'chat', messages }, sampling: { ...defaultSampling(this.#served.model), ...request.sampling }, anySeed: request.sampling?.seed === undefined,
      maxTokens, signal: AbortSignal.any([request.signal, this.#answers.signal]), onText: (text) => {
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
    const finished = answer.then(({ finishReason, tokenIds, stats, stages }) => {
      parts.push({ done: {
        finishReason, tokens: tokenIds.length, ...(model === undefined ? {} : { model }), ...(stats.ttftMs === undefined ? {} : { ttftMs: stats.ttftMs }),
        ...(stats.tokensPerSecond === undefined ? {} : { tokensPerSecond: stats.tokensPerSecond }),
        stages: stages.flatMap(({ peerId, layers, bytesLoaded, msPerToken }) => (msPerToken === null ? [] : [{ peerId, layers, bytesLoaded, msPerToken }])),
      }, ...(paid === undefined ? {} : { paidSession: paid.id }) });
      parts.end();
    }).catch((error: unknown) => parts.end(error));
    try {
      yield* parts;
    } finally {
      await finished;
    }
  }

  /** For an answer that is not written down here: it counts as one under way until it leaves. */
  async enter(): Promise<Entered> {
    const { session } = await this.#ensure();
    return { session, moved: () => this.#tellActivity(), leave: this.#began({ push: () => true }), signal: this.#answers.signal };
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
      if (this.#chats.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    };
  }

  async #ensure(): Promise<Running> {
    await this.#switch?.done.catch(() => undefined);
    return this.#start();
  }

  #start(): Promise<Running> {
    if (this.#running !== undefined) return this.#running;
    this.#watch.disarm();
    const since = servingSignature(this.#options.node);
    const running: Promise<Running> = this.#open().catch((error: unknown) => {
      if (this.#running === running) this.#running = undefined;
      if (this.#ground === 'mesh' && !this.#isStopping) this.#wait(error, since);
      throw error;
    });
    return (this.#running = running);
  }

  /** For members that would make it work. */
  #wait(error: unknown, since: string): void {
    this.#setStages([]);
    this.setStatus(failed(error));
    this.#watch.arm(since);
  }

  /** Members are others than those that it failed with. */
  async #again(): Promise<void> {
    if (this.#isStopping || this.#switch !== undefined) return;
    await this.#start().catch((error: unknown) => this.#options.node.logger.info({ code: toCoded(error).code }, 'the model cannot be computed by members yet'));
  }

  async #open(): Promise<Running> {
    const { paths, node, spawn, pay } = this.#options;
    // All of one loading goes by the same configuration.
    const settings = { ...this.#options.settings };
    const served = this.#served;
    const loading = (progress: { readonly progress?: number; readonly step?: LoadingStep }): void => this.setStatus({ kind: 'loading', model: served.id, ...progress });
    loading({});
    const { signal } = this.#stopped;
    const onStatus = (text: string): void => { this.loadingDetail = text; };
    const request: RouteRequest = {
      settings, paths, node, spawn, pay, model: served, signal, onStatus, onShare: inPercent((progress) => loading(progress < 1 ? { progress } : {})), onStep: (step) => loading({ step }),
    };
    this.#ground = await groundFor(request);
    const route = await openRoute(this.#ground, request);
    try {
      const session = await openSession({
        node, route: route.stages, candidates: route.candidates, choose: route.choose, supplies: route.supplies, modelHash: route.modelHash, vocabularyPath: route.vocabularyPath, contextTokens: settings.config.contextTokens, microBatch: microBatchOf(settings.config), dtype: 'f16', receipts: route.stages.some(({ peer }) => route.ownershipOf(peer) === 'stranger'), paid: route.paid, signal, onStatus,
        onProgress: (progress) => {
          const step = route.isHere ? undefined : stepOf(progress);
          if (step !== undefined) loading({ step });
        },
      });
      this.loadedWith = settings.config;
      this.#opened(route, session);
      return { route, session };
    } catch (error) {
      await route.stop();
      throw error;
    }
  }

  #opened(route: ChatRoute, session: ModelSession): void {
    const { manifest, shards } = route.model;
    const { pipeline } = session;
    this.#pipeline = pipeline;
    const { contextTokens } = pipeline;
    this.model = { name: manifest.model_name, layers: manifest.total_layers, sizeBytes: manifest.total_size_bytes, contextTokens };
    const name = label(manifest.model_name);
    // What members hold and run they tell themselves, and this very node does for its own stage.
    this.#offer = route.isHere ? { hash: manifest.model_hash, totalLayers: manifest.total_layers, ...(name === undefined ? {} : { name }), held: joined(shards) } : undefined;
    const { ownershipOf } = route;
    this.#setStages(stagesOf(pipeline, { state: 'ready', ownershipOf }));
    this.#options.onOpened?.({ pipeline, route });
    this.setStatus({ kind: 'ready' });
    pipeline.events.on('answered', (answer) => {
      this.#measured(answer.stats);
      if (isSettled(answer)) route.lessons?.add({ stats: answer.stats, stages: reportStages(pipeline, answer.stats) });
    });
    pipeline.events.on('stage:lost', ({ error }) => {
      this.#setStages(this.stages.map((stage) => (stage.peerId === error.meta['peer'] ? { ...stage, state: 'lost' } : stage)));
      this.#tellChats({ progress: { kind: 'recovering' } });
    });
    pipeline.events.on('rerouted', () => {
      this.#setStages(stagesOf(pipeline, { state: this.#chats.size > 0 ? 'busy' : 'ready', ownershipOf }));
      this.#tellChats({ progress: { kind: 'answering' } });
    });
    void pipeline.closed.then(async () => {
      if (this.#isStopping || this.#pipeline !== pipeline) return;
      // The question that was under way has its error already; the next one starts new nodes.
      this.#running = undefined;
      this.#pipeline = undefined;
      this.#markStages('lost');
      await session.close();
      await route.stop();
      // What costs begins again with a question.
      if (!route.isHere && route.paid === undefined) await this.#again();
    });
  }

  #tellChats(part: ChatPart): void {
    for (const parts of this.#chats) parts.push(part);
  }

  #measured(stats: GenerationStats): void {
    this.#setStages(this.stages.map((stage, index) => withFigures(stage, stats, index)));
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
