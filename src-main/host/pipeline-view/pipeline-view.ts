import { join } from 'node:path';
import { systemClock, toCoded, type Clock, type Events } from '../../base/index.ts';
import type { HostServiceEvents, PipelineService } from '../../api/index.ts';
import type { EndedAnswer, Pipeline } from '../../pipeline/index.ts';
import type { CommandOutput, CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { ChatRoute } from '../chat-route/chat-route.ts';
import type { HostConfig } from '../config.ts';
import { hostErrors } from '../errors.ts';
import type { Node } from '../node.ts';
import { describeAnswer, stageBytesOf } from './describe-answer.ts';
import { AnswerHistory } from './history.ts';
import { planRoute } from './plan-route.ts';
import { Sampler } from './sampler.ts';

/** A plan takes no longer. */
const PLAN_MS = 30_000;
const RECENT_ANSWERS = 8;

export interface PipelineViewInit {
  readonly node: Node;
  readonly config: HostConfig;
  readonly events: Events<HostServiceEvents>;
  readonly clock?: Clock;
}

/** A model that answers, and who computes it. */
export interface OpenedPipeline {
  readonly pipeline: Pipeline;
  readonly route: Pick<ChatRoute, 'model' | 'addresses' | 'memoryBytes' | 'ownershipOf'>;
}

/** What the app's pipeline did and does: an hour of samples, the last 1,000 answers, and what the planner says of it. */
export class PipelineView implements PipelineService {
  readonly #init: PipelineViewInit;
  readonly #clock: Clock;
  readonly #sampler: Sampler;
  /** Undefined where it cannot be kept. */
  readonly #history: AnswerHistory | undefined;
  #opened: OpenedPipeline | undefined;
  /** Of pipelines that are closed. */
  #pastTokens = 0;
  #answered = 0;
  #planning: Promise<CommandOutput<'pipeline.plan'>> | undefined;

  constructor(init: PipelineViewInit) {
    const { node, config, events, clock = systemClock } = init;
    this.#init = init;
    this.#clock = clock;
    this.#history = openHistory(config, node);
    this.#sampler = new Sampler({
      clock, tokens: () => this.#pastTokens + (this.#opened?.pipeline.tokens ?? 0), isAnswering: () => (this.#opened?.pipeline.running ?? 0) > 0,
      links: () => node.mesh.peers().flatMap(({ peer, figures }) => (figures === undefined ? [] : [{ peer, sentBytes: figures.sentBytes, receivedBytes: figures.receivedBytes }])),
      memory: () => memoryOf(this.#opened), onSample: (sample) => events.emit('sample', sample),
    });
  }

  start(): void {
    this.#sampler.start();
  }

  stop(): void {
    this.#sampler.stop();
    this.#history?.close();
  }

  /** A pipeline stands, in the place of the one before. */
  opened(opened: OpenedPipeline): void {
    this.#closed();
    this.#opened = opened;
    opened.pipeline.events.on('answered', (answer) => this.#onAnswered(answer, opened));
    void opened.pipeline.closed.then(() => { if (this.#opened === opened) this.#closed(); });
  }

  #closed(): void {
    this.#pastTokens += this.#opened?.pipeline.tokens ?? 0;
    this.#opened = undefined;
  }

  samples({ spanMs }: CommandParsed<'pipeline.samples'>): CommandOutput<'pipeline.samples'> {
    return this.#sampler.samples(spanMs);
  }

  history(page: CommandParsed<'pipeline.history'>): CommandOutput<'pipeline.history'> {
    return this.#kept().list(page);
  }

  answer({ id }: CommandParsed<'pipeline.answer'>): CommandOutput<'pipeline.answer'> {
    const answer = this.#kept().get(id);
    if (answer === undefined) throw hostErrors.noSuchAnswer({});
    return answer;
  }

  forget(): CommandOutput<'pipeline.forget'> {
    this.#kept().clear();
    this.#told();
    return {};
  }

  /** Asked by several at once, it is made once. */
  plan(): Promise<CommandOutput<'pipeline.plan'>> {
    this.#planning ??= this.#plan().finally(() => { this.#planning = undefined; });
    return this.#planning;
  }

  async #plan(): Promise<CommandOutput<'pipeline.plan'>> {
    const { node, config, events } = this.#init;
    const opened = this.#opened;
    if (opened === undefined) throw hostErrors.noPipeline({});
    const { pipeline, route: { model: { manifest, file }, addresses } } = opened;
    if (pipeline.running > 0) throw hostErrors.answering({});
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(hostErrors.planTooSlow({ waitedMs: PLAN_MS })), PLAN_MS);
    const off = events.on('activity', ({ answering }) => { if (answering > 0) stop.abort(hostErrors.answering({})); });
    try {
      return await planRoute({
        node, config, model: { name: manifest.model_name, hash: manifest.model_hash, path: file.path }, route: pipeline.stages, clock: this.#clock,
        addresses: [...addresses, ...connected(node), ...config.peers],
        recent: this.#history?.recent(manifest.model_name, RECENT_ANSWERS) ?? [], signal: stop.signal,
      });
    } finally {
      clearTimeout(timer);
      off();
    }
  }

  #onAnswered(answer: EndedAnswer, { route: { model, ownershipOf } }: OpenedPipeline): void {
    const { stats, durationMs } = answer;
    this.#sampler.answered({ ttftMs: stats.ttftMs, durationMs, stageBytes: stageBytesOf(stats) });
    try {
      this.#history?.add(describeAnswer(answer, { model: model.manifest.model_name, endedAt: this.#clock.now(), ownershipOf }));
    } catch (error) {
      // An answer is worth more than that it is remembered.
      this.#init.node.logger.warn({ code: toCoded(error).code }, 'an answer is not in the history');
    }
    this.#told();
  }

  #told(): void {
    this.#init.events.emit('answered', (this.#answered += 1));
  }

  #kept(): AnswerHistory {
    if (this.#history === undefined) throw hostErrors.noHistory({});
    return this.#history;
  }
}

function openHistory({ home }: HostConfig, { logger }: Node): AnswerHistory | undefined {
  try {
    return new AnswerHistory(join(home, 'history.db'), { logger });
  } catch (error) {
    const { code, message } = toCoded(error);
    logger.warn({ code, message }, 'no history of answers is kept');
    return undefined;
  }
}

function memoryOf(opened: OpenedPipeline | undefined): { hostBytes: number; stagesBytes?: number } {
  const stagesBytes = opened?.route.memoryBytes();
  return { hostBytes: process.memoryUsage.rss(), ...(stagesBytes === undefined ? {} : { stagesBytes }) };
}

const connected = ({ mesh }: Node): string[] => mesh.peers().map(({ peer, address }) => (address.endsWith(`/p2p/${peer}`) ? address : `${address}/p2p/${peer}`));
