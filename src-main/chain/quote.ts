import { toHex } from 'viem';
import { z } from 'zod';
import type { CodedError } from '../base/index.ts';
import { RpcError } from './client/json-rpc.ts';
import { estimateGas, readHead, readTip, type Request } from './client/reads.ts';
import { decodeError, decodeRevert } from './decode.ts';
import { chainErrors } from './errors.ts';
import { leastGas } from './least-gas.ts';
import { larger, suggestedFees, withMargin } from './outbox/fees.ts';
import type { Call, ContractAddresses, Hex } from './types.ts';

/** What calls would do now, one after another, and what they may cost. */
export interface Quote {
  /** Of each call. `unknown`: the node cannot tell before those ahead of it are in a block. */
  readonly outcomes: readonly { readonly outcome: 'ok' | 'reverts' | 'unknown'; readonly gas: bigint; readonly error?: CodedError }[];
  /** What all would cost at the present price, wei. */
  readonly feeWei: bigint;
  /** A limit with room for prices to rise: for `Batch.maxFeeWei`. */
  readonly maxFeeWei: bigint;
}

/** More than any call of an owner's takes. */
const UNKNOWN_GAS = 700_000n;
const TIP = 1_000_000_000n;

const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,16}$/).transform(BigInt);
const bytes = z.string().regex(/^0x(?:[0-9a-fA-F]{2})*$/).transform((text) => text as Hex);
/** execution-apis: eth_simulateV1. */
const simulatedSchema = z.array(z.object({ calls: z.array(z.object({ status: quantity, gasUsed: quantity, returnData: bytes.catch('0x') })) })).length(1);

/** Throws CHAIN_DOWN, CHAIN_WRONG_NETWORK, CHAIN_BAD_ANSWER. */
export async function quoteCalls({ request, contracts }: { readonly request: Request; readonly contracts: ContractAddresses }, { from, calls }: { readonly from: Hex; readonly calls: readonly Call[] }): Promise<Quote> {
  const outcomes = await simulated({ request, contracts }, { from, calls }).catch((error: unknown) => (error instanceof RpcError ? estimated({ request, contracts }, { from, calls }) : Promise.reject(error)));
  const { baseFeePerGas = 0n } = await readHead(request);
  const tip = await readTip(request, TIP);
  const { maxFeePerGas } = suggestedFees(baseFeePerGas, tip);
  const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((all, amount) => all + amount, 0n);
  const limits = outcomes.map(({ gas }, index) => larger(withMargin(gas), calls[index] === undefined ? 0n : leastGas(contracts, calls[index])));
  return { outcomes, feeWei: sum(outcomes.map(({ gas }) => gas)) * (baseFeePerGas + tip), maxFeeWei: sum(limits) * maxFeePerGas * 2n };
}

type Outcomes = Quote['outcomes'];

/** On one another's effects, as they will be sent. */
async function simulated({ request, contracts }: { readonly request: Request; readonly contracts: ContractAddresses }, { from, calls }: { readonly from: Hex; readonly calls: readonly Call[] }): Promise<Outcomes> {
  const asked = calls.map(({ to, data, value }) => ({ from, to, data, value: toHex(value) }));
  const answer = simulatedSchema.safeParse(await request({ method: 'eth_simulateV1', params: [{ blockStateCalls: [{ calls: asked }] }, 'latest'] }));
  const done = answer.data?.[0]?.calls ?? [];
  if (done.length !== calls.length) throw chainErrors.badAnswer({ method: 'eth_simulateV1', reason: 'it has another shape' });
  return done.map(({ status, gasUsed, returnData }, index) => {
    if (status === 1n) return { outcome: 'ok', gas: gasUsed };
    const name = (Object.keys(contracts) as (keyof ContractAddresses)[]).find((key) => contracts[key].toLowerCase() === calls[index]?.to.toLowerCase());
    return { outcome: 'reverts', gas: gasUsed, error: decodeRevert(returnData, name) };
  });
}

/** For nodes without simulation: only the first depends on nothing else. */
async function estimated({ request, contracts }: { readonly request: Request; readonly contracts: ContractAddresses }, { from, calls }: { readonly from: Hex; readonly calls: readonly Call[] }): Promise<Outcomes> {
  const [first, ...others] = calls;
  if (first === undefined) return [];
  const gas = await estimateGas(request, { from, ...first }).catch((error: unknown) => decodeError(error, { contracts, to: first.to, method: 'eth_estimateGas' }));
  if (typeof gas !== 'bigint' && gas.code !== 'CHAIN_REVERTED') throw gas;
  const own: Outcomes[number] = typeof gas === 'bigint' ? { outcome: 'ok', gas } : { outcome: 'reverts', gas: UNKNOWN_GAS, error: gas };
  return [own, ...others.map((): Outcomes[number] => ({ outcome: 'unknown', gas: UNKNOWN_GAS }))];
}
