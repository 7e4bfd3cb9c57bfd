import type { PipelineSample } from './pipeline.ts';

type Figure = Exclude<keyof PipelineSample, 'atMs' | 'spanMs'>;
/** Memory is told by its highest value, all else by its mean over the time that was measured. */
const FIGURES: Readonly<Record<Figure, 'mean' | 'most'>> = {
  tokensPerSecond: 'mean', ttftMs: 'mean', sentBytesPerSecond: 'mean', receivedBytesPerSecond: 'mean', stageBytesPerSecond: 'mean', hostBytes: 'most', stagesBytes: 'most',
};
const NAMES = Object.keys(FIGURES) as Figure[];

/** About so many points tell as much as a chart can show. */
const POINTS = 150;

/** How long one of the points is that show a span. */
export const stepOf = (spanMs: number): number => Math.max(2_000, Math.ceil(spanMs / POINTS / 2_000) * 2_000);

/** Joins samples, oldest first, that end in the same step; steps lie on the clock, so that thinning again changes nothing. Pure. */
export function thin(samples: readonly PipelineSample[], stepMs: number): PipelineSample[] {
  const groups = new Map<number, PipelineSample[]>();
  for (const sample of samples) {
    const step = Math.floor(sample.atMs / stepMs);
    const group = groups.get(step);
    if (group === undefined) groups.set(step, [sample]);
    else group.push(sample);
  }
  return [...groups.values()].map(join);
}

function join(group: readonly PipelineSample[]): PipelineSample {
  const [first, last] = [group[0], group.at(-1)];
  if (first === undefined || last === undefined || group.length === 1) return first ?? { atMs: 0, spanMs: 0 };
  const joined: { -readonly [K in keyof PipelineSample]: PipelineSample[K] } = { atMs: last.atMs, spanMs: group.reduce((sum, { spanMs }) => sum + spanMs, 0) };
  for (const name of NAMES) {
    const value = valueOf(group, name);
    if (value !== undefined) joined[name] = value;
  }
  return joined;
}

function valueOf(group: readonly PipelineSample[], name: Figure): number | undefined {
  const known = group.flatMap((sample) => (sample[name] === undefined ? [] : [{ value: sample[name], weight: sample.spanMs }]));
  if (known.length === 0) return undefined;
  if (FIGURES[name] === 'most') return Math.max(...known.map(({ value }) => value));
  const total = known.reduce((sum, { weight }) => sum + weight, 0);
  return total === 0 ? known.at(-1)?.value : known.reduce((sum, { value, weight }) => sum + value * weight, 0) / total;
}
