import { hashMessage, keccak256, type TypedDataDefinition } from 'viem';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import type { Batch, Hex, UnsignedTransaction } from '../types.ts';
import type { Consent, SignedStep } from './consent-book.ts';
import { walletErrors } from './errors.ts';
import { batchHash } from './hashes.ts';
import type { Subject } from './types.ts';
import type { ChainWitness, TakenNonce } from './witness.ts';

/** Resends of one call that are remembered; a call that was sent so often is given up. */
const MAX_HASHES = 64;

/** viem takes the key as a text, which lives until it is collected: it is made for each signature and kept nowhere. */
export const accountOf = (key: Uint8Array): PrivateKeyAccount => privateKeyToAccount(`0x${Buffer.from(key).toString('hex')}`);
export const addressOf = (key: Uint8Array): Hex => accountOf(key).address;

/** 64 hex digits of a number that secp256k1 takes. Throws WALLET_BAD_KEY, which says nothing of it. */
export function checkedKey(text: string): Uint8Array {
  const [, digits] = /^\s*(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text) ?? [];
  if (digits === undefined) throw walletErrors.badKey({});
  const key = Buffer.from(digits, 'hex');
  try {
    addressOf(key);
  } catch {
    throw walletErrors.badKey({});
  }
  return key;
}

/** What a consent is remembered by, and the signature of what is signed at once. */
export async function signSubject(key: Uint8Array, subject: Subject): Promise<{ readonly hash: Hex; readonly signature?: Hex }> {
  switch (subject.kind) {
    case 'batch': return { hash: batchHash(subject.batch, subject.chain.chainId) };
    case 'message': return { hash: hashMessage({ raw: subject.bytes }), signature: await accountOf(key).signMessage({ message: { raw: subject.bytes } }) };
    // Its signature is the node's, made by who asked.
    case 'binding': return { hash: keccak256(subject.message) };
    case 'typed': return { hash: subject.hash, signature: await accountOf(key).sign({ hash: subject.hash }) };
  }
}

interface StepInit {
  readonly batch: Batch;
  readonly index: number;
  readonly transaction: UnsignedTransaction;
  readonly consent: Consent | undefined;
  readonly witness: ChainWitness | undefined;
}

/** One call of a batch that was consented to, as it was shown: nothing else is signed. Throws WALLET_NOT_CONSENTED. */
export async function signStep(key: Uint8Array, init: StepInit): Promise<{ readonly signed: Hex; readonly step: SignedStep }> {
  const { transaction, index } = init;
  const account = accountOf(key);
  const consent = checkStep(init, account.address);
  await checkFee(init, consent);
  const before = consent.steps.find((step) => step.index === index);
  if (before !== undefined && before.nonce !== transaction.nonce) await checkNonce(init.witness, { address: account.address, nonce: before.nonce, hashes: before.hashes });
  const signed = await account.signTransaction({ ...transaction, type: 'eip1559' });
  const hashes = [...new Set([...before?.hashes ?? [], keccak256(signed)])];
  if (hashes.length > MAX_HASHES) throw refused('this call was signed too often');
  return { signed, step: { index, nonce: transaction.nonce, feeWei: feeOf(transaction, before), hashes } };
}

function checkStep({ batch, index, transaction, consent }: StepInit, address: Hex): Consent {
  if (consent === undefined) throw refused('no consent has the id of this batch');
  if (consent.hash !== batchHash(batch, transaction.chainId) || consent.chainId !== transaction.chainId) throw refused('the batch is not the one that was shown');
  if (batch.from.toLowerCase() !== address.toLowerCase()) throw refused('it is for another account');
  const call = batch.calls[index];
  const isCall = call !== undefined && call.to.toLowerCase() === transaction.to.toLowerCase() && call.data === transaction.data && call.value === transaction.value;
  if (!isCall) throw refused('the transaction is none of the batch');
  return consent;
}

/** Each step counts at the most that was signed for it, or at what it cost where that is known. */
async function checkFee({ batch, index, transaction, witness }: StepInit, { steps }: Consent): Promise<void> {
  const others = steps.filter((step) => step.index !== index);
  const own = feeOf(transaction, steps.find((step) => step.index === index));
  const sum = (fees: readonly bigint[]): bigint => fees.reduce((total, fee) => total + fee, own);
  if (sum(others.map(({ feeWei }) => feeWei)) <= batch.maxFeeWei) return;
  const paid = witness === undefined ? undefined : await Promise.all(others.map(async ({ feeWei, hashes }) => (await witness.feePaid(hashes)) ?? feeWei));
  if (paid === undefined || sum(paid) > batch.maxFeeWei) throw refused('its fee is above what was shown');
}

/** What it may cost at most; of several tries only one comes into a block. */
const feeOf = ({ gas, maxFeePerGas }: UnsignedTransaction, before: SignedStep | undefined): bigint => {
  const fee = gas * maxFeePerGas;
  return before !== undefined && before.feeWei > fee ? before.feeWei : fee;
};

/** With another nonce the same call could come into blocks twice. */
async function checkNonce(witness: ChainWitness | undefined, taken: TakenNonce): Promise<void> {
  if (witness === undefined || !(await witness.isLost(taken))) throw refused('this call was signed with another nonce, which may still be used');
}

const refused = (reason: string): Error => walletErrors.notConsented({ reason });

const VOUCHER = { Voucher: [{ name: 'sessionId', type: 'bytes32' }, { name: 'root', type: 'bytes32' }] } as const;
export const VOUCHER_DOMAIN = { name: 'OmniNode Settlement', version: '1' } as const;

export const voucherOf = ({ chainId, settlement, sessionId, root }: { readonly chainId: number; readonly settlement: Hex; readonly sessionId: Hex; readonly root: Hex }): TypedDataDefinition => ({
  domain: { ...VOUCHER_DOMAIN, chainId, verifyingContract: settlement }, types: VOUCHER, primaryType: 'Voucher', message: { sessionId, root },
});
