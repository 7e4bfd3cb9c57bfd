import type { CodedError } from '../../base/index.ts';
import { toCoded, type Logger } from '../../base/index.ts';
import type { StageEngine } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import { holdsWhole } from '../placement/assign.ts';
import type { RunnerOptions } from '../options.ts';
import type { StageLoadRequest, StageSource } from '../ports.ts';
import type { EngineEntry } from './engine-entry.ts';

export type RangeRequest = Omit<StageLoadRequest, 'signal' | 'onProgress' | 'maxSessions'>;
/** How a coordinator waits for a range. */
export interface Acquiring {
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
  /** Brings what this node lacks of it, where that may be; resolves when the offers have it. */
  readonly fetch?: (() => Promise<void>) | undefined;
}
export type OnProgress = StageLoadRequest['onProgress'];

export interface EngineHubInit {
  readonly source: StageSource;
  readonly options: RunnerOptions;
  readonly logger: Logger;
  readonly createEntry: (engine: StageEngine, request: RangeRequest) => Promise<EngineEntry>;
  readonly onUnloaded: (request: RangeRequest) => void;
}

/** A coordinator's hold on a loaded range. */
export interface Lease {
  readonly entry: EngineEntry;
  release(): void;
}

interface Slot {
  readonly key: string;
  readonly request: RangeRequest;
  readonly abort: AbortController;
  readonly listeners: Set<OnProgress>;
  readonly loaded: Promise<EngineEntry>;
  entry: EngineEntry | undefined;
  holders: number;
  idle: NodeJS.Timeout | undefined;
}

/**
 * The engines of this node. Coordinators that ask for the same range with the same
 * parameters share one; it is unloaded some time after the last of them left.
 */
export class EngineHub {
  readonly #init: EngineHubInit;
  readonly #slots = new Map<string, Slot>();
  readonly #unloading = new Set<Promise<void>>();

  constructor(init: EngineHubInit) {
    this.#init = init;
  }

  get engines(): number {
    return this.#slots.size;
  }

  /** What engines take that nobody holds: it is there for others. */
  get idleBytes(): number {
    return this.#idle().reduce((sum, { entry }) => sum + (entry === undefined ? 0 : entry.engine.info.weightBytes + entry.engine.info.kvBytes), 0);
  }

