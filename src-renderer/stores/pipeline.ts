import type { PipelineActivity, PipelineSample, Stage } from '../../src-preload/bridge/index.ts';
import type { Texts } from '../language/index.ts';
import { shortPeer } from './format.ts';

/** "3 stages on this machine · ready": what a chat says of its pipeline; empty while there is none. */
export function pipelineLine(stages: readonly Stage[], activity: PipelineActivity | undefined, texts: Texts['pipeline']): string {
  if (stages.length === 0) return '';
  // Node processes of this machine are peers of their own.
  const machines = new Set(stages.map(({ peerId, ownership }) => (ownership === 'this-machine' ? ownership : peerId))).size;
  const where = stages.every(({ ownership }) => ownership === 'this-machine') ? texts.stagesHere(stages.length) : texts.stagesOver(stages.length, machines);
  return [where, ...doing(stages, activity, texts)].join(' · ');
}

function doing(stages: readonly Stage[], { answering = 0, waiting = 0 }: Partial<PipelineActivity> = {}, texts: Texts['pipeline']): string[] {
  if (stages.some(({ state }) => state === 'lost')) return [texts.recovering];
  if (stages.some(({ state }) => state === 'loading')) return [texts.loading];
  if (answering + waiting === 0) return [texts.ready];
  return [...(answering > 0 ? [texts.answering(answering)] : []), ...(waiting > 0 ? [texts.waiting(waiting)] : [])];
}

/** Part of a token's way round: what it took, and whose. */
export interface Share {
  readonly what: 'compute' | 'wait' | 'wire';
  readonly stage: number;
  readonly ms: number;
}

/** Where a token's time goes, in the order of its way; empty while nothing was measured. */
export function sharesOf(stages: readonly Stage[]): readonly Share[] {
  return stages.flatMap(({ msPerToken, waitMsPerToken, wireMsPerToken }, stage) => {
    const parts: readonly (readonly [Share['what'], number | undefined])[] = [['wait', waitMsPerToken], ['compute', msPerToken], ['wire', wireMsPerToken]];
    return parts.flatMap(([what, ms]) => (ms === undefined || ms === 0 ? [] : [{ what, stage, ms }]));
  });
}

/** A point of a chart; without figures it is a gap. */
export type Row = { readonly atMs: number } & Partial<Omit<PipelineSample, 'atMs' | 'spanMs'>>;

/** A gap is what is longer than this many steps. */
const GAP = 1.5;

/**
 * Samples as a chart draws them. A sample stands for the time before it: each line holds its value over that. Where time is missing between two, or a
 * figure is, the line ends and begins anew: nothing is drawn that was not measured.
 */
export function rowsOf(samples: readonly PipelineSample[], stepMs: number): readonly Row[] {
  const rows: Row[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const { atMs, spanMs, ...figures } of samples) {
    const fromMs = atMs - Math.min(spanMs, stepMs);
    if (fromMs - lastMs > (GAP - 1) * stepMs) {
      if (Number.isFinite(lastMs)) rows.push({ atMs: lastMs + 1 });
      rows.push({ atMs: fromMs, ...figures });
    }
    rows.push({ atMs, ...figures });
    lastMs = atMs;
  }
  return rows;
}

/** What was known, with a newer one; what is older than the span goes. */
export function withSample(samples: readonly PipelineSample[], sample: PipelineSample, spanMs: number): readonly PipelineSample[] {
  const newest = samples.at(-1);
  if (newest !== undefined && newest.atMs >= sample.atMs) return samples;
  return [...samples.filter(({ atMs }) => atMs > sample.atMs - spanMs), sample];
}

/** A planner's sentence, with peer ids as short as elsewhere on the page. */
export const shortSentence = (text: string): string => text.replaceAll(/\b12D3KooW\w+/g, shortPeer);

/** "12 % slower than predicted"; by the speed, where more is better. */
export function deviation(predicted: number, measured: number, texts: Texts['pipeline']): string {
  const percent = predicted === 0 ? 0 : Math.round(((measured - predicted) / predicted) * 100);
  return percent === 0 ? texts.asPredicted : percent > 0 ? texts.fasterThan(percent) : texts.slowerThan(-percent);
}
