import { placeOnThreads, type PlacedSpan } from './threads.ts';
import { spansOf } from './spans.ts';
import type { RequestTrace } from './request-trace.ts';

/** Times in µs. The "Trace Event Format" of Chromium: complete (X) and metadata (M) events. */
export type ChromeEvent =
  | { readonly ph: 'X'; readonly name: string; readonly cat: string; readonly pid: number; readonly tid: number; readonly ts: number; readonly dur: number; readonly args: Readonly<Record<string, unknown>> }
  | { readonly ph: 'M'; readonly name: 'process_name' | 'thread_name' | 'process_sort_index' | 'thread_sort_index'; readonly pid: number; readonly tid: number; readonly args: Readonly<Record<string, unknown>> };

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly ChromeEvent[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

const CLOCKS = 'Each node times with its own clock. The coordinator put them on its own with half of a measured round trip, and where that was too coarse for rows to arrive after they were sent, against each other by the time of the ring in even shares: spans of different nodes may be shifted against each other by the uncertainty given, and spans on "wire" are as uncertain as both their ends.';

/** For https://ui.perfetto.dev or chrome://tracing: one process per node, one thread per kind of span. Starts at 0. */
export function chromeTrace(trace: RequestTrace): ChromeTrace {
  const spans = placeOnThreads(spansOf(trace));
  const originMs = spans.reduce((least, { startMs }) => Math.min(least, startMs), trace.startedMs);
  const us = (ms: number): number => Math.round(ms * 1000);
  const complete = spans
    .map(({ name, category, process, threadId, startMs, endMs, args }) => ({ ph: 'X' as const, name, cat: category, pid: process, tid: threadId, ts: us(startMs - originMs), dur: Math.max(0, us(endMs - originMs) - us(startMs - originMs)), args }))
    // Stable, so that each thread keeps its order.
    .toSorted((a, b) => a.ts - b.ts);
  return { displayTimeUnit: 'ms', traceEvents: [...processNames(trace), ...threadNames(spans), ...complete], metadata: metadataOf(trace) };
}

function processNames({ stages }: RequestTrace): ChromeEvent[] {
  const names = ['coordinator', ...stages.map((stage, i) => (stage === undefined ? `stage ${i} (no trace)` : `stage ${i}, layers ${stage.layers.first}-${stage.layers.last}, ${stage.peer}`))];
  return names.flatMap((name, pid): ChromeEvent[] => [
    { ph: 'M', name: 'process_name', pid, tid: 0, args: { name } },
    { ph: 'M', name: 'process_sort_index', pid, tid: 0, args: { sort_index: pid } },
  ]);
}

function threadNames(spans: readonly PlacedSpan[]): ChromeEvent[] {
  const threads = new Map(spans.map((span) => [`${span.process}/${span.threadId}`, span]));
  return [...threads.values()].flatMap(({ process: pid, threadId: tid, threadName }): ChromeEvent[] => [
    { ph: 'M', name: 'thread_name', pid, tid, args: { name: threadName } },
    { ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } },
  ]);
}

const metadataOf = ({ promptTokens, reusedTokens, failovers, tokens, stages }: RequestTrace): Readonly<Record<string, unknown>> => ({
  tool: 'omninode', clocks: CLOCKS, promptTokens, reusedTokens, failovers, tokens: tokens.length,
  alignment: stages.map((stage, index) => ({ stage: index, uncertaintyUs: stage === undefined ? null : Math.round(stage.uncertaintyUs), ...(stage?.ringUncertaintyUs === undefined ? {} : { ringUncertaintyUs: Math.round(stage.ringUncertaintyUs) }), steps: stage?.steps.length ?? 0 })),
});
