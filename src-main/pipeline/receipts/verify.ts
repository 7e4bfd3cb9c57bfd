import { rowValues } from './activations.ts';
import { compare, exceeded, type Difference } from './commitment.ts';
import { SAMPLE_MARGIN_NATS, thresholdsFor, type Thresholds, type WeightKind } from './options.ts';
import type { ReceiptSession, Window } from './receipt-session.ts';
import type { Committed, Receipt } from './receipt.ts';
import { recompute, resample, sliceRows, type LoadRange, type RecomputedRange, type RecomputeOptions, type Rows, type SampleCheck } from './recompute.ts';

/**
 * `rejected`: the stage did not do what it signed. `misled`: what it was sent is already wrong, and the stage before
 * signed that it sent it; of its own work nothing is known. `unchecked`: nothing speaks against it, but it committed to no
 * output and sampled nothing that can be sampled again.
 */
export type Outcome = 'accepted' | 'rejected' | 'misled' | 'unchecked';

export interface Verdict extends Window {
  readonly peer: string;
  readonly layers: readonly [number, number];
  readonly outcome: Outcome;
  readonly reasons: readonly string[];
  /** Null where the receipt commits to nothing. */
  readonly input: Difference | null;
  readonly output: Difference | null;
  readonly samples: readonly SampleCheck[];
}

export interface Verification {
  /** Nothing speaks against any stage. */
  readonly accepted: boolean;
  readonly session: string;
  readonly windows: number;
  readonly receipts: number;
  /** What two receipts, or a receipt and the file's tokens, contradict each other in; found in all windows, without computing. */
  readonly contradictions: readonly string[];
  /** Of the windows that were recomputed. */
  readonly verdicts: readonly Verdict[];
}

export interface VerifyOptions {
  readonly load: LoadRange;
  readonly totalLayers: number;
  /** How many windows to recompute, chosen with `random`. */
  readonly windows: number;
  /** A whole number from 0 to max - 1 that the stages could not foresee. */
  readonly random: (max: number) => number;
  readonly batchTokens: number;
  readonly signal: AbortSignal;
  readonly weights: WeightKind;
}

/**
 * Recomputes some windows of a session from its tokens and compares. The engines are this machine's own: whoever holds
 * the whole model, or the shards up to the last range that the receipts name, can do it.
 * Rejects with ENGINE_*, RECEIPT_*, PIPELINE_CANCELLED.
 */
export async function verifySession(session: ReceiptSession, options: VerifyOptions): Promise<Verification> {
  const chosen = choose(session.windows, options);
  const end = Math.max(...chosen.map((window) => window.first + window.count));
  const work: RecomputeOptions = { ...options, tokens: session.tokens.slice(0, end), ranges: session.ranges };
  const ranges = await recompute(work);
  const verdicts: Verdict[] = [];
  for (const window of chosen) {
    for (const receipt of window.receipts) {
      const range = ranges.find((done) => done.range.first === receipt.layers[0]) as RecomputedRange;
      const samples = session.greedy && receipt.layers[1] === options.totalLayers - 1 ? await samplesOf(receipt, range, work) : [];
      const before = window.receipts.find((other) => other.layers[1] === receipt.layers[0] - 1);
      verdicts.push(judge(receipt, { range, before, samples, weights: options.weights }));
    }
  }
  const contradictions = contradictionsOf(session, options.totalLayers);
  const accepted = contradictions.length === 0 && verdicts.every(({ outcome }) => outcome === 'accepted' || outcome === 'unchecked');
  const receipts = session.windows.reduce((sum, window) => sum + window.receipts.length, 0);
  return { accepted, session: session.session, windows: session.windows.length, receipts, contradictions, verdicts };
}

function choose<T>(all: readonly T[], { windows, random }: VerifyOptions): T[] {
  const left = [...all];
  const chosen: T[] = [];
  while (chosen.length < windows && left.length > 0) chosen.push(...left.splice(random(left.length), 1));
  return chosen;
}

const samplesOf = async ({ first, count, sampledTokens }: Receipt, range: RecomputedRange, work: RecomputeOptions): Promise<SampleCheck[]> =>
  (sampledTokens === null || sampledTokens.length === 0 ? [] : resample(range, { first, count, claimed: sampledTokens }, work));

