import { createHash, hkdfSync } from 'node:crypto';
import { encodeAbiParameters, keccak256, stringToHex } from 'viem';
import type { Batch, Hex } from '../types.ts';
import type { Asker, Subject } from './types.ts';

const BATCH = [
  { type: 'string' }, { type: 'uint256' }, { type: 'address' }, { type: 'uint256' }, { type: 'bytes32' },
  { type: 'tuple[]', components: [{ name: 'to', type: 'address' }, { name: 'value', type: 'uint256' }, { name: 'data', type: 'bytes' }] },
] as const;

/** All of a batch that is signed, on one chain. `what` is only said. */
export const batchHash = ({ id, from, maxFeeWei, calls }: Batch, chainId: number): Hex =>
  keccak256(encodeAbiParameters(BATCH, ['omninode/batch/1', BigInt(chainId), from, maxFeeWei, keccak256(stringToHex(id)), calls.map(({ to, value, data }) => ({ to, value, data }))]));

/** Of all that is shown of a request, so that nothing else can be decided by the same decision. */
export function digestOf(id: string, asker: Asker, subject: Subject): string {
  const text = JSON.stringify([id, asker, subject], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  return createHash('sha256').update(text).digest('hex');
}

/** A key for one purpose, out of the account's. */
export const subkey = (key: Uint8Array, purpose: string): Buffer => Buffer.from(hkdfSync('sha256', key, new Uint8Array(), `omninode/wallet/${purpose}/1`, 32));
