import type { TappedRows, TappedWindow } from '../../inference/index.ts';
import { commitEntries } from './commitment.ts';
import type { Committed, Receipt } from './receipt.ts';

/** What a receipt says of its window alone. */
export type WindowFields = Pick<Receipt, 'first' | 'count' | 'inputTokens' | 'sampledTokens' | 'input' | 'output' | 'startedMs' | 'endedMs'>;

/** Commits to a window that an engine kept. */
export const windowFields = ({ first, count, startedMs, endedMs, tokens, sampled, input, output }: TappedWindow): WindowFields => ({
  first, count, startedMs: Math.floor(startedMs), endedMs: Math.floor(endedMs),
  inputTokens: tokens === undefined ? null : [...tokens], sampledTokens: sampled === undefined ? null : [...sampled],
  input: committedTo(input), output: committedTo(output),
});

function committedTo(rows: TappedRows | undefined): Committed | null {
  if (rows === undefined) return null;
  const entries = Array.from({ length: rows.entries.length / 2 }, (_, i) => ({ index: rows.entries[2 * i] ?? 0, bits: rows.entries[2 * i + 1] ?? 0 }));
  return { first: rows.first, count: rows.count, bytes: commitEntries(entries) };
}
