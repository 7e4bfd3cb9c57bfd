import { bytesToHex, concatHex, keccak256, toHex, zeroHash } from 'viem';
import { leafOf, merklePath, merkleTree, type Hex } from '../../chain/index.ts';
import type { SignedReceipt } from '../../pipeline/index.ts';
import { MAX_SESSION_RECEIPTS } from './options.ts';

/** No bill, no inner node of a tree and nothing that a node signs begins so. */
const DOMAIN = toHex('omninode/receipt-leaf/1\0');

/** A receipt as it was signed, in the tree that a bill's root is of; docs/protocols/pay.md. */
export const receiptLeaf = ({ body, signature }: SignedReceipt): Hex => leafOf(keccak256(concatHex([DOMAIN, bytesToHex(body), bytesToHex(signature)])));

/** The same set gives both sides the same order. */
const sorted = (leaves: readonly Hex[]): Hex[] => [...new Set(leaves)].sort();

/** Zeros for a set of none, and for one that is larger than either side keeps. */
export function rootOfReceipts(leaves: readonly Hex[]): Hex {
  const set = sorted(leaves);
  return set.length === 0 || set.length > MAX_SESSION_RECEIPTS ? zeroHash : merkleTree(set).root;
}

/** What leads from a leaf of the set to its root, as OpenZeppelin's MerkleProof takes it; undefined: it is none, or the root is zeros. */
export function pathOfReceipt(leaves: readonly Hex[], leaf: Hex): Hex[] | undefined {
  const set = sorted(leaves);
  const index = set.indexOf(leaf);
  return index === -1 || set.length > MAX_SESSION_RECEIPTS ? undefined : merklePath(merkleTree(set), index);
}
