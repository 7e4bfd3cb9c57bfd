import type { Paying } from '../../src-preload/bridge/index.ts';
import type { PaidSession, Price } from './paid/index.ts';

/** What the chat costs, in the bridge's words: what a session would be, and, where one is open, what was counted of it. */
export const payingOf = ({ machines, most, per1000 }: Price, paid?: Pick<PaidSession, 'amount' | 'most'>): Paying => ({
  state: paid === undefined ? 'ahead' : 'open', machines, most: `${paid?.most ?? most}`, per1000: `${per1000}`, ...(paid === undefined ? {} : { spent: `${paid.amount}` }),
});

interface Answering {
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly contextTokens: number;
}

/** What the stages may compute for an answer, the token that ends it included. */
export const mostTokens = ({ promptTokens, maxTokens, contextTokens }: Answering): number => Math.min(promptTokens + maxTokens, contextTokens) + 1;
