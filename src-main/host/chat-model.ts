import type { ChatPart, ChatRequest, ChatService, HostServiceEvents, PipelineLoad } from '../api/index.ts';
import { BoundedQueue, isCoded, toCoded, type Events, type SpawnChild } from '../base/index.ts';
import { createWorkerTokenizer, type Tokenizer } from '../inference/index.ts';
import type { ModelOffer } from '../mesh/index.ts';
import type { HostInfo, HostStatus, LoadingStep, Paying, PipelineActivity, Stage } from '../../src-preload/bridge/index.ts';
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
import type { Price } from './paid/index.ts';
import { mostTokens, payingOf } from './paying.ts';
import { isSettled } from './lessons.ts';
import { microBatchOf } from './micro-batch.ts';
import type { Node } from './node.ts';
import type { AppPaths } from './paths.ts';
import { defaultSampling } from './sampling.ts';
import { activityOf, loadOf, withFigures } from './pipeline-load.ts';
import { promptTokens } from './text-stream.ts';
import type { Prompt } from './types.ts';
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

/** What is to be answered, and how long that may be. */
export interface Asked {
  readonly prompt: Prompt;
  readonly maxTokens: number;
  /** Nobody waits for it any more. */
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
 * Members that are paid are only planned with until something is asked: what they cost is known before, and only then their owner is asked whether they get it.
 */
export class ChatModel implements ChatService {
  status: HostStatus = { kind: 'starting' };
  stages: readonly Stage[] = [];
  model: HostInfo['model'];
  /** What it costs; undefined where nothing. */
  paying: Paying | undefined;
  /** The configuration that the model was loaded with; undefined before the first. */
  loadedWith: HostConfig | undefined;
  /** What loading is, or was, at, in words. */
  loadingDetail = 'starting';
  #offer: Omit<ModelOffer, 'loaded'> | undefined;
  isStarted = false;
  readonly #options: ChatModelOptions;
  /** Undefined: it was only planned. */
  #running: Promise<Running | undefined> | undefined;
  /** Of a model that is planned and not loaded. */
  #ahead: { readonly tokenizer: Tokenizer } | undefined;
  /** Who waits until it can be answered. */
  readonly #asking = new Set<Asked>();
  #nobodyAsks = new AbortController();
  /** A paid session is being ended, for another to begin. */
  #renewing: Promise<void> | undefined;
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
    options.pay?.events.on('changed', () => { if (this.#watch.isArmed) void this.#again(); });
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
    await this.#forgetAhead();
    this.setStatus({ kind: 'loading', model: this.#served.id });
    this.#setStages([]);
    await running?.session.close();
    await running?.route.stop();
  }

  /** Where members of the mesh are missing it goes on waiting for them. */
  async start(): Promise<void> {
    this.isStarted = true;
    await this.#start().catch((error: unknown) => {
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
    await this.#forgetAhead();
    await this.#switch?.done.catch(() => undefined);
    await this.#renewing;
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
    return this.#pipeline === undefined && this.#ahead === undefined ? undefined : this.model?.name;
  }

  /** Starts the model where it is not there, and where that costs nothing. */
  async tokenizer(): Promise<Tokenizer> {
    return this.#pipeline === undefined && this.#ahead !== undefined ? this.#ahead.tokenizer : (await this.#ensure(this.#stopped.signal)).session.tokenizer;
  }

  get activity(): PipelineActivity | undefined {
    return this.#pipeline === undefined ? undefined : activityOf(this.#pipeline);
  }

  setStatus(status: HostStatus): void {
    this.status = status;
    this.#options.events.emit('status', status);
  }

  async *chat(request: ChatRequest): AsyncIterable<ChatPart> {
    const running = await this.#ensureFor({ prompt: { kind: 'chat', messages: request.messages }, maxTokens: request.maxTokens ?? DEFAULT_MAX_TOKENS, signal: request.signal });
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
        finishReason, tokens: tokenIds.length, ...(model === undefined ? {} : { model }), ...(paid === undefined ? {} : { paid: { soFar: `${paid.amount}` } }), ...(stats.ttftMs === undefined ? {} : { ttftMs: stats.ttftMs }),
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
  async enter(asked: Asked): Promise<Entered> {
    const { session } = await this.#ensureFor(asked);
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

  async #ensure(asked: AbortSignal): Promise<Running> {
    for (;;) {
      await this.#switch?.done.catch(() => undefined);
      await this.#renewing;
      const running = await this.#start(asked);
      if (running !== undefined) return running;
    }
  }

  /** For one that asks: whoever leaves waits for nothing, and where all have left their owner is asked no more. */
  async #ensureFor(asked: Asked): Promise<Running> {
    const { signal } = asked;
    signal.throwIfAborted();
    if (this.#asking.size === 0) this.#nobodyAsks = new AbortController();
    this.#asking.add(asked);
    const left = Promise.withResolvers<never>();
    const leave = (): void => {
      this.#asking.delete(asked);
      left.reject(signal.reason);
      if (this.#asking.size === 0) this.#nobodyAsks.abort();
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.#roomFor(asked), left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      this.#asking.delete(asked);
    }
  }

  /** With a session that pays for all of the answer, where it costs something: one that has too little left is ended, and another begun, for which its owner is asked. */
  async #roomFor({ prompt, maxTokens }: Asked): Promise<Running> {
    for (;;) {
      const running = await this.#ensure(this.#nobodyAsks.signal);
      const { route: { paid }, session: { tokenizer, pipeline: { contextTokens } } } = running;
      if (paid === undefined) return running;
      const tokens = mostTokens({ promptTokens: (await promptTokens(tokenizer, prompt)).length, maxTokens, contextTokens });
      if (paid.fits(tokens) || paid.isUnused) return running;
      await this.#renew(running);
    }
  }

  #renew(running: Running): Promise<void> {
    return (this.#renewing ??= this.#leave(running).finally(() => { this.#renewing = undefined; }));
  }

  async #leave(running: Running): Promise<void> {
    await new Promise((resolve) => { setImmediate(resolve); });
    while (this.#chats.size > 0) await new Promise<void>((resolve) => { this.#onIdle.push(resolve); });
    if (!this.#isStopping && await this.#running?.catch(() => undefined) === running) await this.#unload();
  }

  /** Undefined where it costs something and nobody may pay: then it is only planned. */
  #start(asked?: AbortSignal): Promise<Running | undefined> {
    if (this.#running !== undefined) return this.#running;
    this.#watch.disarm();
    const since = servingSignature(this.#options.node);
    const running: Promise<Running | undefined> = this.#open(asked).then((opened) => {
      if (opened === undefined && this.#running === running) this.#running = undefined;
      if (opened === undefined && !this.#isStopping) this.#watch.arm(since, { isCalm: true });
      return opened;
    }, (error: unknown) => {
      if (this.#running === running) this.#running = undefined;
      if (this.#ground === 'mesh' && !this.#isStopping) this.#wait(error, since);
      throw error;
    });
    return (this.#running = running);
  }

  /** For members that would make it work. */
  #wait(error: unknown, since: string): void {
    this.#setStages([]);
    // Who was asked for money and gave none may be asked again, by the next question.
    const isUnpaid = isCoded(error, 'PAY_NOT_OPENED');
    if (!isUnpaid) this.#setPaying(undefined);
    this.setStatus(isUnpaid ? { kind: 'ready' } : failed(error));
    this.#watch.arm(since, { isCalm: isUnpaid });
  }

  /** Members are others than those that it failed with. */
  async #again(): Promise<void> {
    if (this.#isStopping || this.#switch !== undefined) return;
    await this.#start().catch((error: unknown) => this.#options.node.logger.info({ code: toCoded(error).code }, 'the model cannot be computed by members yet'));
  }

  async #open(asked: AbortSignal | undefined): Promise<Running | undefined> {
    const { paths, node, spawn, pay } = this.#options;
    // All of one loading goes by the same configuration.
    const settings = { ...this.#options.settings };
    const served = this.#served;
    const loading = (progress: { readonly progress?: number; readonly step?: LoadingStep }): void => this.setStatus({ kind: 'loading', model: served.id, ...progress });
    loading({});
    const { signal } = this.#stopped;
    const onStatus = (text: string): void => { this.loadingDetail = text; };
    const request: RouteRequest = {
      settings, paths, node, spawn, pay, model: served, signal, onStatus, onShare: inPercent((progress) => loading(progress < 1 ? { progress } : {})), onStep: (step) => loading({ step }), asked,
      onPrice: (price) => {
        this.#setPaying(payingOf(price));
        if (asked !== undefined) loading({ step: { kind: 'paying', machines: price.machines, most: `${price.most}` } });
      },
    };
    this.#ground = await groundFor(request);
    const route = await openRoute(this.#ground, request);
    if (route.price === undefined) this.#setPaying(undefined);
    else if (route.paid === undefined) return this.#planned(route, settings.config);
    try {
      const session = await openSession({
        node, route: route.stages, candidates: route.candidates, choose: route.choose, supplies: route.supplies, modelHash: route.modelHash, vocabularyPath: route.vocabularyPath, contextTokens: settings.config.contextTokens, microBatch: microBatchOf(settings.config), dtype: 'f16', receipts: route.stages.some(({ peer }) => route.ownershipOf(peer) === 'stranger'), paid: route.paid, signal, onStatus,
        onProgress: (progress) => {
          const step = route.isHere ? undefined : stepOf(progress);
          if (step !== undefined) loading({ step });
        },
      });
      this.loadedWith = settings.config;
      const running = { route, session };
      this.#opened(running);
      return running;
    } catch (error) {
      await route.stop();
      throw error;
    }
  }

  /** Nothing of it is loaded, and everything known: it can be asked. */
  async #planned(route: ChatRoute, { contextTokens }: HostConfig): Promise<undefined> {
    await route.stop();
    await this.#forgetAhead();
    this.#ahead = { tokenizer: await createWorkerTokenizer({ path: route.vocabularyPath }, this.#options.node.worker) };
    this.model = aboutModel(route, contextTokens);
    this.#setStages([]);
    this.setStatus({ kind: 'ready' });
    return undefined;
  }

  async #forgetAhead(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    await ahead?.tokenizer.dispose();
  }

  #follow(running: Running, price: Price): void {
    const { paid } = running.route;
    if (paid === undefined) return;
    const tell = (): void => this.#setPaying(payingOf(price, paid));
    tell();
    paid.events.on('counted', () => { if (this.#pipeline === running.session.pipeline) tell(); });
    paid.events.on('over', () => void this.#renew(running).then(() => this.#again()));
  }

  #opened(running: Running): void {
    const { route, session } = running;
    const { manifest, shards } = route.model;
    const { pipeline } = session;
    this.#pipeline = pipeline;
    const { contextTokens } = pipeline;
    this.model = aboutModel(route, contextTokens);
    if (route.price !== undefined) this.#follow(running, route.price);
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
      if (!route.isHere) await this.#again();
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

  #setPaying(paying: Paying | undefined): void {
    if (paying === undefined && this.paying === undefined) return;
    this.paying = paying;
    this.#options.events.emit('paying', paying);
  }
}

const aboutModel = ({ model: { manifest } }: ChatRoute, contextTokens: number): NonNullable<HostInfo['model']> =>
  ({ name: manifest.model_name, layers: manifest.total_layers, sizeBytes: manifest.total_size_bytes, contextTokens });