  get busyUs(): number {
    return Math.max(0, ...[...this.#slots.values()].map((slot) => slot.entry?.busyUs ?? 0));
  }

  /** @throws PIPELINE_LAYERS_NOT_HELD, PIPELINE_LAYERS_NOT_FETCHED, PIPELINE_STAGE_BUSY, PIPELINE_CANCELLED, or what the source throws */
  async acquire(request: RangeRequest, { onProgress, signal, fetch }: Acquiring): Promise<Lease> {
    if (!await this.#isHeld(request)) {
      await fetch?.();
      if (!await this.#isHeld(request)) throw pipelineErrors.layersNotHeld({ modelHash: request.modelHash, ...request.layers });
    }
    if (signal.aborted) throw pipelineErrors.cancelled({});
    const slot = this.#slots.get(keyOf(request)) ?? this.#load(request);
    slot.holders++;
    clearTimeout(slot.idle);
    slot.listeners.add(onProgress);
    const release = once(() => this.#release(slot));
    try {
      return { entry: await abortable(slot.loaded, signal), release };
    } catch (error) {
      release();
      throw error;
    } finally {
      slot.listeners.delete(onProgress);
    }
  }

  /** Unloads what nobody holds; resolves when those engines are gone. */
  async unloadIdle(): Promise<void> {
    for (const slot of this.#idle()) this.#drop(slot);
    await Promise.all(this.#unloading);
  }

  /** Unloads everything, also what is loading; resolves when the engines are gone. */
  async stop(): Promise<void> {
    for (const slot of [...this.#slots.values()]) this.#drop(slot);
    await Promise.all(this.#unloading);
  }

  // A node never loads a layer that it was not given and did not fetch: the ask is checked against our own offers.
  async #isHeld({ modelHash, layers, isFirst, isLast }: RangeRequest): Promise<boolean> {
    const offers = (await this.#init.source.offers()).filter((offer) => offer.modelHash === modelHash);
    return offers.some((offer) => holdsWhole(offer.shards, layers) && isFirst === (layers.first === 0) && isLast === (layers.last === offer.totalLayers - 1));
  }

  #load(request: RangeRequest): Slot {
    this.#makeRoom();
    const abort = new AbortController();
    const listeners = new Set<OnProgress>();
    const onProgress: OnProgress = (done, total) => { for (const listener of listeners) listener(done, total); };
    const load = (): Promise<StageEngine> => this.#init.source.load({ ...request, maxSessions: this.#init.options.maxSessionsPerEngine, signal: abort.signal, onProgress });
    const engine = load().catch(async (error: unknown) => {
      // Memory may be what lacks, and others' engines that nobody holds have some.
      if (abort.signal.aborted || !toCoded(error).retryable || this.#idle().length === 0) throw error;
      await this.unloadIdle();
      return load();
    });
    const slot: Slot = { key: keyOf(request), request, abort, listeners, loaded: engine.then((loaded) => this.#loaded(slot, loaded)), entry: undefined, holders: 0, idle: undefined };
    this.#slots.set(slot.key, slot);
    slot.loaded.catch(() => this.#drop(slot));
    return slot;
  }

  async #loaded(slot: Slot, engine: StageEngine): Promise<EngineEntry> {
    const problem = this.#problem(slot, engine);
    const entry = problem === undefined ? await this.#init.createEntry(engine, slot.request) : undefined;
    // Making the entry takes a moment, in which nobody may want it any more.
    const late = problem ?? this.#problem(slot, engine);
    if (entry === undefined || late !== undefined) {
      await engine.dispose();
      this.#init.source.unloaded?.(slot.request);
      throw late ?? pipelineErrors.cancelled({});
    }
    slot.entry = entry;
    void engine.lost.then((reason) => {
      this.#drop(slot);
      entry.fail(reason);
    });
    return entry;
  }

  #problem(slot: Slot, engine: StageEngine): CodedError | undefined {
    const { layers } = slot.request;
    const got = engine.info.layers;
    if (this.#slots.get(slot.key) !== slot) return pipelineErrors.cancelled({});
    return got.first === layers.first && got.last === layers.last ? undefined : pipelineErrors.wrongLayers({ asked: layers, got });
  }

  #makeRoom(): void {
    const { maxEngines } = this.#init.options;
    if (this.#slots.size < maxEngines) return;
    const [idle] = this.#idle();
    if (idle === undefined) throw pipelineErrors.stageBusy({ limit: maxEngines, what: 'layer ranges' });
    this.#drop(idle);
  }

  #idle(): Slot[] {
    return [...this.#slots.values()].filter(({ holders }) => holders === 0);
  }

  #release(slot: Slot): void {
    slot.holders--;
    if (slot.holders > 0 || this.#slots.get(slot.key) !== slot) return;
    if (slot.entry === undefined) return this.#drop(slot);
    slot.idle = setTimeout(() => this.#drop(slot), this.#init.options.idleUnloadMs);
    slot.idle.unref();
  }

  #drop(slot: Slot): void {
    if (this.#slots.get(slot.key) !== slot) return;
    this.#slots.delete(slot.key);
    clearTimeout(slot.idle);
    slot.abort.abort(pipelineErrors.cancelled({}));
    const { entry } = slot;
    if (entry === undefined) return;
    const gone = entry.engine.dispose()
      .catch((error: unknown) => this.#init.logger.warn({ code: toCoded(error).code }, 'an engine did not unload cleanly'))
      .finally(() => { this.#unloading.delete(gone); this.#init.source.unloaded?.(slot.request); this.#init.onUnloaded(slot.request); });
    this.#unloading.add(gone);
  }
}

const keyOf = (r: RangeRequest): string => [r.modelHash, r.layers.first, r.layers.last, r.isFirst, r.isLast, r.contextTokens, r.batchTokens].join('/');

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(pipelineErrors.cancelled({}));
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
