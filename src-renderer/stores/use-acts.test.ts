import { sendCalls } from 'wagmi/actions';
import { expect, it } from 'vitest';
import { HostError, type CommandName } from '../../src-preload/bridge/index.ts';
import type { HostClient } from '../host/host-client.ts';
import { followWallet, walletConfig } from '../host/wallet-connector.ts';
import { OutsideError } from './outside-run.ts';
import { failureOf, type Failure } from './use-acts.ts';

const ADDRESS = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
const REVERTED = { code: 'CHAIN_REVERTED', message: 'the contract refused it', next: 'Stake more.', meta: {}, retryable: false, fault: 'user' } as const;

/** What the page makes of an answer, with all that wagmi and viem put around it. */
async function failed(answer: () => unknown): Promise<Failure> {
  const client = { call: async (_name: CommandName) => answer() } as unknown as Pick<HostClient, 'call'>;
  const config = walletConfig(client, { kind: 'embedded', chainId: 31_337, name: 'Local test chain' });
  followWallet(config, { status: 'ready', address: ADDRESS, keeping: 'password', spend: { perDayUnits: null, todayUnits: '0' } });
  return failureOf(await sendCalls(config, { calls: [{ to: ADDRESS, data: '0x12' }] }).catch((error: unknown) => error));
}

it('tells the owner’s no from a failure, and hands the host’s words and next step on', async () => {
  expect(await failed(() => ({ error: { code: 4001, message: 'the owner refused' } }))).toEqual({ kind: 'refused' });
  expect(await failed(() => ({ error: { code: 4100, message: 'the wallet is locked' } }))).toEqual({ kind: 'failed', error: { code: 'RPC 4100', message: 'the wallet is locked' } });
  expect(await failed(() => ({ error: { code: -32_000, message: 'reverted', data: { code: 'CHAIN_REVERTED', next: 'Stake more.' } } }))).toEqual({ kind: 'failed', error: { code: 'CHAIN_REVERTED', message: 'reverted', next: 'Stake more.' } });
  expect(await failed(() => ({ error: { code: 4001, message: 'the owner refused', data: { code: 'WALLET_REFUSED' } } }))).toEqual({ kind: 'refused' });
  expect(await failed(() => ({ error: { code: 4001, message: 'nobody decided', data: { code: 'WALLET_EXPIRED' } } }))).toEqual({ kind: 'failed', error: { code: 'WALLET_EXPIRED', message: 'nobody decided' } });
  expect(await failed(() => { throw new HostError({ ...REVERTED, code: 'WALLET_REFUSED' }); })).toEqual({ kind: 'refused' });
  expect(await failed(() => { throw new HostError(REVERTED); })).toEqual({ kind: 'failed', error: REVERTED });
});

it('says something of what it does not know', () => {
  expect(failureOf('odd')).toEqual({ kind: 'failed', error: { code: 'RPC', message: 'odd' } });
  expect(failureOf(new OutsideError('moved'))).toEqual({ kind: 'outside', reason: 'moved' });
  expect(failureOf({ code: -32_603, message: 'a wallet’s own words' })).toEqual({ kind: 'failed', error: { code: 'RPC -32603', message: 'a wallet’s own words' } });
  expect(failureOf(new Error('broken'))).toEqual({ kind: 'failed', error: { code: 'RPC', message: 'broken' } });
});
