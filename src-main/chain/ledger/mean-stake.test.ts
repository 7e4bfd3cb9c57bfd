import { expect, it } from 'vitest';
import type { Hex } from '../types.ts';
import type { ChainEvent } from './events.ts';
import { meanStake, stakeSteps } from './mean-stake.ts';

const nodeId: Hex = '0xaa';
const event = (name: string, atS: number, args: object): ChainEvent => ({ name, atS, block: atS, position: 0, tx: '0x', args: { nodeId, ...args } }) as unknown as ChainEvent;
const events = [
  event('Staked', 100, { amount: '1000' }),
  event('Staked', 150, { amount: '9', nodeId: '0xbb' }),
  event('UnbondingStarted', 200, { amount: '400' }),
  event('Slashed', 300, { cut: '500' }),
  event('UnbondingCancelled', 400, { amount: '200' }),
];

it('follows a node\'s stake through unbonding and cuts', () => {
  expect(stakeSteps(events, nodeId)).toEqual([[100, 1000n], [200, 600n], [300, 300n], [400, 500n]]);
});

it('weighs it by time, within a span', () => {
  const steps = stakeSteps(events, nodeId);
  expect(meanStake(steps, { fromS: 100, untilS: 200 })).toBe(1000n);
  expect(meanStake(steps, { fromS: 150, untilS: 250 })).toBe(800n);
  expect(meanStake(steps, { fromS: 0, untilS: 500 })).toBe((1000n + 600n + 300n + 500n) * 100n / 500n);
  expect(meanStake(steps, { fromS: 1_000, untilS: 1_100 })).toBe(500n);
  expect(meanStake([], { fromS: 0, untilS: 100 })).toBe(0n);
});
