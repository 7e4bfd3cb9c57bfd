import type { HeardToken } from '../coordinator/token-times.ts';
import { crossingsBetween, startOf } from './crossings.ts';
import type { RequestTrace, StageTrace } from './request-trace.ts';
import type { Span } from './threads.ts';

/** Tokens heard this close to each other were told together. */
const TOLD_TOGETHER_MS = 1;

/** What the coordinator and each stage did, and what passed between two stages. */
export const spansOf = (trace: RequestTrace): Span[] => [...requestSpans(trace), ...tokenSpans(trace), ...trace.stages.flatMap(stageSpans), ...wireSpans(trace)];

function requestSpans({ startedMs, placedMs, endedMs, tokens, promptTokens, reusedTokens }: RequestTrace): Span[] {
  const span = (name: string, startMs: number, endMs: number): Span => ({ name, category: 'request', process: 0, startMs, endMs, args: { promptTokens, reusedTokens } });
  const firstMs = tokens[0]?.heardMs;
  const startOfWork = placedMs ?? endedMs;
  return [
    span('wait for a place', startedMs, startOfWork),
    ...(placedMs === undefined ? [] : [span('prefill, to the first token', placedMs, firstMs ?? endedMs)]),
    ...(firstMs === undefined ? [] : [span('decode', firstMs, endedMs)]),
  ];
}

// Where the lane decodes, several tokens are told at once: one span for them, with what the last stage measured inside.
function tokenSpans({ placedMs, startedMs, tokens }: RequestTrace): Span[] {
  const handfuls: HeardToken[][] = [];
  for (const token of tokens) {
    const last = handfuls.at(-1);
    if (last !== undefined && token.heardMs - (last.at(-1)?.heardMs ?? 0) < TOLD_TOGETHER_MS) last.push(token);
    else handfuls.push([token]);
  }
  return handfuls.map((handful, i): Span => {
    const [first, last] = [handful[0] as HeardToken, handful.at(-1) as HeardToken];
    return {
      name: handful.length === 1 ? `token at ${first.position}` : `${handful.length} tokens at ${first.position}-${last.position}`, category: 'tokens', process: 0,
      startMs: handfuls[i - 1]?.at(-1)?.heardMs ?? placedMs ?? startedMs, endMs: last.heardMs,
      args: { tokens: handful.length, toldTogether: handful.length > 1, sampledAfterUs: handful.map(({ gapUs }) => gapUs ?? null) },
    };
  });
}

function stageSpans(stage: StageTrace | undefined): Span[] {
  if (stage === undefined) return [];
  return stage.steps.flatMap((step): Span[] => {
    const { position, rows, isPrefill, isLane, isDraft, endMs, computeUs, serialiseUs, waitUs } = step;
    const computeStartMs = endMs - computeUs / 1000;
    const framesStartMs = computeStartMs - serialiseUs / 1000;
    const span = (category: Span['category'], startMs: number, end: number): Span => ({
      name: `${isPrefill ? 'prefill' : 'decode'} ${rows === 1 ? position : `${position}-${position + rows - 1}`}`, category, process: stage.stage + 1, startMs, endMs: end,
      args: { position, rows, by: isLane ? 'lane' : 'mesh', ...(isDraft ? { draft: true } : {}), computeUs: Math.round(computeUs), serialiseUs: Math.round(serialiseUs), waitUs: Math.round(waitUs) },
    });
    return [
      ...(waitUs > 0 ? [span('queue', startOf(step), framesStartMs)] : []),
      // Reading, checking and writing are measured as one sum; it is drawn before the pass.
      ...(serialiseUs > 0 ? [span('frames', framesStartMs, computeStartMs)] : []),
      span('compute', computeStartMs, endMs),
    ];
  });
}

/** From the end of a pass to the arrival at the next stage; what the clocks' uncertainty makes negative is left out. */
function wireSpans({ stages }: RequestTrace): Span[] {
  if (stages.length < 2) return [];
  return stages.flatMap((from, index) => {
    const to = stages[(index + 1) % stages.length];
    if (from === undefined || to === undefined) return [];
    const uncertaintyUs = Math.round(from.ringUncertaintyUs ?? from.uncertaintyUs + to.uncertaintyUs);
    return crossingsBetween(from, to).filter(({ sentMs, arrivedMs }) => arrivedMs >= sentMs).map(({ step, sentMs, arrivedMs }): Span => ({
      name: `${to.stage === 0 ? 'token' : 'rows'} to stage ${to.stage}`, category: 'wire', process: index + 1, startMs: sentMs, endMs: arrivedMs, args: { position: step.position, rows: step.rows, uncertaintyUs },
    }));
  });
}
