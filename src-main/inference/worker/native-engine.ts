import type { NativeAddon, NativeForward, NativeOutput, StageHandle } from '../../../native/index.d.ts';
import { toCoded, SerialQueue } from '../../base/index.ts';
import { engineErrors, fromNative } from '../errors.ts';
import { availableBytes } from '../memory/check-memory.ts';
import type { DecodeLane, LaneListener } from '../engine/lane.ts';
import type { ForwardItem, ForwardResult, OpenOptions, SamplingOptions, StageEngine, StageInfo, StageLoadOptions, StageOutput, TakeOptions, TappedWindow } from '../engine/types.ts';
import { compileGrammar } from './compile-grammar.ts';
import { NativeLane } from './native-lane.ts';

/** The engine in this very process: what the worker hosts. A crash of llama.cpp takes the process with it. */
export async function createNativeEngine(addon: NativeAddon, options: StageLoadOptions): Promise<StageEngine> {
  const { layers, pinThreads = false, ...native } = options;
  const freeBytes = await availableBytes();
  const stage = await addon.loadStage({ ...native, pinThreads, freeBytes }).catch((error: unknown) => { throw fromNative(error, freeBytes); });
  return new NativeEngine(addon, stage, { ...addon.stageInfo(stage), layers });
}

class NativeEngine implements StageEngine {
  readonly info: StageInfo;
  readonly lost = new Promise<Error>(() => undefined);
  readonly #addon: NativeAddon;
  readonly #stage: StageHandle;
  // The addon's contract: calls on one stage do not overlap.
  readonly #queue = new SerialQueue();
  #disposal: Promise<void> | undefined;
  #lane: NativeLane | undefined;

  constructor(addon: NativeAddon, stage: StageHandle, info: StageInfo) {
    this.#addon = addon;
    this.#stage = stage;
    this.info = info;
  }

  open(sampling: SamplingOptions, { record, shape }: OpenOptions = {}): Promise<number> {
    return this.#run(() => {
      const native = shape === undefined ? null : { grammar: compileGrammar(shape.grammar), spelling: shape.spelling };
      return this.#addon.openSession(this.#stage, sampling, record ?? 'none', native);
    });
  }

  takeWindows(session: number, { end, most }: TakeOptions): Promise<readonly TappedWindow[]> {
    return this.#run(() => this.#addon.takeWindows(this.#stage, session, end, most));
  }

  close(session: number): Promise<void> {
    return this.#run(async () => void (await this.#addon.closeSession(this.#stage, session)));
  }

  rollback(session: number, position: number): Promise<void> {
    return this.#run(async () => void (await this.#addon.rollback(this.#stage, session, position)));
  }

  forward(batch: readonly ForwardItem[]): Promise<ForwardResult> {
    return this.#run(async () => {
      const outputs: StageOutput[] = [];
      let computeMs = 0;
      for (const item of batch) {
        const out = await this.#addon.forward(this.#stage, toNative(item));
        computeMs += out.computeMs;
        outputs.push(fromOutput(item, out));
      }
      return { outputs, computeMs };
    });
  }

  // Async throughout, so that a failure is a rejection in every kind of engine.
  async openLane(bindHost: string, listener: LaneListener): Promise<DecodeLane> {
    if (this.#disposal !== undefined) throw engineErrors.disposed({ detail: '' });
    if (this.#lane !== undefined) throw engineErrors.noLane({ detail: 'it is already open' });
    this.#lane = new NativeLane(this.#addon, this.#stage, { bindHost, listener });
    return Promise.resolve(this.#lane);
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#queue.add(async () => {
      await this.#lane?.close();
      await this.#addon.disposeStage(this.#stage);
    });
    return this.#disposal;
  }

  #run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#disposal !== undefined) return Promise.reject(engineErrors.disposed({ detail: '' }));
    return this.#queue.add(async () => {
      if (this.#disposal !== undefined) throw engineErrors.disposed({ detail: '' });
      try {
        return await call();
      } catch (error) {
        throw error instanceof Error && 'nativeCode' in error ? fromNative(error) : toCoded(error);
      }
    });
  }
}

function toNative({ session, position, input, want }: ForwardItem): NativeForward {
  const wanted = want.kind === 'hidden' ? want.dtype : want.kind;
  if (input.kind === 'tokens') return { session, position, rows: input.tokens.length, input: 'tokens', data: input.tokens, want: wanted };
  return { session, position, rows: input.rows, input: input.dtype, data: input.data, want: wanted };
}

function fromOutput({ input, want }: ForwardItem, out: NativeOutput): StageOutput {
  const rows = input.kind === 'tokens' ? input.tokens.length : input.rows;
  if (want.kind === 'hidden') return { kind: 'hidden', dtype: want.dtype, rows, data: out.hidden ?? new Uint8Array() };
  if (want.kind === 'none') return { kind: 'none' };
  return { kind: 'sampled', token: out.token ?? -1, logprob: out.logprob ?? Number.NaN, top: out.top ?? [] };
}