interface Evidence {
  readonly range: RecomputedRange;
  /** The receipt of the stage before, for the same window. */
  readonly before: Receipt | undefined;
  readonly samples: readonly SampleCheck[];
  readonly weights: WeightKind;
}

function judge(receipt: Receipt, { range, before, samples, weights }: Evidence): Verdict {
  const limitsOf = (committed: Committed | null): Thresholds => thresholdsFor({ weights, backends: [receipt.backend, range.backend], rows: committed?.count ?? 0 });
  const { peer, layers, first, count } = receipt;
  const input = range.input.kind === 'hidden' ? differenceOf(receipt.input, range.input) : null;
  const output = differenceOf(receipt.output, range.output);
  const inputReason = input === null ? undefined : exceeded(input, limitsOf(receipt.input));
  const outputReason = output === null ? undefined : exceeded(output, limitsOf(receipt.output));
  const wrong = samples.find((sample) => sample.gap > SAMPLE_MARGIN_NATS);
  const reasons = [
    ...(inputReason === undefined ? [] : [`input: ${inputReason}`]), ...(outputReason === undefined ? [] : [`output: ${outputReason}`]),
    ...(wrong === undefined ? [] : [`token ${wrong.claimed} after row ${wrong.position}, where ${wrong.best} is the likeliest`]),
  ];
  const outcome = outcomeOf(receipt, { isWrong: reasons.length > 0, isInputWrong: inputReason !== undefined, isChecked: output !== null || samples.length > 0, before });
  return { peer, layers, first, count, outcome, reasons, input, output, samples };
}

interface Findings {
  readonly isWrong: boolean;
  readonly isInputWrong: boolean;
  readonly isChecked: boolean;
  readonly before: Receipt | undefined;
}

function outcomeOf({ input }: Receipt, { isWrong, isInputWrong, isChecked, before }: Findings): Outcome {
  if (!isWrong) return isChecked ? 'accepted' : 'unchecked';
  const sent = before?.output ?? null;
  const wasSent = input !== null && sent !== null && sameBytes(sent.bytes, input.bytes);
  return isInputWrong && wasSent ? 'misled' : 'rejected';
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b);

const differenceOf = (committed: Committed | null, rows: Rows): Difference | null =>
  (committed === null ? null : compare(committed.bytes, rowValues(sliceRows(rows, committed), rows.dtype)));

/** What two receipts, or a receipt and the tokens, contradict each other in; in all windows, without computing. */
export function contradictionsOf(session: ReceiptSession, totalLayers: number): string[] {
  return session.windows.flatMap(({ first, count, receipts }) => {
    const found = receipts.flatMap((receipt, i) => [...againstTokens(receipt, session, totalLayers), ...againstBefore(receipt, receipts[i - 1])]);
    return found.map((problem) => `rows ${first}-${first + count - 1}: ${problem}`);
  });
}

function againstTokens({ first, count, layers, inputTokens, sampledTokens }: Receipt, { tokens, promptLength }: ReceiptSession, totalLayers: number): string[] {
  const found: string[] = [];
  if ((layers[1] === totalLayers - 1) !== (sampledTokens !== null)) found.push(`layers ${layers.join('-')} are ${sampledTokens === null ? '' : 'not '}the last`);
  if (inputTokens?.some((token, at) => token !== tokens[first + at]) === true) found.push('the first stage was given other tokens');
  // The reader may have cut the answer's last token off.
  const begin = first + count - (sampledTokens?.length ?? 0) + 1;
  if (sampledTokens?.some((token, at) => begin + at < tokens.length && token !== tokens[begin + at]) === true) found.push('the last stage sampled other tokens');
  // Every row from the prompt's last one on was sampled from: a stage cannot leave its samples out to escape their check.
  const answered = first + count - Math.max(first, promptLength - 1);
  if (sampledTokens !== null && sampledTokens.length < answered) found.push(`the last stage names ${sampledTokens.length} of ${answered} samples`);
  return found;
}

/** Neighbours commit to the same bytes: one to what it sent, the other to what it received. */
function againstBefore({ peer, layers, input }: Receipt, before: Receipt | undefined): string[] {
  if (before === undefined || before.layers[1] !== layers[0] - 1 || before.output === null || input === null) return [];
  return sameBytes(before.output.bytes, input.bytes) ? [] : [`peers ${before.peer} and ${peer} do not agree on what went from one to the other`];
}
