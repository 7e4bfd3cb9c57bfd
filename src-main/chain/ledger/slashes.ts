import type { Hex } from '../types.ts';
import type { Evidence } from '../settle/fault-proof.ts';
import type { ChainEvent } from './events.ts';

export interface ChainSlash {
  readonly nodeId: Hex;
  readonly faultId: Hex;
  readonly atMs: number;
  readonly block: number;
  readonly txHash: Hex;
  /** 1e-18 SUM, unbonding stake included. */
  readonly cut: bigint;
  readonly burned: bigint;
  readonly reporter: Hex;
  readonly evidence: Evidence;
  readonly sessionIds: readonly Hex[];
}

const LISTED = 200;

/** Of all nodes, the newest first. */
export const slashesOf = (events: readonly ChainEvent[]): ChainSlash[] => events.flatMap((event) => {
  if (event.name !== 'Slashed') return [];
  const { nodeId, faultId, reporter, cut, burned, evidence = 'unknown', sessionIds = [] } = event.args;
  return [{ nodeId, faultId, reporter, evidence, sessionIds, atMs: event.atS * 1000, block: event.block, txHash: event.tx, cut: BigInt(cut), burned: BigInt(burned) }];
}).toReversed().slice(0, LISTED);
