/** Per gas, wei (EIP-1559). */
export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** What nodes ask for before they replace a transaction by another of the same number: an eighth more, rounded up. */
const raised = (fee: bigint): bigint => fee + (fee + 7n) / 8n;
export const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Room for the base fee to double: six full blocks. */
export const suggestedFees = (baseFee: bigint, tip: bigint): Fees => ({ maxFeePerGas: baseFee * 2n + tip, maxPriorityFeePerGas: tip });

/** An estimate is of one moment: state changes until the block, and with it what is used. */
export const withMargin = (gas: bigint): bigint => gas + gas / 4n + 5_000n;

/** `wanted`, or less where the budget (wei, for all of the gas) is too small; undefined where even the base fee is. */
export function fitted(wanted: Fees, { gas, budget, baseFee }: { readonly gas: bigint; readonly budget: bigint; readonly baseFee: bigint }): Fees | undefined {
  const maxFeePerGas = smaller(wanted.maxFeePerGas, budget / gas);
  if (maxFeePerGas <= baseFee) return undefined;
  return { maxFeePerGas, maxPriorityFeePerGas: smaller(wanted.maxPriorityFeePerGas, maxFeePerGas) };
}

/** The least that replaces `before`, or what is usual now where that is more; undefined where the budget does not allow it. */
export function raisedFees(before: Fees, now: Fees, { gas, budget }: { readonly gas: bigint; readonly budget: bigint }): Fees | undefined {
  const least = { maxFeePerGas: raised(before.maxFeePerGas), maxPriorityFeePerGas: raised(before.maxPriorityFeePerGas) };
  if (least.maxFeePerGas * gas > budget) return undefined;
  const maxFeePerGas = smaller(larger(least.maxFeePerGas, now.maxFeePerGas), budget / gas);
  return { maxFeePerGas, maxPriorityFeePerGas: smaller(larger(least.maxPriorityFeePerGas, now.maxPriorityFeePerGas), maxFeePerGas) };
}
