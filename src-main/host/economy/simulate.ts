import { toCoded } from '../../base/index.ts';
import type { Call, Hex, Simulation, SumChain } from '../../chain/index.ts';

/** Per call; what is asked where nothing could be tried, and so nothing be priced. */
const GUESSED_FEE_WEI = 10n ** 16n;

/** What all calls in order would do, and cost at most. Never rejects. */
export async function simulateCalls(chain: Pick<SumChain, 'quote'>, from: Hex, calls: readonly Call[]): Promise<Simulation> {
  try {
    const { outcomes, maxFeeWei } = await chain.quote(from, calls);
    const failed = outcomes.find(({ outcome }) => outcome === 'reverts');
    if (failed !== undefined) return { outcome: 'reverts', maxFeeWei, ...(failed.error === undefined ? {} : { reason: failed.error.message }) };
    return { outcome: outcomes.some(({ outcome }) => outcome === 'unknown') ? 'unknown' : 'succeeds', maxFeeWei };
  } catch (error) {
    return { outcome: 'unknown', reason: toCoded(error).message.slice(0, 300), maxFeeWei: GUESSED_FEE_WEI * BigInt(calls.length) };
  }
}
