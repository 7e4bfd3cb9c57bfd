import { isCoded, toCoded, type Clock } from '../../base/index.ts';
import { predictRoute, type PlacementRequest, type StageAssignment } from '../../pipeline/index.ts';
import type { AnswerDetail, PlacementView } from '../../../src-preload/bridge/index.ts';
import type { HostConfig } from '../config.ts';
import { layerFactsOf } from '../layer-facts.ts';
import { microBatchOf } from '../micro-batch.ts';
import type { Node } from '../node.ts';
import { planOverPeers, type PeerPlan } from '../peer-plan.ts';
import { planRecord } from '../planner-memory.ts';
import { whoAnswers } from '../who-answers.ts';

/** Links between peers are measured for this long at most. */
const SURVEY_MS = 3_000;
const MAX_TEXTS = 256;

export interface PlanRouteRequest {
  readonly node: Node;
  readonly config: HostConfig;
  readonly model: { readonly name: string; readonly hash: string; readonly path: string };
  /** The stages that answer now. */
  readonly route: readonly Pick<StageAssignment, 'peer' | 'layers'>[];
  /** Of nodes that may run stages, with the peer id at the end of each. */
  readonly addresses: readonly string[];
  /** Of this model, the newest first. */
  readonly recent: readonly AnswerDetail[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type Expected = NonNullable<PlacementView['measured']>;
type Stages = PlacementView['current']['stages'];

/** What the planner says of the nodes that are known, against what runs and what it was measured to do. Loads nothing. */
export async function planRoute(request: PlanRouteRequest): Promise<PlacementView> {
  const { node, config, model, route, recent, clock, signal } = request;
  const { answering, silent } = await whoAnswers(node, request);
  const usual = usualOf(recent);
  const about = { model: model.name, madeAt: clock.now(), asked: answering.map(({ peer }) => peer), silent, ...(usual === undefined ? {} : { measured: usual.measured }) };
  const stages = stagesOf(route);
  try {
    const plan = await planOverPeers(node, {
      home: config.home, addresses: answering.map(({ address }) => address), modelHash: model.hash, layers: await layerFactsOf(model.path, 'f16'), contextTokens: config.contextTokens,
      batchTokens: microBatchOf(config).batchTokens, surveyMs: SURVEY_MS, mayFetch: true, signal,
    });
    const asUsual: PlacementRequest = usual === undefined ? plan.request : { ...plan.request, load: { ...plan.request.load, ...usual.load } };
    const predicted = expected(asUsual, route);
    const record = planRecord(plan.memory, model.hash);
    return { ...about, current: { stages, ...(predicted === undefined ? {} : { predicted }) }, plan: planView(plan, asUsual), ...(record === undefined ? {} : { record }) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // That there is no plan is an answer as well.
    if (isCoded(error) && error.code.startsWith('PIPELINE_')) return { ...about, current: { stages }, refusal: toCoded(error).toWire() };
    throw error;
  }
}

function planView({ placement }: PeerPlan, asUsual: PlacementRequest): NonNullable<PlacementView['plan']> {
  const { stages, predicted: { ttftMs, tokensPerSecond }, isOptimal, explanation, leftOut } = placement;
  return {
    stages: stagesOf(stages), isOptimal, predicted: expected(asUsual, stages) ?? { ttftMs, tokensPerSecond }, explanation: explanation.slice(0, MAX_TEXTS).map((text) => text.slice(0, 4_000)),
    leftOut: leftOut.slice(0, MAX_TEXTS).map(({ peer, text }) => ({ peerId: peer, text })),
  };
}

const stagesOf = (route: PlanRouteRequest['route']): Stages => route.map(({ peer, layers }) => ({ peerId: peer, layers: [layers.first, layers.last] as const }));

/** Undefined where the planner knows nothing of a stage. */
function expected(request: PlacementRequest, route: PlanRouteRequest['route']): { ttftMs: number; tokensPerSecond: number } | undefined {
  try {
    const { ttftMs, tokensPerSecond } = predictRoute(request, route);
    return Number.isFinite(ttftMs) && Number.isFinite(tokensPerSecond) ? { ttftMs, tokensPerSecond } : undefined;
  } catch (error) {
    if (isCoded(error)) return undefined;
    throw error;
  }
}

/** Medians of whole answers that no loss held up, and how long those answers and their prompts were, so that both are of the same work. */
function usualOf(recent: readonly AnswerDetail[]): { readonly measured: Expected; readonly load: { readonly promptTokens: number; readonly answerTokens: number } } | undefined {
  const whole = recent.flatMap(({ ttftMs, tokensPerSecond, failovers, queuedMs = 0, ...rest }) => (ttftMs === undefined || tokensPerSecond === undefined || failovers > 0 ? [] : [{ ...rest, ttftMs: Math.max(0, ttftMs - queuedMs), tokensPerSecond }]));
  if (whole.length === 0) return undefined;
  const median = (of: (answer: (typeof whole)[number]) => number): number => whole.map(of).toSorted((a, b) => a - b)[Math.ceil(whole.length / 2) - 1] ?? 0;
  return {
    measured: { answers: whole.length, ttftMs: median(({ ttftMs }) => ttftMs), tokensPerSecond: median(({ tokensPerSecond }) => tokensPerSecond) },
    load: { promptTokens: Math.max(1, median(({ promptTokens, reusedTokens }) => promptTokens - reusedTokens)), answerTokens: Math.max(1, median(({ tokens }) => tokens)) },
  };
}
