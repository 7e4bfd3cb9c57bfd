import { parseArgs } from 'node:util';
import { systemClock } from '../../src-main/base/index.ts';
import { planPlacement } from '../../src-main/pipeline/index.ts';
import { CostModel } from '../../src-main/pipeline/placement/model.ts';
import { approximate, solveExactly } from '../../src-main/pipeline/placement/solve.ts';
import { cheapestByHand, randomRequest, type RandomPlacement } from '../support/placements.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, cases: { type: 'string', default: '1000' }, medium: { type: 'string', default: '40' }, rounds: { type: 'string', default: '15' } } });
const OBJECTIVES = ['latency', 'throughput'] as const;
/** Memory of all nodes together / memory needed: scarce, some, plenty. */
const ROOMS = [1.5, 3, 8];

function seconds<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const start = systemClock.monotonicMs();
  const result = work();
  return { ms: systemClock.monotonicMs() - start, result };
}

/** Random small instances: how many plans cost what the cheapest of all placements costs. */
function compareSmall(count: number) {
  let [cases, optimal, proven, none] = [0, 0, 0, 0];
  for (let seed = 0; seed < count; seed++) {
    const request = randomRequest({ seed, nodes: 1 + seed % 5, layers: 1 + (seed >> 2) % 7, objective: seed % 2 === 0 ? 'latency' : 'throughput', room: ROOMS[seed % 3]!, isRagged: seed % 5 < 3 });
    const least = cheapestByHand(request);
    cases++;
    try {
      const plan = planPlacement(request);
      if (Math.abs(plan.cost / least - 1) < 1e-9) optimal++;
      if (plan.isOptimal) proven++;
    } catch {
      // Right exactly when there is no placement at all.
      none++;
      if (least === Infinity) [optimal, proven] = [optimal + 1, proven + 1];
    }
  }
  return { cases, optimal, proven, none };
}

/** Beams and local search alone, as large problems get, against the exact search. */
function compareMedium(options: Omit<RandomPlacement, 'seed'>, count: number) {
  const gaps: number[] = [];
  const planGaps: number[] = [];
  const [roughMs, planMs, exactMs]: [number[], number[], number[]] = [[], [], []];
  let proven = 0;
  for (let seed = 0; gaps.length < count && seed < 4 * count; seed++) {
    const request = randomRequest({ ...options, seed });
    const model = new CostModel(request);
    const span = { from: 0, to: model.edges.length - 1 };
    const rough = seconds(() => approximate(model, span));
    const cost = rough.result === undefined ? Infinity : model.cost(rough.result);
    const exact = seconds(() => solveExactly(model, { ...span, upper: cost, limit: 1_000_000 }, rough.result));
    if (exact.result === undefined || !exact.result.isOptimal) continue;
    gaps.push(cost / model.cost(exact.result.path) - 1);
    roughMs.push(rough.ms);
    exactMs.push(exact.ms);
    const plan = seconds(() => planPlacement(request));
    planMs.push(plan.ms);
    planGaps.push(plan.result.cost / model.cost(exact.result.path) - 1);
    if (plan.result.isOptimal) proven++;
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { ...options, cases: gaps.length, optimal: gaps.filter((gap) => gap < 1e-9).length, meanGap: mean(gaps), maxGap: Math.max(...gaps), planMeanGap: mean(planGaps), planMaxGap: Math.max(...planGaps), planProven: proven, roughMs: median(roughMs), planMs: median(planMs), exactMs: median(exactMs) };
}

/** The whole of `planPlacement`, replicas and explanation included, each time on another instance. */
function timeLarge(rounds: number) {
  const runs = OBJECTIVES.flatMap((objective) => ROOMS.map((room) => {
    const timesMs: number[] = [];
    let stages = 0;
    for (let seed = 0; seed < rounds; seed++) {
      const request = randomRequest({ seed, nodes: 64, layers: 128, objective, room });
      const { ms, result } = seconds(() => planPlacement(request));
      timesMs.push(ms);
      stages = result.stages.length;
    }
    return { objective, room, stages, medianMs: median(timesMs), worstMs: Math.max(...timesMs), timesMs };
  }));
  return { runs, ms128x64: median(runs.flatMap(({ timesMs }) => timesMs)) };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

function main(): void {
  const host = hostFacts();
  const small = compareSmall(Number(args.cases));
  const sizes = [{ nodes: 8, layers: 24 }, { nodes: 10, layers: 16 }, { nodes: 12, layers: 12 }];
  const medium = OBJECTIVES.flatMap((objective) => ROOMS.flatMap((room) => sizes.map((size) => compareMedium({ ...size, objective, room }, Number(args.medium)))));
  timeLarge(1);
  const large = timeLarge(Number(args.rounds));
  const over = (of: (m: (typeof medium)[number]) => number): number => medium.reduce((sum, m) => sum + of(m) * m.cases, 0) / medium.reduce((sum, m) => sum + m.cases, 0);
  const gap = {
    search: { mean: over((m) => m.meanGap), max: Math.max(...medium.map((m) => m.maxGap)) },
    plan: { mean: over((m) => m.planMeanGap), max: Math.max(...medium.map((m) => m.planMaxGap)) },
  };
  const result = { name: 'placement', host, ...small, ms128x64: large.ms128x64, gap, medium, runs: large.runs };
  const text = [
    `${host.cpu}, ${host.cores} cores, load ${host.loadAtStart.toFixed(2)} at start`, '',
    `128 layers x 64 nodes: ${large.ms128x64.toFixed(1)} ms (median)`,
    `medium: the search alone costs ${percent(gap.search.mean)} more than the optimum (mean; most ${percent(gap.search.max)}), the plan ${percent(gap.plan.mean)} (${percent(gap.plan.max)})`,
    `small: ${small.optimal} of ${small.cases} as cheap as brute force's best (${small.none} of them: no placement exists)`, '',
    table(['nodes x layers', 'objective', 'memory', 'cases', 'search alone optimal', 'its mean gap', 'largest', 'plan proven', 'its mean gap', 'largest', 'search ms', 'plan ms', 'exact ms'], medium.map((m) => [`${m.nodes} x ${m.layers}`, m.objective, `${m.room} x`, m.cases, m.optimal, percent(m.meanGap), percent(m.maxGap), m.planProven, percent(m.planMeanGap), percent(m.planMaxGap), m.roughMs.toFixed(1), m.planMs.toFixed(1), m.exactMs.toFixed(1)])), '',
    table(['64 nodes x 128 layers', 'memory', 'median ms', 'worst ms'], large.runs.map((run) => [run.objective, `${run.room} x`, run.medianMs.toFixed(1), run.worstMs.toFixed(1)])),
  ].join('\n');
  print(result, text);
}

main();
