import { describe, expect, it } from 'vitest';
import type { Economy, EconomyTransaction } from '../../src-preload/bridge/index.ts';
import { en } from '../language/en/index.ts';
import { blockedBy, blockedOutside, checkAmount, countdownOf, isOver, queuedOf, shortHex, unbondingSum, wordFor } from './wallet.ts';

const SUM = (whole: number): string => `${whole}${'0'.repeat(18)}`;
const SPEND = { perDayUnits: null, todayUnits: '0' };
const ADDRESS = `0x${'ab'.repeat(20)}`;
const READY: Pick<Economy, 'link' | 'wallet' | 'waiting'> = { link: { status: 'ready', block: 1, blockTimeMs: 1 }, wallet: { status: 'ready', address: ADDRESS, keeping: 'password', spend: SPEND }, waiting: 0 };
const ERROR = { code: 'CHAIN_DOWN', message: 'down', meta: {}, retryable: true, fault: 'local' } as const;

describe('what stands in the way', () => {
  const blocked = (change: Partial<typeof READY>, statuses: readonly EconomyTransaction['status'][] = [], isOnline = true) =>
    blockedBy({ isOnline, economy: { ...READY, ...change }, transactions: statuses.map((status) => ({ status })) });

  it('is the first thing that the reader can do something about', () => {
    expect(blocked({})).toBeUndefined();
    expect(blocked({}, [], false)).toBe('offline');
    expect(blocked({ link: { status: 'starting' } })).toBe('starting');
    expect(blocked({ link: { status: 'down', error: ERROR, sinceMs: 1 }, wallet: { status: 'none' } })).toBe('down');
    expect(blocked({ link: { status: 'wrong-network', error: ERROR, sinceMs: 1 } })).toBe('wrong-network');
    expect(blocked({ wallet: { status: 'none' } })).toBe('no-wallet');
    expect(blocked({ wallet: { ...READY.wallet, status: 'locked' } as Economy['wallet'] })).toBe('locked');
    expect(blocked({ waiting: 1 })).toBe('deciding');
    expect(blocked({}, ['asking'])).toBe('deciding');
    for (const status of ['queued', 'sent', 'mined'] as const) expect(blocked({}, ['confirmed', status])).toBe('pending');
    expect(blocked({}, ['confirmed', 'refused', 'failed'])).toBeUndefined();
  });

  it('is for a wallet of the browser what that one needs, whatever this app’s wallet waits for', () => {
    const outside = (change: Partial<Parameters<typeof blockedOutside>[0]> = {}) => blockedOutside({ isOnline: true, economy: READY, isBusy: false, ...change });
    expect([outside(), outside({ economy: { ...READY, waiting: 1 } }), outside({ hasBegun: true })]).toEqual([undefined, undefined, 'outside-begun']);
    expect([outside({ isBusy: true, hasBegun: true }), outside({ isBusy: true, economy: { ...READY, waiting: 1 } })]).toEqual(['outside-busy', 'deciding']);
    expect([outside({ isBusy: true, isOnChain: false }), outside({ isOnline: false, isOnChain: false }), outside({ economy: { ...READY, link: { status: 'starting' } } })]).toEqual(['outside-chain', 'offline', 'starting']);
  });

  it('is not the lock where nothing is signed', () => {
    const economy = { ...READY, wallet: { ...READY.wallet, status: 'locked' } as Economy['wallet'] };
    expect(blockedBy({ isOnline: true, economy, transactions: [] }, { unlocked: false })).toBeUndefined();
  });
});

describe('amounts of the forms', () => {
  const ledger = { liquid: SUM(1500), staked: SUM(0), leastStake: SUM(1000) };
  const { faults } = en.wallet;

  it('are what the contract would take', () => {
    expect(checkAmount({ form: 'stake', typed: '1000', ledger }, faults)).toEqual({ units: 1000n * 10n ** 18n });
    expect(checkAmount({ form: 'stake', typed: '999.9', ledger }, faults)).toMatchObject({ fault: 'least', text: expect.stringContaining('1,000 SUM more') });
    expect(checkAmount({ form: 'stake', typed: '1500.000000000000000001', ledger }, faults)).toMatchObject({ fault: 'liquid' });
    expect(checkAmount({ form: 'stake', typed: '0.5', ledger: { ...ledger, staked: SUM(1000) } }, faults)).toEqual({ units: 5n * 10n ** 17n });
    expect(checkAmount({ form: 'stake', typed: '1,000', ledger }, faults)).toMatchObject({ fault: 'malformed', text: expect.stringContaining('“.”') });
    const staked = { ...ledger, staked: SUM(1500) };
    expect(checkAmount({ form: 'unstake', typed: '500', ledger: staked }, faults)).toEqual({ units: 500n * 10n ** 18n });
    expect(checkAmount({ form: 'unstake', typed: '1500', ledger: staked }, faults)).toEqual({ units: 1500n * 10n ** 18n });
    expect(checkAmount({ form: 'unstake', typed: '501', ledger: staked }, faults)).toMatchObject({ fault: 'rest' });
    expect(checkAmount({ form: 'unstake', typed: '1501', ledger: staked }, faults)).toMatchObject({ fault: 'staked' });
  });
});

it('counts down by whole seconds, and is over when it is', () => {
  expect(countdownOf(7 * 86_400_000)).toEqual({ days: 7, hours: 0, minutes: 0, seconds: 0 });
  expect(countdownOf(90_061_000)).toEqual({ days: 1, hours: 1, minutes: 1, seconds: 1 });
  expect(countdownOf(1)).toEqual({ days: 0, hours: 0, minutes: 0, seconds: 1 });
  expect(countdownOf(-5)).toEqual({ days: 0, hours: 0, minutes: 0, seconds: 0 });
  expect([6 * 86_400 + 189, 189, 7_209].map((seconds) => en.wallet.countdown(countdownOf(seconds * 1_000)))).toEqual(['6 d 0 h 3 min', '3 min 9 s', '2 h 0 min 9 s']);
  const one = { index: 0, amount: '1', releaseAtMs: 1_000, isMatured: false };
  expect([isOver(one, 999), isOver(one, 1_000), isOver({ ...one, isMatured: true }, 0)]).toEqual([false, true, true]);
});

it('sums, shortens and names', () => {
  expect(unbondingSum({ unbonding: [1, 2].map((index) => ({ index, amount: SUM(index), releaseAtMs: 1, isMatured: false })) })).toBe(3n * 10n ** 18n);
  expect([shortHex(ADDRESS), shortHex('0x12')]).toEqual(['0xabab…abab', '0x12']);
  expect([wordFor(en.earnings.what, 'stake'), wordFor(en.earnings.what, 'toString')]).toEqual(['Stake', undefined]);
  expect(queuedOf((['queued', 'sent', 'mined', 'asking'] as const).map((status) => ({ id: status, what: 'stake', status, atMs: 1, steps: [] })))).toBe(2);
});
