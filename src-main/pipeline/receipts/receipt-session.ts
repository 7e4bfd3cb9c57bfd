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
  /** Prompt and answer; the position of a token is its index. */
  readonly tokens: Int32Array;
  readonly promptLength: number;
  readonly greedy: boolean;
  readonly windows: readonly (Window & { readonly receipts: readonly Receipt[] })[];
  /** Ranges to recompute, in order and without gaps: those of the receipts, and what lies before them. */
  readonly ranges: readonly SendingRange[];
}

/** With the dtype in which its rows travel on. */
export type SendingRange = LayerRange & { readonly sends: ActivationDtype };

/** Checks every signature and that the receipts tell of one session. Throws RECEIPT_*. */
export async function openReceiptSession(file: ReceiptsFile, { name, verifySignature }: { readonly name: string; readonly verifySignature: VerifySignature }): Promise<ReceiptSession> {
  const receipts: Receipt[] = [];
  for (const signed of file.receipts) receipts.push(await openReceipt(signed, verifySignature));
  return receiptSessionOf(receipts, { file, name });
}

/** As well, of receipts (at least one) whose signatures were checked. Throws RECEIPT_BAD_FILE. */
export function receiptSessionOf(receipts: readonly Receipt[], { file, name }: { readonly file: ReceiptsFile; readonly name: string }): ReceiptSession {
  const { session, modelHash } = receipts[0] as Receipt;
  const odd = receipts.find((receipt) => receipt.session !== session || receipt.modelHash !== modelHash);
  if (odd !== undefined) throw receiptErrors.badFile({ name, problem: 'receipts of several sessions' });
  const tokens = Int32Array.from([...file.promptTokens, ...file.answerTokens]);
  if (receipts.some(({ first, count }) => first + count > tokens.length)) throw receiptErrors.badFile({ name, problem: 'receipts of rows that have no token' });
  return { session, modelHash, tokens, promptLength: file.promptTokens.length, greedy: file.greedy, windows: windowsOf(receipts, name), ranges: rangesOf(receipts, name) };
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

function rangesOf(receipts: readonly Receipt[], name: string): SendingRange[] {
  const stages = [...Map.groupBy(receipts, ({ layers }) => layers.join('-')).values()].map(([first, ...others]) => {
    const { layers, takes, sends } = first as Receipt;
    if (others.some((other) => other.takes !== takes || other.sends !== sends)) throw receiptErrors.badFile({ name, problem: `layers ${layers.join('-')} with several dtypes` });
    return { first: layers[0], last: layers[1], takes, sends };
  });
  const ranges: SendingRange[] = [];
  let next = 0;
  for (const { takes, ...range } of stages.sort((a, b) => a.first - b.first)) {
    const before = ranges.at(-1);
    if (range.first < next) throw receiptErrors.badFile({ name, problem: `two stages with layer ${range.first}` });
    if (range.first > next) ranges.push({ first: next, last: range.first - 1, sends: takes });
    else if (before !== undefined && before.sends !== takes) throw receiptErrors.badFile({ name, problem: `what layer ${before.last} sends as ${before.sends}, layer ${range.first} takes as ${takes}` });
    ranges.push(range);
    next = range.last + 1;
  }
  return ranges;
}
