import { z } from 'zod';
import { chainErrors } from '../errors.ts';
import type { ContractAddresses } from '../types.ts';
import type { RpcCall } from './json-rpc.ts';

const quantity = z.string().regex(/^0x[0-9a-fA-F]+$/).max(66);
const code = z.string().regex(/^0x[0-9a-fA-F]*$/);

/** Whether these are the chain and the contracts that were configured. Throws CHAIN_WRONG_NETWORK. */
export async function checkNetwork(call: (call: RpcCall) => Promise<unknown>, { chainId, contracts }: { readonly chainId: number; readonly contracts: ContractAddresses }): Promise<void> {
  const found = quantity.safeParse(await call({ method: 'eth_chainId' }));
  if (!found.success || Number(found.data) !== chainId) throw chainErrors.wrongNetwork({ reason: `its id is ${found.success ? Number(found.data) : 'unknown'}, not ${chainId}` });
  const codes = await Promise.all(Object.entries(contracts).map(async ([name, address]) => ({ name, code: code.safeParse(await call({ method: 'eth_getCode', params: [address, 'latest'] })) })));
  const absent = codes.find((entry) => !entry.code.success || entry.code.data === '0x');
  if (absent !== undefined) throw chainErrors.wrongNetwork({ reason: `there is no ${absent.name} at its address` });
}
