import { generateKeyPairSync, sign } from 'node:crypto';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import type { Hex, NodeSigner, TransactionSigner } from '../index.ts';

/** An identity as libp2p has it. */
export function newNode(): NodeSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const nodeId: Hex = `0x${publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex')}`;
  return { nodeId, sign: (message) => Promise.resolve(new Uint8Array(sign(null, message, privateKey))) };
}

export interface TestAccount {
  readonly key: PrivateKeyAccount;
  readonly privateKey: Hex;
  readonly address: Hex;
  /** Signs whatever it is asked to. */
  readonly signer: TransactionSigner;
}

export function newAccount(privateKey: Hex = generatePrivateKey()): TestAccount {
  const key = privateKeyToAccount(privateKey);
  return { key, privateKey, address: key.address, signer: { address: key.address, sign: (_batch, _index, transaction) => key.signTransaction({ ...transaction, type: 'eip1559' }) } };
}
