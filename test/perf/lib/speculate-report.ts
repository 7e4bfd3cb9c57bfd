import { median, table } from './report.ts';

/** One answer, twice in turn: without guessing and with it. Times in ms per token. */
export interface SpeculateRun {
  readonly round: number;
  readonly model: string;
  readonly text: string;
  readonly rttMs: number;
  readonly offMs: number;
  readonly onMs: number;
  readonly tokens: number;
  readonly drafted: number;
  readonly accepted: number;
  readonly isExact: boolean;
}

/** Times are medians over the answers and rounds; ratios are medians of the pairs' ratios. */
export interface SpeculateRow {
  readonly model: string;
  readonly text: string;
  readonly rttMs: number;
  readonly offMs: number;
  readonly onMs: number;
  /** With guessing over without. */
  readonly ratio: number;
  /** C + S r/2, with C the time without guessing at no round trip time. */
  readonly expectedMs: number;
  readonly offOverExpected: number;
  readonly onOverExpected: number;
  /** Drafts that came true over drafts. */
  readonly acceptance: number | null;
  /** Tokens that were guessed over tokens. */
  readonly guessed: number;
}

const rounded = (value: number): number => Number(value.toFixed(4));

export function summarise(runs: readonly SpeculateRun[], stages: number): SpeculateRow[] {
  const keys = [...new Set(runs.map(({ model, text, rttMs }) => JSON.stringify([model, text, rttMs])))];
  return keys.map((key) => {
    const [model, text, rttMs] = JSON.parse(key) as [string, string, number];
    const all = runs.filter((run) => run.model === model && run.text === text);
    const here = all.filter((run) => run.rttMs === rttMs);
    const sum = (of: (run: SpeculateRun) => number): number => here.reduce((total, run) => total + of(run), 0);
    const [offMs, onMs] = [median(here.map((run) => run.offMs)), median(here.map((run) => run.onMs))];
    const expectedMs = median(all.filter((run) => run.rttMs === 0).map((run) => run.offMs)) + (stages * rttMs) / 2;
    const drafted = sum((run) => run.drafted);
    return {
      model, text, rttMs, offMs: rounded(offMs), onMs: rounded(onMs), ratio: rounded(median(here.map((run) => run.onMs / run.offMs))), expectedMs: rounded(expectedMs),
      offOverExpected: rounded(offMs / expectedMs), onOverExpected: rounded(onMs / expectedMs),
      acceptance: drafted === 0 ? null : rounded(sum((run) => run.accepted) / drafted), guessed: rounded(sum((run) => run.accepted) / sum((run) => run.tokens)),
    };
  });
}

export function tableOf(rows: readonly SpeculateRow[], stages: number): string {
  const ms = (value: number): string => value.toFixed(2);
  const head = ['model', 'text', 'RTT ms', 'ms/token', 'guessing', 'ratio', `C + ${stages} r/2`, '÷ that', 'guessing ÷ that', 'drafts accepted', 'tokens guessed'];
  return table(head, rows.map((row) => [
    row.model, row.text, row.rttMs, ms(row.offMs), ms(row.onMs), row.ratio.toFixed(3), ms(row.expectedMs), row.offOverExpected.toFixed(3), row.onOverExpected.toFixed(3),
    row.acceptance === null ? 'none drafted' : `${(100 * row.acceptance).toFixed(0)} %`, `${(100 * row.guessed).toFixed(0)} %`,
  ]));
}
