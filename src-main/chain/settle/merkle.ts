import { concatHex, keccak256 } from 'viem';
import { chainErrors } from '../errors.ts';
import type { Hex } from '../types.ts';

/** Leaves first, the root's level last. A node without a neighbour rises as it is. */
export interface MerkleTree {
  readonly root: Hex;
  readonly levels: readonly (readonly Hex[])[];
}

const MAX_LEAVES = 65_536;

/** OpenZeppelin's MerkleProof: pairs are sorted before they are hashed. */
const above = (level: readonly Hex[]): Hex[] => {
  const pairs = Array.from({ length: Math.ceil(level.length / 2) }, (_, index) => level.slice(index * 2, index * 2 + 2));
  return pairs.map(([first, second]) => (second === undefined ? first as Hex : keccak256(concatHex([first as Hex, second].sort()))));
};

/** A tree over 1 to 65,536 leaves, in their order. Throws CHAIN_NOT_SENT for none. */
export function merkleTree(leaves: readonly Hex[]): MerkleTree {
  if (leaves.length === 0 || leaves.length > MAX_LEAVES) throw chainErrors.notSent({ reason: `a tree has 1 to ${MAX_LEAVES} leaves` });
  const levels: (readonly Hex[])[] = [leaves.map((leaf) => leaf.toLowerCase() as Hex)];
  while ((levels.at(-1)?.length ?? 0) > 1) levels.push(above(levels.at(-1) ?? []));
  return { root: levels.at(-1)?.[0] as Hex, levels };
}

/** What leads from a leaf to the root: what `Settlement.claim` asks for. */
export const merklePath = ({ levels }: MerkleTree, index: number): Hex[] => levels.slice(0, -1).flatMap((level, depth) => level[(index >> depth) ^ 1] ?? []);
