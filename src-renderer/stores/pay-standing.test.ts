import { expect, it } from 'vitest';
import type { Economy } from '../../src-preload/bridge/index.ts';
import { payStanding } from './pay-standing.ts';

const wallet: Economy['wallet'] = { status: 'locked', address: `0x${'a'.repeat(40)}`, keeping: 'password', spend: { perDayUnits: null, todayUnits: '0' } };
const ready: Economy['link'] = { status: 'ready', block: 1, blockTimeMs: 1 };
const down: Economy['link'] = { status: 'down', sinceMs: 1, error: { code: 'CHAIN_DOWN', message: '', meta: {}, retryable: true, fault: 'local' } };
const paid = { reach: 'public', priceUnits: '5' } as const;

it('serves for nothing without a price, members of a private zone as members', () => {
  expect(payStanding({ contribution: { reach: 'local' }, economy: undefined, ledger: undefined })).toEqual({ kind: 'free' });
  expect(payStanding({ contribution: { reach: 'private' }, economy: undefined, ledger: undefined })).toEqual({ kind: 'members' });
});

it.each([
  ['chain', undefined, undefined], ['wallet', { link: down, wallet: { status: 'none' } }, undefined], ['answer', { link: down, wallet }, { isActive: true }],
  ['stake', { link: ready, wallet }, { isActive: false }], [undefined, { link: ready, wallet }, { isActive: true }], [undefined, { link: { status: 'starting' }, wallet }, undefined],
] as const)('with a price, %s is missing first', (missing, economy, ledger) => {
  expect(payStanding({ contribution: paid, economy, ledger })).toEqual({ kind: 'paid', priceUnits: '5', ...(missing === undefined ? {} : { missing }) });
});
