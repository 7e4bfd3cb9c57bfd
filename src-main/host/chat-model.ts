import type { ChatPart, ChatRequest, ChatService, HostServiceEvents, PipelineLoad } from '../api/index.ts';
import { BoundedQueue, isCoded, toCoded, type Events, type SpawnChild } from '../base/index.ts';
import { createWorkerTokenizer, type Tokenizer } from '../inference/index.ts';
import type { ModelOffer } from '../mesh/index.ts';
import type { HostInfo, HostStatus, LoadingStep, Paying, PipelineActivity, Stage } from '../../src-preload/bridge/index.ts';
import { Askers } from './answering/askers.ts';
import { followPipeline } from './answering/follow-pipeline.ts';
import { ModelSwitch } from './answering/model-switch.ts';
import { PaidRenewal, paysFor } from './answering/paid-renewal.ts';
import { Told } from './answering/told.ts';
import type { Asked, Entered, Running, ServedFile } from './answering/types.ts';
import { AnswersUnderWay } from './answering/under-way.ts';
import { DEFAULT_MAX_TOKENS, writeAnswer } from './answering/write-answer.ts';
import { joined } from './capability/layer-sets.ts';
import type { ChatRoute, RouteRequest } from './chat-route/chat-route.ts';
import { MemberWatch } from './chat-route/member-watch.ts';
import { groundFor, openRoute, type Ground } from './chat-route/open-route.ts';
import { servingSignature } from './chat-route/serving-members.ts';
import { aboutModel, failed, inPercent, offerOf, stagesOf, stepOf } from './chat-status.ts';
import type { HostConfig, Settings } from './config.ts';
import type { Pipeline } from '../pipeline/index.ts';
import { payingOf } from './paying.ts';
import { microBatchOf } from './micro-batch.ts';
import type { Node } from './node.ts';
import type { AppPaths } from './paths.ts';
import { activityOf, loadOf } from './pipeline-load.ts';
import type { OpenedPipeline } from './pipeline-view/pipeline-view.ts';
import { openSession } from './session.ts';

export type { ServedFile } from './answering/types.ts';

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

/** Text pieces between the pipeline and a slow reader; the tokens behind them are bounded by the pipeline's own window. */
const MAX_PENDING_PARTS = 4096;

/**
 * The model that the app chats with, over node processes of this machine or over members of the mesh. One that was lost is started again: over processes for the
 * next question, over members at once, so that who sees it is known before it is asked. Where members are missing it waits for them, and questions are refused.
 * Members that are paid are only planned with until something is asked: what they cost is known before, and only then their owner is asked whether they get it.
 */
export class ChatModel implements ChatService {
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
  readonly #askers = new Askers();
  #pipeline: Pipeline | undefined;
  #isStopping = false;
  readonly #stopped = new AbortController();
  #served: ServedFile;
  /** Who computes, as it was decided last. */
  #ground: Ground = 'this-machine';
  readonly #watch: MemberWatch;
  readonly #told: Told;
  readonly #answers: AnswersUnderWay;
  readonly #switch: ModelSwitch;
  readonly #renewal: PaidRenewal;

