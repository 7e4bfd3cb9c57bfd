import { isDeepStrictEqual } from 'node:util';
import { toCoded, type PeerId } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { VerifySignature } from '../ports.ts';
import { receiptErrors } from '../receipts/errors.ts';
import { WINDOW_ROWS } from '../receipts/options.ts';
import { receiptSessionOf, type Window } from '../receipts/receipt-session.ts';
import { openReceipt, receiptDtype, type Receipt, type SignedReceipt } from '../receipts/receipt.ts';
import type { ReceiptsFile } from '../receipts/receipts-file.ts';
import { contradictionsOf } from '../receipts/verify.ts';
import { FLAG_MORE, FrameType } from '../wire/constants.ts';
import { decodeReceipts } from '../wire/receipts.ts';
import { dtypesOf, type RouteStage } from './boundaries.ts';
import { linkFailure } from './name-error.ts';
import type { StageClient } from './stage-client.ts';

/** A stage, and what it signed: well formed, by its peer, about the answer's session. */
export interface SignedBy {
  readonly peer: PeerId;
  readonly receipts: readonly SignedReceipt[];
}

/** What the stages signed about an answer. */
export interface AnswerReceipts {
  /** For `omninode verify`; undefined when no stage signed anything. */
  readonly file: ReceiptsFile | undefined;
  /** Of the answer, which each stage had to sign. */
  readonly windows: number;
  /** Of each stage: how many windows of the answer it signed. */
  readonly perStage: readonly number[];
  /** All that each stage signed, in the order of `perStage`. */
  readonly signers: readonly SignedBy[];
  /** Stages that did not sign all windows, and why; and what the receipts contradict each other in. Nothing was computed again. */
  readonly problems: readonly string[];
}

export const noReceipts = (problem: string): AnswerReceipts => ({ file: undefined, windows: 0, perStage: [], signers: [], problems: [problem] });

export interface ReceiptsRequest {
  readonly clients: readonly StageClient[];
  readonly session: string;
  readonly modelHash: string;
  readonly route: readonly RouteStage[];
  /** The rows of the answer's last run: from its first one up to those that every stage is known to have computed. */
  readonly start: number;
  readonly end: number;
  readonly tokens: Pick<ReceiptsFile, 'promptTokens' | 'answerTokens' | 'greedy'>;
  readonly timeoutMs: number;
  readonly verifySignature: VerifySignature;
}

/** Asks every stage, checks what each signed, and what they say together. Never rejects. */
export async function collectReceipts(request: ReceiptsRequest): Promise<AnswerReceipts> {
  const due = windowsBetween(request.start, request.end);
  const stages = await Promise.all(request.clients.map(async (client) => ({ peer: client.link.peer, ...await fromStage(client, request, due) })));
  const receipts = stages.flatMap((stage) => stage.receipts.map(({ signed }) => signed));
  const file = receipts.length === 0 ? undefined : { ...request.tokens, receipts };
  const problems = stages.flatMap(({ problem }) => problem ?? []);
  return { file, windows: due.length, perStage: stages.map((stage) => stage.receipts.length), signers: stages.map(({ peer, opened }) => ({ peer, receipts: opened.map(({ signed }) => signed) })), problems: [...problems, ...together(file, stages, request)] };
}

/** The windows that a run from `start` to `end` has; docs/protocols/receipts.md. */
export function windowsBetween(start: number, end: number): Window[] {
  const windows: Window[] = [];
  for (let first = start; first < end;) {
    const next = Math.min(end, (Math.floor(first / WINDOW_ROWS) + 1) * WINDOW_ROWS);
    windows.push({ first, count: next - first });
    first = next;
  }
  return windows;
}

interface StageReceipts {
  /** Due ones. */
  readonly receipts: readonly Opened[];
  readonly opened: readonly Opened[];
  readonly problem?: string;
}

interface Opened {
  readonly signed: SignedReceipt;
  readonly receipt: Receipt;
}

async function fromStage(client: StageClient, request: ReceiptsRequest, due: readonly Window[]): Promise<StageReceipts> {
  const { stage, layers, peer } = client.ref;
  const problem = (what: string): string => `stage ${stage} (peer ${peer}, layers ${layers.first}-${layers.last}): ${what}`;
  if (!client.link.knows('receipts')) return { receipts: [], opened: [], problem: problem('it signs no receipts') };
  try {
    const asked = await ask(client, request, due.length);
    const opened = await Promise.all(asked.map(async (signed) => ({ signed, receipt: checked(await openReceipt(signed, request.verifySignature), client, request) })));
    const receipts = due.flatMap(({ first, count }) => opened.find(({ receipt }) => receipt.first === first && receipt.count === count) ?? []);
    return receipts.length === due.length && opened.length === due.length ? { receipts, opened } : { receipts, opened, problem: problem(`it signed ${receipts.length} of ${due.length} windows`) };
  } catch (error) {
    return { receipts: [], opened: [], problem: problem(toCoded(error).message) };
  }
}

/** @throws PIPELINE_STAGE_* naming the stage */
async function ask(client: StageClient, { session, end, timeoutMs }: ReceiptsRequest, due: number): Promise<SignedReceipt[]> {
  const address = client.address(session as Parameters<StageClient['address']>[0]);
  const receipts: SignedReceipt[] = [];
  for (let hasMore = true; hasMore;) {
    const reply = client.expect(address.session, { type: FrameType.receipts, phase: 'sign its receipts', timeoutMs });
    client.link.post(address, { type: FrameType.receiptsRequest, position: end });
    const frame = await reply;
    try {
      receipts.push(...decodeReceipts(frame.payload, client.link.peer));
    } catch (error) {
      throw linkFailure(client.ref, error);
    }
    if (receipts.length > due) throw pipelineErrors.stageMisbehaved({ ...client.ref, code: 'PIPELINE_BAD_FRAME', reason: `${receipts.length} receipts of ${due} windows` });
    hasMore = (frame.flags & FLAG_MORE) !== 0 && receipts.length < due;
  }
  return receipts;
}

/** A receipt is good for nothing unless it is of this peer, about this session. */
function checked(receipt: Receipt, { ref }: StageClient, { session, modelHash, route }: ReceiptsRequest): Receipt {
  const { stage, peer, layers: { first, last } } = ref;
  const { takes, sends } = dtypesOf(route, stage);
  const due: Partial<Receipt> = { peer, session, modelHash, takes: receiptDtype(takes), sends: receiptDtype(sends), layers: [first, last] };
  if (!isDeepStrictEqual({ ...receipt, ...due }, receipt)) throw receiptErrors.malformed({ problem: 'it is about something else' });
  return receipt;
}

function together(file: ReceiptsFile | undefined, stages: readonly StageReceipts[], { clients }: ReceiptsRequest): string[] {
  if (file === undefined) return [];
  const session = receiptSessionOf(stages.flatMap(({ receipts }) => receipts.map(({ receipt }) => receipt)), { file, name: 'the answer' });
  return contradictionsOf(session, (clients.at(-1)?.ref.layers.last ?? 0) + 1);
}
