import { z } from 'zod';
import { firstIssue } from '../../base/index.ts';
import { MAX_CONTEXT_TOKENS } from '../options.ts';
import { receiptErrors } from './errors.ts';
import { MAX_BODY_BYTES, MAX_FILE_BYTES, MAX_RECEIPTS, SIGNATURE_BYTES } from './options.ts';
import type { SignedReceipt } from './receipt.ts';

const FORMAT = 'omninode-receipts';

const tokens = z.array(z.int().min(0).max(2 ** 31 - 1)).max(MAX_CONTEXT_TOKENS);
const base64 = (maxBytes: number) => z.base64().max(4 * Math.ceil(maxBytes / 3)).transform((text) => Uint8Array.from(Buffer.from(text, 'base64')));

const fileSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  promptTokens: tokens.min(1),
  answerTokens: tokens,
  /** Each answer token was the likeliest one: then the samples can be checked too. */
  greedy: z.boolean(),
  receipts: z.array(z.strictObject({ body: base64(MAX_BODY_BYTES), signature: base64(SIGNATURE_BYTES) })).min(1).max(MAX_RECEIPTS),
});

/** The receipts of all stages of one session, and the tokens that they are about. */
export interface ReceiptsFile {
  readonly promptTokens: readonly number[];
  readonly answerTokens: readonly number[];
  readonly greedy: boolean;
  readonly receipts: readonly SignedReceipt[];
}

export function encodeReceiptsFile({ receipts, ...rest }: ReceiptsFile): Uint8Array {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const signed = receipts.map(({ body, signature }) => ({ body: text(body), signature: text(signature) }));
  return Buffer.from(`${JSON.stringify({ format: FORMAT, version: 1, ...rest, receipts: signed })}\n`);
}

/** Throws RECEIPT_BAD_FILE. */
export function decodeReceiptsFile(bytes: Uint8Array, name: string): ReceiptsFile {
  if (bytes.length > MAX_FILE_BYTES) throw receiptErrors.badFile({ name, problem: `more than ${MAX_FILE_BYTES} bytes` });
  const result = fileSchema.safeParse(fromJson(bytes, name));
  if (!result.success) {
    throw receiptErrors.badFile({ name, problem: firstIssue(result.error) });
  }
  const { promptTokens, answerTokens, greedy, receipts } = result.data;
  return { promptTokens, answerTokens, greedy, receipts };
}

function fromJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw receiptErrors.badFile({ name, problem: 'not JSON' }, error);
  }
}
