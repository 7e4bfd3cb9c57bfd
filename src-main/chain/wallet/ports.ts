import type { Batch, Call, ChainNetwork, Hex, TransactionSigner } from '../types.ts';
import type { Simulation } from './types.ts';

/** What the wallet asks of a chain. */
export interface WalletChain {
  /** Undefined: there is none, or not yet. */
  readonly network: ChainNetwork | undefined;
  /** A read over JSON-RPC. Rejects with the node's error. */
  request(method: string, params: readonly unknown[]): Promise<unknown>;
  /** All calls in order, at the chain's head; and what fees they need at most, with room for resending. Never rejects. */
  simulate(from: Hex, calls: readonly Call[]): Promise<Simulation>;
}

/** Of a batch that was handed over. */
export interface BatchProgress {
  readonly status: 'queued' | 'sent' | 'confirmed' | 'failed';
  /** Of each call that was sent, in order. */
  readonly hashes: readonly Hex[];
}

/** Where consented batches go. */
export interface WalletOutbox {
  /** Durable when it resolves. Adding the same again changes nothing. */
  add(batch: Batch, signer: TransactionSigner): Promise<void>;
  /** The hash of a batch's first transaction, as soon as it is signed. Rejects when it cannot be sent. */
  firstHash(id: string): Promise<Hex>;
  progress(id: string): BatchProgress | undefined;
}
