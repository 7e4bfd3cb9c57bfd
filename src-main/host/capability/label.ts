import { MAX_LABEL_CHARS } from '../../mesh/index.ts';

/** A text as it may be told to others: printable, in one direction, not too long. Undefined when nothing is left of it. */
export function label(text: string): string | undefined {
  const clean = text.toWellFormed().replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  // By code units, as it is checked; half a character at the end is none.
  return clean.slice(0, MAX_LABEL_CHARS).replace(/[\ud800-\udbff]$/, '').trim() || undefined;
}
