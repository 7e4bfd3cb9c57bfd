import { CodedError, type SqliteFile, type WireError } from '../../base/index.ts';
import { openDatabase } from '../sqlite.ts';
import type { Batch, Call, Hex, UnsignedTransaction } from '../types.ts';
import type { OutboxEntry, OutboxStep, TxStatus } from './types.ts';

const MIGRATIONS = [`
  CREATE TABLE batches (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, what TEXT NOT NULL, sender TEXT NOT NULL, max_fee TEXT NOT NULL, at_ms INTEGER NOT NULL, status TEXT NOT NULL, error TEXT) STRICT;
  CREATE INDEX batches_by_status ON batches (status, sender);
  CREATE TABLE steps (
    seq INTEGER NOT NULL REFERENCES batches (seq) ON DELETE CASCADE, position INTEGER NOT NULL, what TEXT NOT NULL, target TEXT NOT NULL, data TEXT NOT NULL, value TEXT NOT NULL,
    status TEXT NOT NULL, nonce INTEGER, hash TEXT, block INTEGER, block_hash TEXT, fee TEXT, error TEXT, PRIMARY KEY (seq, position)
  ) STRICT;
  CREATE TABLE attempts (
    seq INTEGER NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL, hash TEXT NOT NULL, raw TEXT NOT NULL, gas TEXT NOT NULL, max_fee TEXT NOT NULL, tip TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (seq, position, number), FOREIGN KEY (seq, position) REFERENCES steps (seq, position) ON DELETE CASCADE
  ) STRICT;
`];
/** Older ones are forgotten once they are settled. */
const KEPT = 500;

export interface Attempt {
  readonly number: number;
  readonly hash: Hex;
  readonly raw: Hex;
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  readonly atMs: number;
}

/** A step as it is worked on; `seq` and `position` name it. */
export interface StepRow {
  readonly seq: number;
  readonly position: number;
  readonly call: Call;
  readonly status: TxStatus;
  readonly nonce?: number;
  readonly hash?: Hex;
  readonly block?: bigint;
  readonly blockHash?: Hex;
  readonly fee?: bigint;
  readonly error?: WireError;
  readonly attempts: readonly Attempt[];
}

export interface BatchRow {
  readonly seq: number;
  readonly batch: Batch;
  readonly atMs: number;
  readonly status: TxStatus;
  readonly error?: WireError;
  readonly steps: readonly StepRow[];
}

interface RawBatch { seq: number; id: string; what: string; sender: Hex; max_fee: string; at_ms: number; status: TxStatus; error: string | null }
interface RawStep { seq: number; position: number; what: string; target: Hex; data: Hex; value: string; status: TxStatus; nonce: number | null; hash: Hex | null; block: number | null; block_hash: Hex | null; fee: string | null; error: string | null }
interface RawAttempt { number: number; hash: Hex; raw: Hex; gas: string; max_fee: string; tip: string; at_ms: number }

export type StepChange = { readonly status: TxStatus; readonly hash?: Hex; readonly block?: bigint; readonly blockHash?: Hex; readonly fee?: bigint; readonly error?: CodedError };

/** The outbox on the disk. Held by one process at a time. */
export class BoxFile {
  readonly #file: SqliteFile;

  /** Throws what `openDatabase` throws. */
  constructor(path: string) {
    this.#file = openDatabase(path, MIGRATIONS, 'PRAGMA locking_mode = EXCLUSIVE');
    // Whoever asked is gone with the process; asking again is right. This write also takes the lock, which stays.
    this.#file.run('UPDATE batches SET status = \'refused\' WHERE status = \'asking\'');
    this.#file.run('UPDATE steps SET status = \'refused\' WHERE status = \'asking\'');
  }

  close(): void {
    this.#file.close();
  }

  /** Several changes as one. */
  together<T>(work: () => T): T {
    return this.#file.transaction(work);
  }

