import { z } from 'zod';
import { toCoded } from '../../base/index.ts';
import type { Call, Hex, Simulation, SumChain } from '../../chain/index.ts';

const quantity = z.string().regex(/^0x[0-9a-f]{1,64}$/i).transform(BigInt);
const callResultSchema = z.object({
  status: quantity, gasUsed: quantity, returnData: z.string().regex(/^0x[0-9a-f]*$/i).max(100_000),
  error: z.object({ message: z.string(), data: z.unknown().optional() }).optional(),
});
const simulatedSchema = z.array(z.object({ calls: z.array(callResultSchema).max(64) })).length(1);

/** Of what is used now: state moves on until the block, and a resend pays an eighth more each time. */
const GAS_ROOM = 2n;
const FEE_ROOM = 4n;
/** For what could not be tried. */
const GUESSED_GAS = 1_500_000n;

/** All calls in order in one imagined block (eth_simulateV1), and what fees they need at most. Never rejects. */
export async function simulateCalls(chain: Pick<SumChain, 'request' | 'decodeError'>, from: Hex, calls: readonly Call[]): Promise<Simulation> {
  const perGas = await feePerGas(chain).catch(() => undefined);
  const maxFor = (gas: bigint): bigint => gas * GAS_ROOM * FEE_ROOM * (perGas ?? 10n ** 10n);
  const guessed = maxFor(GUESSED_GAS * BigInt(calls.length));
  try {
    const asked = calls.map(({ to, data, value }) => ({ from, to, data, value: `0x${value.toString(16)}` }));
    const [block] = simulatedSchema.parse(await chain.request({ method: 'eth_simulateV1', params: [{ blockStateCalls: [{ calls: asked }] }, 'latest'] }));
    const results = block?.calls ?? [];
    const failed = results.findIndex(({ status }) => status !== 1n);
    const gas = results.reduce((sum, { gasUsed }) => sum + gasUsed, 0n);
    if (failed < 0) return { outcome: 'succeeds', maxFeeWei: maxFor(gas) };
    return { outcome: 'reverts', reason: reasonOf(chain, calls[failed], results[failed]), maxFeeWei: guessed };
  } catch (error) {
    return { outcome: 'unknown', reason: toCoded(error).message.slice(0, 300), maxFeeWei: guessed };
  }
}

function reasonOf(chain: Pick<SumChain, 'decodeError'>, call: Call | undefined, result: z.infer<typeof callResultSchema> | undefined): string {
  const error = Object.assign(new Error(result?.error?.message ?? 'it reverts'), { code: 3, data: result?.returnData ?? '0x' });
  return chain.decodeError(error, call?.to).message;
}

/** Twice the base fee and the usual tip, wei. */
async function feePerGas(chain: Pick<SumChain, 'request'>): Promise<bigint> {
  const [block, tip] = await Promise.all([chain.request({ method: 'eth_getBlockByNumber', params: ['latest', false] }), chain.request({ method: 'eth_maxPriorityFeePerGas', params: [] })]);
  return 2n * z.object({ baseFeePerGas: quantity }).parse(block).baseFeePerGas + quantity.parse(tip);
}
