import { expect, it } from 'vitest';
import { checkContract, goToChain } from './outside-chain.ts';

const NETWORK = { chainId: 10, name: 'Example chain' } as const;
const URLS = ['https://rpc.example'];

/** A wallet that answers switching with these errors. */
function provider(...errors: readonly unknown[]) {
  const asked: { readonly method: string; readonly params?: unknown }[] = [];
  const left = [...errors];
  return {
    asked,
    request: async (one: { readonly method: string; readonly params?: unknown }) => {
      asked.push(one);
      if (left.length > 0) throw left.shift();
      return null;
    },
  };
}
const switching = { method: 'wallet_switchEthereumChain', params: [{ chainId: '0xa' }] };

it('asks to switch, and to add the chain only where the wallet does not know it and it may be told', async () => {
  const known = provider();
  await goToChain(known, { ...NETWORK, publicRpc: URLS });
  expect(known.asked).toEqual([switching]);
  for (const unknown of [{ code: 4902, message: 'unknown' }, { code: -32_603, message: 'internal', data: { originalError: { code: 4902 } } }, new Error('wrapped', { cause: { code: 4902 } })]) {
    const wallet = provider(unknown);
    await goToChain(wallet, { ...NETWORK, publicRpc: URLS });
    expect(wallet.asked).toEqual([switching, { method: 'wallet_addEthereumChain', params: [{ chainId: '0xa', chainName: 'Example chain', rpcUrls: URLS, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 } }] }]);
    await expect(goToChain(provider(unknown), NETWORK)).rejects.toMatchObject({ reason: 'unknown-chain' });
  }
});

it('finds out another chain of the same number, as far as the wallet says what is there', async () => {
  const asked: unknown[] = [];
  const answering = (code: unknown) => ({ request: async (one: unknown) => { asked.push(one); return code; } });
  await checkContract(answering('0x6080'), '0x12');
  expect(asked).toEqual([{ method: 'eth_getCode', params: ['0x12', 'latest'] }]);
  await checkContract(provider(new Error('not offered')), '0x12');
  await expect(checkContract(answering('0x'), '0x12')).rejects.toMatchObject({ reason: 'other-contracts' });
});

it('lets a refusal be one', async () => {
  const refusal = { code: 4001, message: 'no' };
  const wallet = provider(refusal);
  await expect(goToChain(wallet, { ...NETWORK, publicRpc: URLS })).rejects.toBe(refusal);
  expect(wallet.asked).toEqual([switching]);
});
