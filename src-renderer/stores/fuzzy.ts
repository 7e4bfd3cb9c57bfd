const WORD_START = 8;
const IN_A_ROW = 5;
const WHOLE = 60;

/** How well a text fits what was typed: undefined when a letter of it is missing in that order, else the higher the better. Case and accents do not count. */
export function fuzzyScore(typed: string, text: string): number | undefined {
  const [wanted, letters] = [plain(typed).replaceAll(/\s+/g, ''), plain(text)];
  const at = letters.indexOf(plain(typed).trim());
  if (at !== -1) return WHOLE + wanted.length * (IN_A_ROW + 1) + (isWordStart(letters, at) ? WORD_START : 0) - Math.min(at, WORD_START) / 2;
  // Beginnings of words are meant more often; where they lead past a letter that is needed, the first of each does.
  return inOrder(wanted, letters, bestPlace) ?? inOrder(wanted, letters, (text, { letter, from }) => text.indexOf(letter, from));
}

interface Step {
  readonly letter: string;
  readonly from: number;
  readonly last: number;
}

function inOrder(wanted: string, letters: string, place: (letters: string, step: Step) => number): number | undefined {
  let [score, from, last] = [0, 0, -2];
  for (const letter of wanted) {
    const found = place(letters, { letter, from, last });
    if (found === -1) return undefined;
    score += 1 + (found === last + 1 ? IN_A_ROW : 0) + (isWordStart(letters, found) ? WORD_START : 0);
    [last, from] = [found, found + 1];
  }
  return score - Math.min(letters.length, 200) / 20;
}

// The next letter in a row, else the beginning of a word, else wherever it comes next.
function bestPlace(letters: string, { letter, from, last }: Step): number {
  if (last >= 0 && letters[last + 1] === letter) return last + 1;
  for (let at = letters.indexOf(letter, from); at !== -1; at = letters.indexOf(letter, at + 1)) if (isWordStart(letters, at)) return at;
  return letters.indexOf(letter, from);
}

const isWordStart = (text: string, at: number): boolean => at === 0 || /[^\p{L}\p{N}]/u.test(text[at - 1] ?? '');

const plain = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();

/** Those that fit, the best first; all in their order when nothing was typed. */
export function fuzzyPick<T>(typed: string, list: readonly T[], textOf: (one: T) => string): readonly T[] {
  if (typed.trim() === '') return list;
  const scored = list.flatMap((one) => {
    const score = fuzzyScore(typed, textOf(one));
    return score === undefined ? [] : [{ one, score }];
  });
  return scored.toSorted((a, b) => b.score - a.score).map(({ one }) => one);
}
