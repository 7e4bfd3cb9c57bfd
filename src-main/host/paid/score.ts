export interface AnswerCounts {
  /** All that ended. */
  readonly answers: number;
  /** Those that ended well. */
  readonly well: number;
  /** Those of them that their owner called bad. */
  readonly bad: number;
}

const ONE = 10n ** 18n;

/** The payer's score of a session, 0 to 1e18: the mean over its answers. One counts 1 if it ended well and its owner did not call it bad, else 0. Undefined before the first. */
export function scoreOf({ answers, well, bad }: AnswerCounts): bigint | undefined {
  return answers === 0 ? undefined : (ONE * BigInt(Math.max(0, well - bad))) / BigInt(answers);
}
