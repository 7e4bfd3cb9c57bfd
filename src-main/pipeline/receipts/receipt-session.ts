import type { LayerRange } from '../../base/index.ts';
import type { ActivationDtype } from '../../inference/index.ts';
import type { VerifySignature } from '../ports.ts';
import { receiptErrors } from './errors.ts';
import { openReceipt, type Receipt } from './receipt.ts';
import type { ReceiptsFile } from './receipts-file.ts';

export interface Window {
  readonly first: number;
  readonly count: number;
}

/** The receipts of one session, signed and about the same thing, by window and in order of layers. */
export interface ReceiptSession {
  readonly session: string;
  readonly modelHash: string;
  readonly dtype: ActivationDtype;
  /** Prompt and answer; the position of a token is its index. */
  readonly tokens: Int32Array;
  readonly promptLength: number;
  readonly greedy: boolean;
  readonly windows: readonly (Window & { readonly receipts: readonly Receipt[] })[];
  /** Ranges to recompute, in order and without gaps: those of the receipts, and what lies before them. */
  readonly ranges: readonly LayerRange[];
}

/** Checks every signature and that the receipts tell of one session. Throws RECEIPT_*. */
export async function openReceiptSession(file: ReceiptsFile, { name, verifySignature }: { readonly name: string; readonly verifySignature: VerifySignature }): Promise<ReceiptSession> {
  const receipts: Receipt[] = [];
  for (const signed of file.receipts) receipts.push(await openReceipt(signed, verifySignature));
  const { session, modelHash, dtype } = receipts[0] as Receipt;
  const odd = receipts.find((receipt) => receipt.session !== session || receipt.modelHash !== modelHash || receipt.dtype !== dtype);
  if (odd !== undefined) throw receiptErrors.badFile({ name, problem: 'receipts of several sessions' });
  const tokens = Int32Array.from([...file.promptTokens, ...file.answerTokens]);
  if (receipts.some(({ first, count }) => first + count > tokens.length)) throw receiptErrors.badFile({ name, problem: 'receipts of rows that have no token' });
  return { session, modelHash, dtype, tokens, promptLength: file.promptTokens.length, greedy: file.greedy, windows: windowsOf(receipts, name), ranges: rangesOf(receipts, name) };
}

function windowsOf(receipts: readonly Receipt[], name: string): ReceiptSession['windows'] {
  const groups = [...Map.groupBy(receipts, ({ first, count }) => `${first}+${count}`).values()];
  const windows = groups.map((group) => {
    const [{ first, count }] = group as [Receipt];
    const ordered = group.toSorted((a, b) => a.layers[0] - b.layers[0]);
    if (new Set(group.map((receipt) => receipt.layers[0])).size !== group.length) throw receiptErrors.badFile({ name, problem: `two receipts of one stage for row ${first}` });
    return { first, count, receipts: ordered };
  }).sort((a, b) => a.first - b.first);
  const crossing = windows.find((window, i) => i > 0 && window.first < (windows[i - 1]?.first ?? 0) + (windows[i - 1]?.count ?? 0));
  if (crossing !== undefined) throw receiptErrors.badFile({ name, problem: `two windows with row ${crossing.first}` });
  return windows;
}

function rangesOf(receipts: readonly Receipt[], name: string): LayerRange[] {
  const distinct = new Map(receipts.map(({ layers: [first, last] }) => [`${first}-${last}`, { first, last }]));
  const ranges: LayerRange[] = [];
  let next = 0;
  for (const range of [...distinct.values()].sort((a, b) => a.first - b.first)) {
    if (range.first < next) throw receiptErrors.badFile({ name, problem: `two stages with layer ${range.first}` });
    if (range.first > next) ranges.push({ first: next, last: range.first - 1 });
    ranges.push(range);
    next = range.last + 1;
  }
  return ranges;
}
