import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keccak256, toHex, zeroHash } from 'viem';
import { pathOfReceipt, receiptLeaf, rootOfReceipts } from './receipt-set.ts';
import { isInTree } from './vouchers.ts';

const leafAt = (index: number) => keccak256(toHex(index));
const signed = fc.record({ body: fc.uint8Array({ minLength: 1, maxLength: 80 }), signature: fc.uint8Array({ minLength: 64, maxLength: 64 }) });

test('both sides have the same root whatever the order and however often a receipt came, and a way to it from each', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (count, turn) => {
    const leaves = Array.from({ length: count }, (_, index) => leafAt(index));
    const root = rootOfReceipts(leaves);
    expect(rootOfReceipts([...leaves.slice(turn % count), ...leaves, leaves[0]!])).toBe(root);
    expect(rootOfReceipts([...leaves, leafAt(count)])).not.toBe(root);
    for (const leaf of leaves) expect(isInTree(leaf, { root, path: pathOfReceipt(leaves.toReversed(), leaf)! })).toBe(true);
    expect(pathOfReceipt(leaves, leafAt(count))).toBeUndefined();
  }), { numRuns: 30 });
});

test('no receipt, or more than are kept, have no root', () => {
  const leaves = Array.from({ length: 16_385 }, (_, index): `0x${string}` => `0x${index.toString(16).padStart(64, '0')}`);
  expect([rootOfReceipts([]), rootOfReceipts(leaves), pathOfReceipt(leaves, leaves[0]!)]).toEqual([zeroHash, zeroHash, undefined]);
  expect(pathOfReceipt(leaves.slice(1), leaves[1]!)?.length).toBe(14);
});

test('another body or signature is another leaf', () => {
  fc.assert(fc.property(signed, signed, (one, other) => {
    const isSame = Buffer.from(one.body).equals(other.body) && Buffer.from(one.signature).equals(other.signature);
    expect(receiptLeaf(one) === receiptLeaf(other)).toBe(isSame);
    // Bytes that move from one to the other make another one as well: a signature has 64 bytes.
    expect(receiptLeaf({ ...one, body: one.body.subarray(1) })).not.toBe(receiptLeaf(one));
  }));
});
