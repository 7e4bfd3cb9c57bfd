import { FLAG_MORE, FLAG_REPLAY } from '../wire/constants.ts';

/** Rows that went through every stage in one pass. */
export interface ComputedRows {
  readonly position: number;
  readonly tokens: Int32Array;
  /** The last stage sampled after the last of them. */
  readonly sampled: boolean;
}

/** A frame to send to stage 0. */
export interface Feed {
  readonly position: number;
  readonly tokens: Int32Array;
  readonly flags: number;
}

export interface AnswerSoFar {
  /** What was computed before this prompt, from position 0. */
  readonly past: readonly ComputedRows[];
  readonly promptTokens: Int32Array;
  /** Tokens of the answer that are known, oldest first. */
  readonly answer: readonly number[];
  readonly batchTokens: number;
}

export const endOf = (rows: readonly ComputedRows[]): number => {
  const last = rows.at(-1);
  return last === undefined ? 0 : last.position + last.tokens.length;
};

/**
 * How much of what is computed a prompt can use: whole passes only, and at least the prompt's last row is left out, for
 * its logits. A pass is never cut, because a row's bits depend on how many rows were computed with it: so the same
 * conversation gives the same tokens, and what is in the caches can be computed again exactly. What was sampled after the last of them is forgotten:
 * computed again it is not sampled, which is also where an answer's shape begins anew.
 */
export function sharedRows(computed: readonly ComputedRows[], prompt: Int32Array): ComputedRows[] {
  const end = computed.findIndex(({ position, tokens }) => position + tokens.length >= prompt.length || tokens.some((token, i) => token !== prompt[position + i]));
  const shared = computed.slice(0, end === -1 ? computed.length : end);
  return shared.map((rows, i) => (i === shared.length - 1 ? { ...rows, sampled: false } : rows));
}

/** The passes of a prompt's rows from `start`. */
export function promptRows(promptTokens: Int32Array, start: number, batchTokens: number): ComputedRows[] {
  const count = Math.ceil((promptTokens.length - start) / batchTokens);
  return Array.from({ length: count }, (_, i) => {
    const position = start + i * batchTokens;
    return { position, tokens: promptTokens.subarray(position, position + batchTokens), sampled: i === count - 1 };
  });
}

/** Every row that is in the caches when the token after `answer` was sampled: prompts in micro-batches, answers one by one. */
export function rowsOf({ past, promptTokens, answer, batchTokens }: AnswerSoFar): ComputedRows[] {
  const answered = answer.map((token, i) => ({ position: promptTokens.length + i, tokens: Int32Array.of(token), sampled: true }));
  return [...past, ...promptRows(promptTokens, endOf(past), batchTokens), ...answered];
}

/**
 * What brings stages from `start` rows to where an answer stands, in the passes in which the rows were computed before.
 * The last frame is the one whose token is not known yet.
 */
export function scriptOf(soFar: AnswerSoFar, start: number): Feed[] {
  const due = rowsOf(soFar).filter(({ position }) => position >= start);
  return due.map(({ position, tokens, sampled }, i) => {
    const isLast = i === due.length - 1;
    return { position, tokens, flags: isLast ? 0 : sampled ? FLAG_REPLAY : FLAG_MORE };
  });
}
