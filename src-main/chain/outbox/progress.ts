import type { BatchRow, StepRow } from './box-file.ts';
import type { TxStatus } from './types.ts';

/** A batch is as far as its steps: it failed with one of them, and is over when none is on its way. */
export function batchStatus(steps: readonly Pick<StepRow, 'status'>[]): TxStatus {
  const has = (status: TxStatus): boolean => steps.some((step) => step.status === status);
  if (has('failed') && !has('sent') && !has('mined')) return 'failed';
  if (steps.every(({ status }) => status === 'confirmed')) return 'confirmed';
  if (steps.every(({ status }) => status === 'confirmed' || status === 'mined')) return 'mined';
  return steps.every(({ status }) => status === 'queued') ? 'queued' : 'sent';
}

export const isUnderway = ({ status }: Pick<StepRow, 'status'>): boolean => status === 'sent' || status === 'mined';

/** In a block, and it did what it was to do. */
const isDone = ({ status, error }: StepRow): boolean => status === 'confirmed' || (status === 'mined' && error === undefined);

/** What is to be sent next of one account's open batches, the oldest first: the first step that is queued, where all before it are done. */
export function nextStep(rows: readonly BatchRow[]): { readonly row: BatchRow; readonly step: StepRow } | undefined {
  for (const row of rows) {
    for (const step of row.steps) {
      if (step.status === 'queued') return { row, step };
      if (!isDone(step)) return undefined;
    }
  }
  return undefined;
}

/** Of what the owner agreed to pay for a batch's fees, what is left for `step` (wei): without what the others cost, or may. */
export const budgetLeft = ({ batch, steps }: BatchRow, step: StepRow): bigint =>
  batch.maxFeeWei - steps.filter(({ position }) => position !== step.position).reduce((sum, other) => sum + (other.fee ?? mayCost(other)), 0n);

const mayCost = ({ attempts }: StepRow): bigint => {
  const newest = attempts.at(-1);
  return newest === undefined ? 0n : newest.gas * newest.maxFeePerGas;
};
