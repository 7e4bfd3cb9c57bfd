import { systemClock, type Clock, type PeerId } from '../base/index.ts';
import { learn, predictRoute, type EndedAnswer, type PlacedStage } from '../pipeline/index.ts';
import type { Node } from './node.ts';
import type { PeerPlan } from './peer-plan.ts';
import { correctionsFor, updatePlannerMemory, withLesson, type PlannerMemory } from './planner-memory.ts';
import type { Answer } from './session.ts';
import { WriteBehind } from './write-behind.ts';

/** A crash costs what was learnt since. */
const WRITE_EVERY_MS = 5_000;
/** Of a shorter answer the pace is chance, and where it was stopped early, not even its prompt need have been computed. */
const LEAST_TOKENS = 8;

export type Taught = Pick<Answer, 'stats' | 'stages'>;
type Lesson = (memory: PlannerMemory) => PlannerMemory;

/** Its figures are of the stages alone: it came to its end on the stages where it began, nobody else's answer beside it, and long enough to have a pace. */
export const isSettled = ({ reason, isAlone, stats }: Pick<EndedAnswer, 'reason' | 'isAlone' | 'stats'>): boolean =>
  reason !== 'failed' && isAlone && stats.failovers === 0 && stats.generatedTokens >= LEAST_TOKENS;

/** What an answer over planned stages taught: what the nodes were worth, and how the plan turned out. Undefined for one that went over other stages. */
export function lessonOf({ placement, request, peers, modelHash }: Pick<PeerPlan, 'placement' | 'request' | 'peers' | 'modelHash'>, { stats, stages }: Taught, nowMs: number): Lesson | undefined {
  if (stats.failovers > 0 || !ranAsPlanned(placement.stages, stages)) return undefined;
  const { tokensPerSecond, generatedTokens } = stats;
  // Opening sessions is no part of what a plan promises.
  const ttftMs = stats.ttftMs === undefined ? undefined : Math.max(0, stats.ttftMs - (stats.queuedMs ?? 0));
  const promptTokens = stats.promptTokens - stats.reusedTokens;
  const predicted = predictRoute({ ...request, load: { ...request.load, promptTokens, answerTokens: generatedTokens } }, placement.stages);
  const answer = ttftMs === undefined || tokensPerSecond === undefined ? undefined : {
    stages: placement.stages.length, promptTokens, answerTokens: generatedTokens,
    predicted: { ttftMs: predicted.ttftMs, tokensPerSecond: predicted.tokensPerSecond }, measured: { ttftMs, tokensPerSecond },
  };
  const isMeasured = (peer: PeerId): boolean => peers.find((facts) => facts.peer === peer)?.node.isMeasured ?? false;
  const nodes = placement.stages.map(({ peer }) => ({ peer, isMeasured: isMeasured(peer) }));
  return (memory) => withLesson(memory, { modelHash, nodes, corrections: learn(correctionsFor(memory, modelHash, peers), placement.stages, stats), answer }, nowMs);
}

const ranAsPlanned = (planned: readonly PlacedStage[], ran: Answer['stages']): boolean =>
  planned.length === ran.length && planned.every(({ peer, layers }, i) => ran[i]?.peerId === peer && ran[i].layers[0] === layers.first && ran[i].layers[1] === layers.last);

export interface LessonsInit {
  readonly home: string;
  readonly plan: PeerPlan;
  readonly logger: Node['logger'];
  readonly clock?: Clock;
  readonly everyMs?: number;
}

/** What answers taught, on its way into `planner.json`: now and then while they follow each other, and when they are over. */
export class Lessons {
  readonly #init: LessonsInit;
  readonly #writing: WriteBehind;
  #pending: Lesson[] = [];

  constructor(init: LessonsInit) {
    this.#init = init;
    this.#writing = new WriteBehind(() => this.#write(), init.everyMs ?? WRITE_EVERY_MS);
  }

  /** For an answer that had the stages for itself. */
  add(answer: Taught): void {
    const { plan, clock = systemClock } = this.#init;
    const lesson = lessonOf(plan, answer, clock.now());
    if (lesson === undefined) return;
    this.#pending.push(lesson);
    this.#writing.changed();
  }

  /** Resolves when what was learnt is on the disk, or cannot be. */
  flush(): Promise<void> {
    return this.#writing.flush();
  }

  async #write(): Promise<void> {
    const { home, logger, clock = systemClock } = this.#init;
    const lessons = this.#pending;
    this.#pending = [];
    await updatePlannerMemory(home, (memory) => lessons.reduce((known, lesson) => lesson(known), memory), { logger, nowMs: clock.now() });
  }
}
