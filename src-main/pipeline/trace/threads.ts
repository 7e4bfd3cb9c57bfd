/** Something that took time in one process. */
export interface Span {
  readonly name: string;
  readonly category: SpanCategory;
  /** 0: the coordinator; k + 1: stage k. */
  readonly process: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** In the order in which their threads are shown. */
export const SPAN_CATEGORIES = ['request', 'tokens', 'queue', 'compute', 'frames', 'wire'] as const;
export type SpanCategory = (typeof SPAN_CATEGORIES)[number];

export interface PlacedSpan extends Span {
  readonly threadId: number;
  readonly threadName: string;
}

/** Threads of one kind in one process: frames of one session waiting at a time, and more. */
const THREADS_PER_CATEGORY = 100;
/** Times travel in whole µs: spans that follow each other may overlap by their rounding. */
const ROUNDING_MS = 0.002;

/**
 * One thread per kind of span; where spans of a kind overlap, as waiting micro-batches do, the later one goes to the
 * next thread of that kind: viewers show spans of one thread as nested.
 */
export function placeOnThreads(spans: readonly Span[]): PlacedSpan[] {
  const busyUntil = new Map<string, number[]>();
  return spans.filter(({ startMs, endMs }) => endMs >= startMs).toSorted((a, b) => a.startMs - b.startMs || b.endMs - a.endMs).map((span) => {
    const key = `${span.process}/${span.category}`;
    const ends = busyUntil.get(key) ?? [];
    const free = ends.findIndex((endMs) => endMs <= span.startMs + ROUNDING_MS);
    const index = free === -1 ? Math.min(ends.length, THREADS_PER_CATEGORY - 1) : free;
    const startMs = free === -1 ? span.startMs : Math.max(span.startMs, ends[index] ?? 0);
    const endMs = Math.max(startMs, span.endMs);
    ends[index] = endMs;
    busyUntil.set(key, ends);
    return { ...span, startMs, endMs, threadId: 1 + SPAN_CATEGORIES.indexOf(span.category) * THREADS_PER_CATEGORY + index, threadName: index === 0 ? span.category : `${span.category} ${index + 1}` };
  });
}
