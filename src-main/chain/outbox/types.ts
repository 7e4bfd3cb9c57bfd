import type { WireError } from '../../base/index.ts';
import type { Batch, Hex } from '../types.ts';

/** asking, refused: the owner's decision, before anything is queued. sent: signed, and perhaps out. mined: in a block; confirmed: with enough blocks on top. failed: it has no effect and never will. */
export type TxStatus = 'asking' | 'refused' | 'queued' | 'sent' | 'mined' | 'confirmed' | 'failed';

export interface OutboxStep {
  readonly what: string;
  readonly status: TxStatus;
  /** Of the transaction that is in a block, or of the newest that was signed. */
  readonly hash?: Hex;
  readonly block?: bigint;
  /** Wei. */
  readonly fee?: bigint;
  /** How often it was signed again at a higher fee. */
  readonly resent: number;
}

export interface OutboxEntry {
  readonly batch: Batch;
  readonly atMs: number;
  readonly status: TxStatus;
  readonly steps: readonly OutboxStep[];
  /** Why it failed, or what it waits for. */
  readonly error?: WireError;
}

export interface OutboxEvents {
  readonly changed: OutboxEntry;
}