  constructor(options: ChatModelOptions) {
    this.#options = options;
    this.#watch = new MemberWatch({ node: options.node, onChange: () => void this.#again() });
    this.#served = options.served;
    this.#told = new Told(options.events);
    this.#answers = new AnswersUnderWay({ onState: (state) => this.#told.markStages(state), onMoved: () => this.#tellActivity() });
    this.#switch = new ModelSwitch({ answers: this.#answers, served: () => this.#served, load: (served) => this.#load(served), onLost: (error) => this.setStatus(failed(error)), stopped: this.#stopped.signal });
    this.#renewal = new PaidRenewal({
      answers: this.#answers, unload: (running) => this.#unloadThis(running), onOver: () => this.#again(),
      onCounted: ({ route, session }, price) => { if (this.#pipeline === session.pipeline) this.#told.setPaying(payingOf(price, route.paid)); },
    });
    options.pay?.events.on('changed', () => { if (this.#watch.isArmed) void this.#again(); });
  }

  get status(): HostStatus {
    return this.#told.status;
  }

  get stages(): readonly Stage[] {
    return this.#told.stages;
  }

  get model(): HostInfo['model'] {
    return this.#told.model;
  }

  /** What it costs; undefined where nothing. */
  get paying(): Paying | undefined {
    return this.#told.paying;
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
    return this.#switch.use(to, running);
  }

  async #load(served: ServedFile): Promise<void> {
    this.#served = served;
    await this.#unload();
    this.#stopped.signal.throwIfAborted();
    await this.#start();
  }

  async #unload(): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    [this.#running, this.#pipeline, this.#offer, this.#told.model] = [undefined, undefined, undefined, undefined];
    await this.#forgetAhead();
    this.setStatus({ kind: 'loading', model: this.#served.id });
    this.#told.setStages([]);
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
    this.#answers.stopWaiting();
    const running = await this.#running?.catch(() => undefined);
    await running?.session.close();
    await running?.route.stop();
    await this.#forgetAhead();
    await this.#switch.done?.catch(() => undefined);
    await this.#renewal.done;
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
    this.#told.setStatus(status);
  }

  async *chat(request: ChatRequest): AsyncIterable<ChatPart> {
    const running = await this.#ensureFor({ prompt: { kind: 'chat', messages: request.messages }, maxTokens: request.maxTokens ?? DEFAULT_MAX_TOKENS, signal: request.signal });
    const parts = new BoundedQueue<ChatPart>(MAX_PENDING_PARTS);
    // From here on a switch to another model leaves the session alone.
    const leave = this.#answers.begin(parts);
    try {
      yield* writeAnswer(running, request, { parts, served: this.#served.model, model: this.model?.name, signal: this.#answers.signal, onMoved: () => this.#tellActivity() });
    } finally {
      leave();
    }
  }

  /** For an answer that is not written down here: it counts as one under way until it leaves. */
  async enter(asked: Asked): Promise<Entered> {
    const { session } = await this.#ensureFor(asked);
    return { session, moved: () => this.#tellActivity(), leave: this.#answers.begin({ push: () => true }), signal: this.#answers.signal };
  }

  async #ensure(asked: AbortSignal): Promise<Running> {
    for (;;) {
      await this.#switch.done?.catch(() => undefined);
      await this.#renewal.done;
      const running = await this.#start(asked);
      if (running !== undefined) return running;
    }
  }

  /** With a session that pays for all of the answer, where it costs something: one that has too little left is ended, and another begun, for which its owner is asked. */
  #ensureFor(asked: Asked): Promise<Running> {
    return this.#askers.wait(asked, async () => {
      for (;;) {
        const running = await this.#ensure(this.#askers.allLeft);
        if (await paysFor(running, asked)) return running;
        await this.#renewal.renew(running);
      }
    });
  }

  async #unloadThis(running: Running): Promise<void> {
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
    this.#told.setStages([]);
    // Who was asked for money and gave none may be asked again, by the next question.
    const isUnpaid = isCoded(error, 'PAY_NOT_OPENED');
    if (!isUnpaid) this.#told.setPaying(undefined);
    this.setStatus(isUnpaid ? { kind: 'ready' } : failed(error));
    this.#watch.arm(since, { isCalm: isUnpaid });
  }

  /** Members are others than those that it failed with. */
  async #again(): Promise<void> {
    if (this.#isStopping || this.#switch.done !== undefined) return;
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
        this.#told.setPaying(payingOf(price));
        if (asked !== undefined) loading({ step: { kind: 'paying', machines: price.machines, most: `${price.most}` } });
      },
    };
    this.#ground = await groundFor(request);
    const route = await openRoute(this.#ground, request);
    if (route.price === undefined) this.#told.setPaying(undefined);
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
    this.#told.model = aboutModel(route, contextTokens);
    this.#told.setStages([]);
    this.setStatus({ kind: 'ready' });
    return undefined;
  }

  async #forgetAhead(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    await ahead?.tokenizer.dispose();
  }

  #opened(running: Running): void {
    const { route, session } = running;
    const { pipeline } = session;
    this.#pipeline = pipeline;
    this.#told.model = aboutModel(route, pipeline.contextTokens);
    if (route.price !== undefined) this.#renewal.follow(running, route.price);
    // What members hold and run they tell themselves, and this very node does for its own stage.
    this.#offer = route.isHere ? offerOf(route) : undefined;
    this.#told.setStages(stagesOf(pipeline, { state: 'ready', ownershipOf: route.ownershipOf }));
    this.#options.onOpened?.({ pipeline, route });
    this.setStatus({ kind: 'ready' });
    followPipeline(running, { told: this.#told, answers: this.#answers });
    void pipeline.closed.then(async () => {
      if (this.#isStopping || this.#pipeline !== pipeline) return;
      // The question that was under way has its error already; the next one starts new nodes.
      this.#running = undefined;
      this.#pipeline = undefined;
      this.#told.markStages('lost');
      await session.close();
      await route.stop();
      if (!route.isHere) await this.#again();
    });
  }

  // At every piece of text, too: who waits is known a moment after the question, and somebody writes as long as anybody waits.
  #tellActivity(): void {
    const { activity } = this;
    if (activity !== undefined) this.#options.events.emit('activity', activity);
  }
}