  /** False where there is one of this id already. */
  insert({ id, what, from, maxFeeWei, calls }: Batch, status: TxStatus, atMs: number): boolean {
    return this.#file.transaction(() => {
      if (this.#file.run('INSERT OR IGNORE INTO batches (id, what, sender, max_fee, at_ms, status) VALUES (?, ?, ?, ?, ?, ?)', id, what, from, String(maxFeeWei), atMs, status) === 0) return false;
      const { seq } = this.#file.get<{ seq: number }>('SELECT seq FROM batches WHERE id = ?', id) as { seq: number };
      for (const [position, call] of calls.entries()) {
        this.#file.run('INSERT INTO steps (seq, position, what, target, data, value, status) VALUES (?, ?, ?, ?, ?, ?, ?)', seq, position, call.what, call.to, call.data, String(call.value), status);
      }
      this.#file.run('DELETE FROM batches WHERE status IN (\'confirmed\', \'failed\', \'refused\') AND seq <= ?', seq - KEPT);
      return true;
    });
  }

  /** All steps of a batch at once: from `from` on. */
  setAll(seq: number, from: TxStatus, to: TxStatus): void {
    this.#file.transaction(() => {
      this.#file.run('UPDATE steps SET status = ? WHERE seq = ? AND status = ?', to, seq, from);
      this.#file.run('UPDATE batches SET status = ? WHERE seq = ? AND status = ?', to, seq, from);
    });
  }

  setStep({ seq, position }: { readonly seq: number; readonly position: number }, { status, hash, block, blockHash, fee, error }: StepChange): void {
    this.#file.run(
      'UPDATE steps SET status = ?, hash = COALESCE(?, hash), block = ?, block_hash = ?, fee = ?, error = ? WHERE seq = ? AND position = ?',
      status, hash ?? null, block === undefined ? null : Number(block), blockHash ?? null, fee === undefined ? null : String(fee), wire(error), seq, position,
    );
  }

  setBatch(seq: number, status: TxStatus, error: CodedError | WireError | undefined): void {
    this.#file.run('UPDATE batches SET status = ?, error = ? WHERE seq = ?', status, wire(error), seq);
  }

  /** Signed, and from now on perhaps out. False, and nothing done, where the step is not as it was. */
  addAttempt(step: StepRow, { nonce, gas, maxFeePerGas, maxPriorityFeePerGas }: UnsignedTransaction, { hash, raw, atMs }: { readonly hash: Hex; readonly raw: Hex; readonly atMs: number }): boolean {
    return this.#file.transaction(() => {
      if (this.#file.run('UPDATE steps SET status = \'sent\', nonce = ?, hash = ? WHERE seq = ? AND position = ? AND status = ?', nonce, hash, step.seq, step.position, step.status) === 0) return false;
      this.#file.run(
        'INSERT INTO attempts VALUES (?, ?, (SELECT COUNT(*) FROM attempts WHERE seq = ?1 AND position = ?2), ?, ?, ?, ?, ?, ?)',
        step.seq, step.position, hash, raw, String(gas), String(maxFeePerGas), String(maxPriorityFeePerGas), atMs,
      );
      return true;
    });
  }

  /** What was signed can never be in a block: its number was used otherwise. */
  unsend({ seq, position }: StepRow): void {
    this.#file.transaction(() => {
      this.#file.run('DELETE FROM attempts WHERE seq = ? AND position = ?', seq, position);
      this.#file.run('UPDATE steps SET status = \'queued\', nonce = NULL, hash = NULL, block = NULL, block_hash = NULL WHERE seq = ? AND position = ?', seq, position);
    });
  }

  find(id: string): BatchRow | undefined {
    return this.#rows('WHERE id = ?', id)[0];
  }

  /** Those that are not over, the oldest first. */
  open(): BatchRow[] {
    return this.#rows('WHERE status IN (\'queued\', \'sent\', \'mined\') ORDER BY seq');
  }

  /** The newest first. */
  newest(limit: number): BatchRow[] {
    return this.#rows('ORDER BY seq DESC LIMIT ?', limit);
  }

  #rows(where: string, ...values: (string | number)[]): BatchRow[] {
    return this.#file.all<RawBatch>(`SELECT * FROM batches ${where}`, ...values).map((row) => {
      const steps = this.#file.all<RawStep>('SELECT * FROM steps WHERE seq = ? ORDER BY position', row.seq).map((step) => this.#step(step));
      const batch = { id: row.id, what: row.what, from: row.sender, maxFeeWei: BigInt(row.max_fee), calls: steps.map(({ call }) => call) };
      return { seq: row.seq, batch, atMs: row.at_ms, status: row.status, steps, ...unwired(row.error) };
    });
  }

  #step(row: RawStep): StepRow {
    const attempts = this.#file.all<RawAttempt>('SELECT * FROM attempts WHERE seq = ? AND position = ? ORDER BY number', row.seq, row.position);
    return {
      seq: row.seq, position: row.position, status: row.status,
      call: { what: row.what, to: row.target, data: row.data, value: BigInt(row.value) },
      ...(row.nonce === null ? {} : { nonce: row.nonce }), ...(row.hash === null ? {} : { hash: row.hash }),
      ...(row.block === null ? {} : { block: BigInt(row.block) }), ...(row.block_hash === null ? {} : { blockHash: row.block_hash }),
      ...(row.fee === null ? {} : { fee: BigInt(row.fee) }), ...unwired(row.error),
      attempts: attempts.map((a) => ({ number: a.number, hash: a.hash, raw: a.raw, gas: BigInt(a.gas), maxFeePerGas: BigInt(a.max_fee), maxPriorityFeePerGas: BigInt(a.tip), atMs: a.at_ms })),
    };
  }
}

const wire = (error: CodedError | WireError | undefined): string | null => (error === undefined ? null : JSON.stringify(error instanceof CodedError ? error.toWire() : error));
const unwired = (text: string | null): { error?: WireError } => (text === null ? {} : { error: JSON.parse(text) as WireError });

const stepOf = ({ call, status, hash, block, fee, attempts }: StepRow): OutboxStep => ({
  what: call.what, status, resent: Math.max(0, attempts.length - 1),
  ...(hash === undefined ? {} : { hash }), ...(block === undefined ? {} : { block }), ...(fee === undefined ? {} : { fee }),
});

export const entryOf = ({ batch, atMs, status, steps, error }: BatchRow): OutboxEntry => ({ batch, atMs, status, steps: steps.map(stepOf), ...(error === undefined ? {} : { error }) });
