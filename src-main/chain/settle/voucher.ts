import { encodeAbiParameters, keccak256 } from 'viem';
import type { Hex } from '../types.ts';
import type { SettlementPlace } from './bill.ts';

/** EIP-712: what the payer signs for a session. */
export const voucherTypedData = ({ chainId, settlement }: SettlementPlace, voucher: { readonly sessionId: Hex; readonly root: Hex }) => ({
  domain: { name: 'OmniNode Settlement', version: '1', chainId, verifyingContract: settlement },
  types: { Voucher: [{ name: 'sessionId', type: 'bytes32' }, { name: 'root', type: 'bytes32' }] },
  primaryType: 'Voucher',
  message: voucher,
}) as const;

/** The id of the session that this payer opens with this salt (32 bytes). */
export const sessionIdOf = ({ chainId, settlement }: SettlementPlace, { payer, salt }: { readonly payer: Hex; readonly salt: Hex }): Hex =>
  keccak256(encodeAbiParameters([{ type: 'uint256' }, { type: 'address' }, { type: 'address' }, { type: 'bytes32' }], [BigInt(chainId), settlement, payer, salt]));
