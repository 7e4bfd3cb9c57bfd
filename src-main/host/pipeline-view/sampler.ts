import { RingLog, type Clock } from '../../base/index.ts';
import { PIPELINE_LIMITS, stepOf, thin, type PipelineSample } from '../../../src-preload/bridge/index.ts';

const SAMPLE_MS = 2_000;
/** After a longer time (the machine slept) nobody knows when within it something was: there is no sample of it. */
const MOST_MS = 3 * SAMPLE_MS;
const KEPT = PIPELINE_LIMITS.maxSpanMs / SAMPLE_MS;

interface LinkBytes {
  readonly peer: string;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface SamplerInit {
  readonly clock: Clock;
  /** Of all answers since the host began. */
  readonly tokens: () => number;
  /** Answers are under way: what went between stages for them is not known yet. */
  readonly isAnswering: () => boolean;
  /** Since each peer is connected. */
  readonly links: () => readonly LinkBytes[];
  readonly memory: () => Pick<PipelineSample, 'hostBytes' | 'stagesBytes'>;
  readonly onSample: (sample: PipelineSample) => void;
}

interface Kept extends Omit<PipelineSample, 'stageBytesPerSecond'> {
  /** By the clock that only goes forward: each begins where the one before ended, however late `atMs` was looked up. */
  readonly endedMs: number;
  /** Undefined: not known, or not yet. */
  stageBytes: number | undefined;
}

interface Baseline {
  readonly monotonicMs: number;
  readonly tokens: number;
  readonly links: ReadonlyMap<string, LinkBytes>;
}

/** Looks every 2 s at what the pipeline, the mesh and the machine did, and remembers an hour of it. */
export class Sampler {
  readonly #init: SamplerInit;
  readonly #ring = new RingLog<Kept>(KEPT);
  #baseline: Baseline;
  /** Of answers that ended since the last sample. */
  #ttftsMs: number[] = [];
  #stageBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(init: SamplerInit) {
    this.#init = init;
    this.#baseline = this.#look();
  }

  start(): void {
    this.#baseline = this.#look();
    this.#timer = setInterval(() => this.take(), SAMPLE_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Tells what was since the last one; nothing after a gap. */
  take(): void {
    const { clock, isAnswering, memory, onSample } = this.#init;
    const [before, now] = [this.#baseline, this.#look()];
    const [ttftsMs, stageBytes] = [this.#ttftsMs, this.#stageBytes];
    this.#baseline = now;
    this.#ttftsMs = [];
    this.#stageBytes = 0;
    const spanMs = now.monotonicMs - before.monotonicMs;
    if (spanMs <= 0 || spanMs > MOST_MS) return;
    const perSecond = (amount: number): number => (amount / spanMs) * 1000;
    const sent = [...now.links.values()].reduce((sum, link) => ({ out: sum.out + grown(before, link, 'sentBytes'), in: sum.in + grown(before, link, 'receivedBytes') }), { out: 0, in: 0 });
    const kept: Kept = {
      atMs: clock.now(), endedMs: now.monotonicMs, spanMs, tokensPerSecond: perSecond(Math.max(0, now.tokens - before.tokens)), sentBytesPerSecond: perSecond(sent.out), receivedBytesPerSecond: perSecond(sent.in),
      ...(ttftsMs.length === 0 ? {} : { ttftMs: ttftsMs.reduce((sum, ms) => sum + ms, 0) / ttftsMs.length }), ...memory(),
      stageBytes: isAnswering() ? undefined : stageBytes,
    };
    this.#ring.push(kept);
    onSample(toSample(kept));
  }

  /** An answer is over: what it took of the stages' links belongs to the time that it took. */
  answered({ ttftMs, durationMs, stageBytes }: { readonly ttftMs: number | undefined; readonly durationMs: number; readonly stageBytes: number | undefined }): void {
    if (ttftMs !== undefined) this.#ttftsMs.push(ttftMs);
    if (stageBytes === undefined || durationMs <= 0) return;
    const nowMs = this.#init.clock.monotonicMs();
    const fromMs = nowMs - durationMs;
    const share = (aMs: number, bMs: number): number => (stageBytes * Math.max(0, Math.min(bMs, nowMs) - Math.max(aMs, fromMs))) / durationMs;
    for (const kept of this.#ring.toArray()) {
      const bytes = share(kept.endedMs - kept.spanMs, kept.endedMs);
      if (bytes > 0) kept.stageBytes = (kept.stageBytes ?? 0) + bytes;
    }
    this.#stageBytes += share(this.#baseline.monotonicMs, nowMs);
  }

  samples(spanMs: number): { readonly stepMs: number; readonly samples: readonly PipelineSample[] } {
    const sinceMs = this.#init.clock.now() - spanMs;
    const stepMs = stepOf(spanMs);
    return { stepMs, samples: thin(this.#ring.toArray().filter(({ atMs }) => atMs > sinceMs).map(toSample), stepMs) };
  }

  #look(): Baseline {
    const { clock, tokens, links } = this.#init;
    return { monotonicMs: clock.monotonicMs(), tokens: tokens(), links: new Map(links().map((link) => [link.peer, link])) };
  }
}

/** A peer that came, or came again, began at nothing. */
function grown(before: Baseline, link: LinkBytes, what: 'sentBytes' | 'receivedBytes'): number {
  const old = before.links.get(link.peer)?.[what] ?? 0;
  return link[what] >= old ? link[what] - old : link[what];
}

const toSample = ({ stageBytes, endedMs: _, ...rest }: Kept): PipelineSample => ({ ...rest, ...(stageBytes === undefined ? {} : { stageBytesPerSecond: (stageBytes / rest.spanMs) * 1000 }) });
