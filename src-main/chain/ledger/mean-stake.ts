import type { Hex } from '../types.ts';
import type { ChainEvent } from './events.ts';

export interface StakeSpan {
  readonly fromS: number;
  readonly untilS: number;
}

/** A node's stake over time, as it changed: [from then on, amount]. Unbonding stake is none; a cut falls on both in proportion. */
export function stakeSteps(events: readonly ChainEvent[], nodeId: Hex): [atS: number, staked: bigint][] {
  let [staked, unbonding] = [0n, 0n];
  const steps: [number, bigint][] = [];
  for (const event of events) {
    if (!('nodeId' in event.args) || event.args.nodeId !== nodeId) continue;
    if (event.name === 'Staked') staked += BigInt(event.args.amount);
    else if (event.name === 'UnbondingStarted') [staked, unbonding] = [staked - BigInt(event.args.amount), unbonding + BigInt(event.args.amount)];
    else if (event.name === 'UnbondingCancelled') [staked, unbonding] = [staked + BigInt(event.args.amount), unbonding - BigInt(event.args.amount)];
    else if (event.name === 'Withdrawn') unbonding -= BigInt(event.args.amount);
    else if (event.name === 'Slashed') {
      const [cut, all] = [BigInt(event.args.cut), staked + unbonding];
      const ofStake = all === 0n ? 0n : (cut * staked) / all;
      [staked, unbonding] = [staked - ofStake, unbonding - (cut - ofStake)];
    } else continue;
    steps.push([event.atS, staked]);
  }
  return steps;
}

/** Weighted by time. */
export function meanStake(steps: readonly (readonly [number, bigint])[], { fromS, untilS }: StakeSpan): bigint {
  if (untilS <= fromS) return 0n;
  let sum = 0n;
  for (const [index, [atS, staked]] of steps.entries()) {
    const [from, until] = [Math.max(atS, fromS), Math.min(steps[index + 1]?.[0] ?? untilS, untilS)];
    if (until > from) sum += staked * BigInt(until - from);
  }
  return sum / BigInt(untilS - fromS);
}
