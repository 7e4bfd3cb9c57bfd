/** A part of a text: `[start, end)`. */
export interface Passage {
  readonly start: number;
  readonly end: number;
}

/** Each repeats this part of the one before: what is said across a cut is whole in one of them. */
const OVERLAP = 1 / 8;
/** Where a text is cut, best first. */
const CUTS = ['\n\n', '\n', '. ', ' '];

/** Cuts a text into passages of at most `size` UTF-16 units, at the ends of paragraphs where there are any. Together they are the whole text. */
export function cutPassages(text: string, size: number): Passage[] {
  const passages: Passage[] = [];
  for (let start = 0; start < text.length;) {
    const end = start + size >= text.length ? text.length : cutBefore(text, start, start + size);
    passages.push({ start, end });
    if (end === text.length) break;
    start = overlapFrom(text, end - Math.floor(size * OVERLAP), { above: start, end });
  }
  return passages;
}

/** What was chosen, in the order of the text; marks stand where something was left out. */
export function joinPassages(text: string, chosen: readonly Passage[]): string {
  let out = '';
  let at = 0;
  for (const { start, end } of chosen.toSorted((a, b) => a.start - b.start)) {
    if (end <= at) continue;
    out += start <= at ? text.slice(at, end) : `${out === '' ? '' : '\n'}[…]\n${text.slice(start, end)}`;
    at = end;
  }
  return at < text.length ? `${out}\n[…]` : out;
}

function cutBefore(text: string, start: number, limit: number): number {
  const least = start + Math.floor((limit - start) / 2);
  for (const cut of CUTS) {
    const at = text.lastIndexOf(cut, limit - cut.length);
    if (at >= least) return at + cut.length;
  }
  return isInsidePair(text, limit) ? limit - 1 : limit;
}

function overlapFrom(text: string, wanted: number, { above, end }: { readonly above: number; readonly end: number }): number {
  if (wanted <= above) return end;
  const space = text.indexOf(' ', wanted);
  const from = space >= 0 && space + 1 < end ? space + 1 : wanted;
  return isInsidePair(text, from) ? from + 1 : from;
}

const isInsidePair = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
