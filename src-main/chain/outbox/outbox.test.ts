import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchRow, StepRow } from './box-file.ts';
import { fitted, raisedFees, suggestedFees, withMargin } from './fees.ts';
import { batchStatus, budgetLeft, nextStep } from './progress.ts';
import type { TxStatus } from './types.ts';

const fees = fc.record({ maxFeePerGas: fc.bigInt(1n, 10n ** 12n), maxPriorityFeePerGas: fc.bigInt(0n, 10n ** 12n) }).map((own) => ({ ...own, maxPriorityFeePerGas: own.maxPriorityFeePerGas % (own.maxFeePerGas + 1n) }));
const gas = fc.bigInt(21_000n, 30_000_000n);

describe('fees', () => {
  it('rise by an eighth at least, never over the budget', () => {
    fc.assert(fc.property(fc.record({ before: fees, now: fees, own: gas, budget: fc.bigInt(0n, 10n ** 20n) }), ({ before, now, own, budget }) => {
      const raised = raisedFees(before, now, { gas: own, budget });
      if (raised === undefined) return;
      expect(raised.maxFeePerGas * own <= budget).toBe(true);
      expect(raised.maxFeePerGas * 8n >= before.maxFeePerGas * 9n).toBe(true);
      expect(raised.maxPriorityFeePerGas * 8n >= before.maxPriorityFeePerGas * 9n).toBe(true);
      expect(raised.maxPriorityFeePerGas <= raised.maxFeePerGas).toBe(true);
    }));
  });

  it('fit a budget or are none', () => {
    const wanted = suggestedFees(100n, 10n);
    expect(wanted).toEqual({ maxFeePerGas: 210n, maxPriorityFeePerGas: 10n });
    expect(fitted(wanted, { gas: 10n, budget: 10_000n, baseFee: 100n })).toEqual(wanted);
    expect(fitted(wanted, { gas: 10n, budget: 1_050n, baseFee: 100n })).toEqual({ maxFeePerGas: 105n, maxPriorityFeePerGas: 10n });
    expect(fitted(wanted, { gas: 10n, budget: 1_000n, baseFee: 100n })).toBeUndefined();
    expect(withMargin(100_000n)).toBe(130_000n);
  });
});

const step = (position: number, status: TxStatus, more: Partial<StepRow> = {}): StepRow => ({ seq: 1, position, call: { what: 'x', to: '0x', data: '0x', value: 0n }, status, attempts: [], ...more });
const row = (...steps: StepRow[]): BatchRow => ({ seq: 1, batch: { id: 'a', what: 'x', from: '0x', calls: [], maxFeeWei: 1_000n }, atMs: 0, status: batchStatus(steps), steps });

describe('progress', () => {
  it.each<[TxStatus[], TxStatus]>([
    [['queued', 'queued'], 'queued'], [['sent', 'queued'], 'sent'], [['confirmed', 'queued'], 'sent'], [['mined', 'confirmed'], 'mined'],
    [['confirmed', 'confirmed'], 'confirmed'], [['confirmed', 'failed'], 'failed'], [['mined', 'failed'], 'sent'],
  ])('%j is %s', (steps, status) => {
    expect(batchStatus(steps.map((own) => ({ status: own })))).toBe(status);
  });

  it('sends the next one only when all before it are in a block and did what they were to do', () => {
    const error = { code: 'X', message: '', meta: {}, retryable: false, fault: 'user' } as const;
    expect(nextStep([row(step(0, 'mined'), step(1, 'queued'))])?.step.position).toBe(1);
    expect(nextStep([row(step(0, 'sent'), step(1, 'queued'))])).toBeUndefined();
    expect(nextStep([row(step(0, 'mined', { error }), step(1, 'queued'))])).toBeUndefined();
    expect(nextStep([row(step(0, 'sent')), row(step(0, 'queued'))])).toBeUndefined();
    expect(nextStep([row(step(0, 'confirmed')), row(step(0, 'queued'))])?.step.position).toBe(0);
  });

  it('leaves of the budget what the others cost or may cost', () => {
    const attempt = { number: 0, hash: '0x', raw: '0x', gas: 10n, maxFeePerGas: 20n, maxPriorityFeePerGas: 1n, atMs: 0 } as const;
    const steps = [step(0, 'confirmed', { fee: 300n, attempts: [attempt] }), step(1, 'sent', { attempts: [attempt] }), step(2, 'queued')];
    expect(budgetLeft(row(...steps), steps[2]!)).toBe(500n);
  });
});
