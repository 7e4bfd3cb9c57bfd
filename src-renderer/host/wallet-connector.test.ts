import { connect, getConnection, sendCalls } from 'wagmi/actions';
import type { BaseError} from 'viem';
import { ProviderRpcError } from 'viem';
import { describe, expect, it } from 'vitest';
import { HostError, type CommandName, type WalletState } from '../../src-preload/bridge/index.ts';
import type { HostClient } from './host-client.ts';
import { followWallet, HOST_CONNECTOR, hostProvider, walletConfig } from './wallet-connector.ts';

const NETWORK = { kind: 'embedded', chainId: 31_337, name: 'Local test chain' } as const;
const SPEND = { perDayUnits: null, todayUnits: '0' };
const [FIRST, OTHER] = ['0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045', '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'] as const;
const wallet = (status: 'locked' | 'ready', address: string = FIRST): WalletState => ({ status, address, keeping: 'password', spend: SPEND });

interface Asked {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** The bridge, with what was asked over it. */
function bridge(answer: (asked: Asked) => unknown) {
  const asked: Asked[] = [];
  const call = async (_name: CommandName, input: unknown): Promise<unknown> => {
    asked.push(input as Asked);
    return answer(input as Asked);
  };
  return { asked, client: { call } as unknown as Pick<HostClient, 'call'> };
}

describe('the provider', () => {
  it('gives results, and errors with their number', async () => {
    const { client, asked } = bridge(({ method }) => (method === 'eth_chainId' ? { result: '0x7a69' } : { error: { code: 4001, message: 'the owner refused', data: { why: 1 } } }));
    const provider = hostProvider(client);
    expect(await provider.request({ method: 'eth_chainId' })).toBe('0x7a69');
    await expect(provider.request({ method: 'eth_sign', params: [undefined, { a: undefined, b: 1 }] })).rejects.toMatchObject({ code: 4001, shortMessage: 'the owner refused', data: { why: 1 } });
    expect(asked).toEqual([{ method: 'eth_chainId', params: [] }, { method: 'eth_sign', params: [null, { b: 1 }] }]);
  });

  it('lets a failure of the bridge through as it is', async () => {
    const lost = new HostError({ code: 'BRIDGE_DISCONNECTED', message: 'lost', meta: {}, retryable: true, fault: 'local' });
    const { client } = bridge(() => { throw lost; });
    await expect(hostProvider(client).request({ method: 'eth_chainId' })).rejects.toBe(lost);
  });
});

describe('wagmi over the host', () => {
  it('is connected while the wallet is unlocked, to the account that the host tells', () => {
    const config = walletConfig(bridge(() => ({ result: null })).client, NETWORK);
    const seen = (wallet: WalletState): unknown => {
      followWallet(config, wallet);
      const { status, address, chainId } = getConnection(config);
      return [status, address, chainId];
    };
    expect(seen({ status: 'none' })).toEqual(['disconnected', undefined, undefined]);
    expect(seen(wallet('locked'))).toEqual(['disconnected', undefined, undefined]);
    expect(seen(wallet('ready', FIRST.toLowerCase()))).toEqual(['connected', FIRST, 31_337]);
    expect(seen(wallet('ready', OTHER))).toEqual(['connected', OTHER, 31_337]);
    expect(seen(wallet('locked'))).toEqual(['disconnected', undefined, undefined]);
    expect(seen(wallet('ready'))).toEqual(['connected', FIRST, 31_337]);
  });

  it('tells accounts as objects where capabilities are asked for, and refuses while locked', async () => {
    const config = walletConfig(bridge(() => ({ result: null })).client, NETWORK);
    const connector = config.connectors[0]!;
    await expect(connector.connect()).rejects.toBeInstanceOf(ProviderRpcError);
    followWallet(config, wallet('ready'));
    expect(await connector.connect()).toEqual({ accounts: [FIRST], chainId: 31_337 });
    expect(await connector.connect({ withCapabilities: true })).toEqual({ accounts: [{ address: FIRST, capabilities: {} }], chainId: 31_337 });
  });

  it('sends calls by EIP-5792, and what the owner refused comes back as 4001', async () => {
    let refuses = false;
    const { client, asked } = bridge(() => (refuses ? { error: { code: 4001, message: 'refused' } } : { result: { id: 'batch-1' } }));
    const config = walletConfig(client, NETWORK);
    followWallet(config, wallet('ready'));
    const calls = [{ to: OTHER, data: '0x1234', value: 0n }] as const;
    expect(await sendCalls(config, { calls })).toEqual({ id: 'batch-1' });
    expect(asked).toEqual([{ method: 'wallet_sendCalls', params: [{ atomicRequired: false, calls: [{ data: '0x1234', to: OTHER }], chainId: '0x7a69', from: FIRST, version: '2.0.0' }] }]);
    refuses = true;
    const failure = await sendCalls(config, { calls }).catch((error: unknown) => error) as BaseError;
    expect(failure.walk((cause) => (cause as { code?: number }).code === 4001)).not.toBeNull();
    expect(asked).toHaveLength(2);
  });

  it('keeps nothing in the browser, and looks for its wallets only on a chain that they can reach', async () => {
    const { client } = bridge(() => ({ result: null }));
    const ids = (kind: 'embedded' | 'configured', more = {}) => walletConfig(client, { ...NETWORK, kind, ...more }).connectors.map(({ id }) => id);
    expect(ids('embedded')).toEqual([HOST_CONNECTOR]);
    expect(ids('configured')).toEqual([HOST_CONNECTOR, 'injected']);
    expect(ids('embedded', { publicRpc: ['http://127.0.0.1:8545'] })).toEqual([HOST_CONNECTOR, 'injected']);
    const config = walletConfig(client, NETWORK);
    expect(config.storage).toBeNull();
    followWallet(config, wallet('ready'));
    await expect(connect(config, { connector: config.connectors[0]! })).rejects.toThrow(/already connected/i);
  });
});
