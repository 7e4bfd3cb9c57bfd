import type { LayerRange } from '../../base/index.ts';
import { shardErrors } from '../errors.ts';
import { mayCut } from './cut-join.ts';
import type { OriginTensor, Piece } from './piece.ts';

export type ShardPlan =
  /** This many shards of about equal bytes, embedding and head counted. */
  | { readonly kind: 'even'; readonly shards: number }
  /** The first layer of each shard after the first. */
  | { readonly kind: 'cuts'; readonly at: readonly number[] }
  | { readonly kind: 'per-layer' };

const sum = (tensors: readonly OriginTensor[]): number => tensors.reduce((bytes, tensor) => bytes + tensor.sizeBytes, 0);

/** What each layer adds to the shard that holds it; the embedding counts with the first, the head with the last. */
export function layerBytes(piece: Piece): number[] {
  const last = piece.blocks.length - 1;
  return piece.blocks.map((block, index) => {
    const ends = (index === 0 ? (piece.embedding?.sizeBytes ?? 0) : 0) + (index === last ? (piece.head?.tensor.sizeBytes ?? 0) + sum(piece.tail) : 0);
    return sum(block) + ends;
  });
}

/** Ranges that cover the model in order. Throws SHARD_BAD_PLAN, SHARD_CUT_NOT_ALLOWED. */
export function planShards(piece: Piece, plan: ShardPlan): LayerRange[] {
  const starts = [0, ...cutPoints(piece, plan)];
  const ranges = starts.map((first, index) => ({ first, last: (starts[index + 1] ?? piece.totalLayers) - 1 }));
  const wrong = ranges.find((range) => !mayCut(piece, range));
  if (wrong !== undefined) throw shardErrors.cutNotAllowed({ architecture: piece.architecture, layers: piece.totalLayers, ...wrong });
  return ranges;
}

function cutPoints(piece: Piece, plan: ShardPlan): number[] {
  const { totalLayers } = piece;
  if (plan.kind === 'per-layer') return Array.from({ length: totalLayers - 1 }, (_, index) => index + 1);
  if (plan.kind === 'even') return evenCuts(layerBytes(piece), plan.shards);
  const ordered = plan.at.every((cut, index) => Number.isInteger(cut) && cut > (plan.at[index - 1] ?? 0) && cut < totalLayers);
  if (!ordered) throw shardErrors.badPlan({ reason: `cut points must rise within 1-${totalLayers - 1}` });
  return [...plan.at];
}

// Cuts where the running total is nearest to k/n of all bytes, leaving a layer for every shard.
function evenCuts(bytes: readonly number[], shards: number): number[] {
  if (!Number.isInteger(shards) || shards < 1 || shards > bytes.length) throw shardErrors.badPlan({ reason: `${bytes.length} layers make 1 to ${bytes.length} shards, not ${shards}` });
  const before = [0];
  for (const size of bytes) before.push((before.at(-1) ?? 0) + size);
  const total = before.at(-1) ?? 0;
  const cuts: number[] = [];
  for (let k = 1; k < shards; k++) {
    const goal = (total * k) / shards;
    let cut = (cuts.at(-1) ?? 0) + 1;
    const distance = (at: number): number => Math.abs((before[at] ?? 0) - goal);
    while (cut < bytes.length - (shards - k) && distance(cut + 1) <= distance(cut)) cut++;
    cuts.push(cut);
  }
  return cuts;
}
