import fc from 'fast-check';
import { concatHex, keccak256, toHex } from 'viem';
import { expect, it } from 'vitest';
import type { Hex } from '../types.ts';
import { merklePath, merkleTree } from './merkle.ts';

/** OpenZeppelin's MerkleProof.processProof. */
const rootBy = (leaf: Hex, path: readonly Hex[]): Hex => path.reduce((at, other) => keccak256(concatHex(at < other ? [at, other] : [other, at])), leaf);

it('leads from every leaf to the root, and from no other', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 70 }), (count) => {
    const leaves = Array.from({ length: count }, (_, index) => keccak256(toHex(index)));
    const tree = merkleTree(leaves);
    for (const [index, leaf] of leaves.entries()) expect(rootBy(leaf, merklePath(tree, index))).toBe(tree.root);
    expect(rootBy(keccak256('0x'), merklePath(tree, 0))).not.toBe(tree.root);
  }), { numRuns: 30 });
});

it('has at least one leaf', () => {
  expect(() => merkleTree([])).toThrow(expect.objectContaining({ code: 'CHAIN_NOT_SENT' }) as Error);
});
