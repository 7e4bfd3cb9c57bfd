import { BaseError, decodeErrorResult, decodeFunctionData, type Abi } from 'viem';
import { isCoded, type CodedError } from '../base/index.ts';
import { abis } from './abi/index.ts';
import { codedBehind } from './client/client.ts';
import { chainErrors } from './errors.ts';
import type { ContractAddresses, ContractName, Hex } from './types.ts';

export interface DecodedCall {
  readonly contract: ContractName;
  /** The function's name. */
  readonly name: string;
  readonly args: readonly { readonly name: string; readonly type: string; readonly value: unknown }[];
}

const contractAt = (contracts: ContractAddresses, to: Hex): ContractName | undefined =>
  (Object.keys(contracts) as ContractName[]).find((name) => contracts[name].toLowerCase() === to.toLowerCase());

/** What a call to one of SUM's contracts says; undefined for another contract and for what its interface does not have. */
export function decodeCall(contracts: ContractAddresses, to: Hex, data: Hex): DecodedCall | undefined {
  const contract = contractAt(contracts, to);
  if (contract === undefined) return undefined;
  try {
    const abi: Abi = abis[contract];
    const { functionName, args = [] } = decodeFunctionData({ abi, data });
    const named = abi.find((entry) => entry.type === 'function' && entry.name === functionName && entry.inputs.length === args.length);
    const inputs = named?.type === 'function' ? named.inputs : [];
    return { contract, name: functionName, args: inputs.map(({ name = '', type }, index) => ({ name, type, value: args[index] })) };
  } catch {
    return undefined;
  }
}

/** What any node's or viem's error means: CHAIN_REVERTED with the contract's own error and its arguments, CHAIN_DOWN and the like as they are, CHAIN_REFUSED for the rest. */
export function decodeError(error: unknown, { contracts, to, method = 'the call' }: { readonly contracts?: ContractAddresses; readonly to?: Hex; readonly method?: string } = {}): CodedError {
  const coded = codedBehind(error);
  if (coded !== undefined) return coded;
  const contract = contracts === undefined || to === undefined ? undefined : contractAt(contracts, to);
  const data = revertData(error);
  if (data !== undefined) return decodeRevert(data, contract, error);
  return chainErrors.refused({ method, rpcCode: rpcCodeOf(error), reason: shortReason(error) }, error);
}

export function decodeRevert(data: Hex, contract?: ContractName, cause?: unknown): CodedError {
  const names = Object.keys(abis) as ContractName[];
  // The contract that was called first: what it calls has errors of its own.
  for (const name of contract === undefined ? names : [contract, ...names]) {
    try {
      const { errorName, args = [], abiItem } = decodeErrorResult({ abi: abis[name], data });
      const inputs = abiItem.type === 'error' ? abiItem.inputs : [];
      const named = Object.fromEntries((args).map((value, index) => [inputs[index]?.name ?? String(index), String(value)]));
      return chainErrors.reverted({ contract: contract ?? name, error: errorName, args: named, reason: `${errorName}(${Object.entries(named).map(([key, value]) => `${key}: ${value}`).join(', ')})` }, cause);
    } catch { /* not one of this contract's */ }
  }
  return chainErrors.reverted({ ...(contract === undefined ? {} : { contract }), args: {}, reason: data === '0x' ? 'it says no more' : `unknown error ${data.slice(0, 10)}` }, cause);
}

/** EIP-1474's code 3, or what nodes say instead: the data of a revert lies in `data`, or in its own `data`. */
function revertData(error: unknown): Hex | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { data, code } = at as { data?: unknown; code?: unknown };
    const found = hexIn(data) ?? (typeof data === 'object' && data !== null ? hexIn((data as { data?: unknown }).data) : undefined);
    if (found !== undefined && (found !== '0x' || code === 3)) return found;
    if (code === 3) return '0x';
  }
  return undefined;
}

const hexIn = (value: unknown): Hex | undefined => (typeof value === 'string' && /^0x(?:[0-9a-f]{2})*$/i.test(value) ? value as Hex : undefined);

function rpcCodeOf(error: unknown): number {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (!isCoded(at) && typeof (at as { code?: unknown }).code === 'number') return (at as unknown as { code: number }).code;
  return 0;
}

const shortReason = (error: unknown): string => (error instanceof BaseError ? error.details || error.shortMessage : error instanceof Error ? error.message : String(error)).slice(0, 300);
