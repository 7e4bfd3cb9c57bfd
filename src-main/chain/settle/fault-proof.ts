import { bytesToHex, decodeAbiParameters, encodeAbiParameters, type AbiParameter } from 'viem';
import type { Hex } from '../types.ts';
import { billAbi, type Bill } from './bill.ts';

/** VerifierContract's kinds. */
export const FAULT_KINDS = { contradiction: 1n, doubleClaim: 2n, ruling: 3n } as const;

export interface SignedBill {
  readonly bill: Bill;
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array;
}

const signatureAbi = { type: 'tuple', components: [{ name: 'r', type: 'bytes32' }, { name: 's', type: 'bytes32' }] } as const;
const kindAndData = [{ type: 'uint256' }, { type: 'bytes' }] as const;
export const TWO_BILLS_ABI = [billAbi, signatureAbi, billAbi, signatureAbi] as const satisfies readonly AbiParameter[];

const halves = (signature: Uint8Array): { r: Hex; s: Hex } => ({ r: bytesToHex(signature.subarray(0, 32)), s: bytesToHex(signature.subarray(32, 64)) });

const kindOf = (first: Bill, second: Bill): bigint => (first.sessionId === second.sessionId ? FAULT_KINDS.contradiction : FAULT_KINDS.doubleClaim);

/** The proof for `StakingContract.slash`: two bills that one node signed and no honest node does, of one session or of one work, or a committee's ruling about a session. */
export function faultProof(fault: { readonly first: SignedBill; readonly second: SignedBill } | { readonly ruledSessionId: Hex }): Hex {
  if ('ruledSessionId' in fault) return encodeAbiParameters(kindAndData, [FAULT_KINDS.ruling, fault.ruledSessionId]);
  const { first, second } = fault;
  const data = encodeAbiParameters(TWO_BILLS_ABI, [first.bill, halves(first.signature), second.bill, halves(second.signature)]);
  return encodeAbiParameters(kindAndData, [kindOf(first.bill, second.bill), data]);
}

export type Evidence = 'contradiction' | 'double-claim' | 'ruling' | 'unknown';

/** What a proof of fault is about. */
export function decodeFault(proof: Hex): { readonly evidence: Evidence; readonly sessionIds: readonly Hex[] } {
  try {
    const [kind, data] = decodeAbiParameters(kindAndData, proof);
    if (kind === FAULT_KINDS.ruling) return { evidence: 'ruling', sessionIds: [...decodeAbiParameters([{ type: 'bytes32' }], data)] };
    const [first, , second] = decodeAbiParameters(TWO_BILLS_ABI, data);
    if (kind === FAULT_KINDS.contradiction) return { evidence: 'contradiction', sessionIds: [first.sessionId] };
    if (kind === FAULT_KINDS.doubleClaim) return { evidence: 'double-claim', sessionIds: [first.sessionId, second.sessionId] };
  } catch { /* no proof that these contracts would take */ }
  return { evidence: 'unknown', sessionIds: [] };
}
