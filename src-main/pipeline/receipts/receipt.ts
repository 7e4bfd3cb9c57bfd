import * as dagCbor from '@ipld/dag-cbor';
import { z } from 'zod';
import { asPeerId, firstIssue } from '../../base/index.ts';
import type { ActivationDtype } from '../../inference/index.ts';
import { MAX_CONTEXT_TOKENS, MAX_LAYERS } from '../options.ts';
import type { Signer, VerifySignature } from '../ports.ts';
import { receiptErrors } from './errors.ts';
import { MAX_BODY_BYTES, MAX_COMMITMENT_BYTES, SIGNATURE_BYTES, WINDOW_ROWS } from './options.ts';

export const RECEIPT_VERSION = 1;

/** What every signed receipt begins with, so that its signature can never be taken for one of another kind. */
const DOMAIN = Buffer.from('omninode/receipt/1\0');

const layer = z.int().min(0).max(MAX_LAYERS - 1);
const position = z.int().min(0).max(MAX_CONTEXT_TOKENS - 1);
const rows = z.int().min(1).max(WINDOW_ROWS);
const tokens = z.array(z.int().min(0).max(2 ** 31 - 1)).max(WINDOW_ROWS);
const dtype = z.enum(['f32', 'f16']);
const timeMs = z.int().min(0).max(2 ** 48);

const committed = z.strictObject({
  /** Absolute position of the first row. */
  first: position,
  count: rows,
  bytes: z.instanceof(Uint8Array).refine((bytes) => bytes.length >= 4 && bytes.length <= MAX_COMMITMENT_BYTES && bytes.length % 2 === 0, 'a commitment of a wrong size'),
});

/** One stage's word about one window of one session; docs/protocols/receipts.md. Unknown fields are refused. */
const receiptSchema = z.strictObject({
  version: z.literal(RECEIPT_VERSION),
  /** BLAKE3 of the whole model file, hex. */
  modelHash: z.string().regex(/^[0-9a-f]{64}$/),
  manifestCid: z.string().min(1).max(128).nullable(),
  /** First and last layer, both included. */
  layers: z.tuple([layer, layer]),
  session: z.string().regex(/^[0-9a-f]{32}$/),
  first: position,
  count: rows,
  /** Of the rows, in order; the first stage alone knows them. */
  inputTokens: tokens.nullable(),
  /** What the last stage sampled after the last rows of the window; [] while all are of the prompt. Null on other stages. */
  sampledTokens: tokens.nullable(),
  /** The rows as they came in; null on the first stage, whose input is `inputTokens`. */
  input: committed.nullable(),
  /** The rows as they went out. The last stage may commit to the rows it sampled from alone, or to none. */
  output: committed.nullable(),
  /** Of the hidden states that came in, and of those that went out; where none did (on the first stage, on the last), as the other. */
  takes: dtype,
  sends: dtype,
  backend: z.string().regex(/^[\x20-\x7e]{1,64}$/),
  /** Unix time, ms, by the signer's clock. */
  startedMs: timeMs,
  endedMs: timeMs,
  peer: z.string().min(1).max(128),
}).superRefine((receipt, context) => {
  const problem = inconsistency(receipt);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

export type Receipt = z.infer<typeof receiptSchema>;
export type ReceiptDtype = Receipt['sends'];
export type Committed = z.infer<typeof committed>;

/** A receipt in transit: the bytes that were signed, as they were signed. */
export interface SignedReceipt {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

type Draft = Omit<Receipt, never>;

const inconsistency = (receipt: Draft): string | undefined => windowProblem(receipt) ?? inputProblem(receipt) ?? outputProblem(receipt);

function windowProblem({ layers, first, count, startedMs, endedMs }: Draft): string | undefined {
  if (layers[0] > layers[1]) return 'the layers are in no order';
  if (Math.floor(first / WINDOW_ROWS) !== Math.floor((first + count - 1) / WINDOW_ROWS)) return `rows ${first}-${first + count - 1} are of two windows`;
  return startedMs > endedMs ? 'it ends before it begins' : undefined;
}

function inputProblem({ layers, first, count, inputTokens, input }: Draft): string | undefined {
  if ((layers[0] === 0) !== (inputTokens !== null) || (inputTokens === null) === (input === null)) return 'the first stage names tokens, the others commit to rows';
  if (inputTokens !== null && inputTokens.length !== count) return `${inputTokens.length} tokens for ${count} rows`;
  return input !== null && (input.first !== first || input.count !== count) ? 'the input is of other rows' : undefined;
}

function outputProblem({ first, count, sampledTokens, output }: Draft): string | undefined {
  if (sampledTokens !== null && sampledTokens.length > count) return 'more samples than rows';
  if (output === null) return sampledTokens === null ? 'a stage without output' : undefined;
  if (output.first < first || output.first + output.count !== first + count) return 'the output is of other rows';
  return sampledTokens === null && output.count !== count ? 'the output is not of all rows' : undefined;
}

/** Canonical bytes: DAG-CBOR has one encoding per value. Throws RECEIPT_MALFORMED. */
export const encodeReceipt = (receipt: Receipt): Uint8Array => dagCbor.encode(parseReceipt(receipt));

/** Throws RECEIPT_MALFORMED, RECEIPT_WRONG_VERSION. */
export function decodeReceipt(body: Uint8Array): Receipt {
  if (body.length > MAX_BODY_BYTES) throw receiptErrors.malformed({ problem: `more than ${MAX_BODY_BYTES} bytes` });
  const receipt = parseReceipt(fromCbor(body));
  if (!Buffer.from(dagCbor.encode(receipt)).equals(body)) throw receiptErrors.malformed({ problem: 'not the canonical encoding' });
  return receipt;
}

function fromCbor(body: Uint8Array): unknown {
  try {
    return dagCbor.decode(body);
  } catch (error) {
    throw receiptErrors.malformed({ problem: 'not DAG-CBOR' }, error);
  }
}

function parseReceipt(value: unknown): Receipt {
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version !== RECEIPT_VERSION) throw receiptErrors.wrongVersion({ version, supported: RECEIPT_VERSION });
  const result = receiptSchema.safeParse(value);
  if (result.success) return result.data;
  throw receiptErrors.malformed({ problem: firstIssue(result.error) });
}

/** Rounding to 8 bits turns small differences into large ones, so that honest machines would not agree. Throws RECEIPT_NOT_IN_Q8. */
export function receiptDtype(dtype: ActivationDtype): ReceiptDtype {
  if (dtype === 'q8') throw receiptErrors.notInQ8({});
  return dtype;
}

/** Signs what a stage did; the signer's peer id becomes part of it. Throws RECEIPT_MALFORMED. */
export async function signReceipt(receipt: Omit<Receipt, 'peer' | 'version'>, signer: Signer): Promise<SignedReceipt> {
  const body = encodeReceipt({ ...receipt, version: RECEIPT_VERSION, peer: signer.peerId });
  return { body, signature: await signer.sign(signedBytes(body)) };
}

/** The receipt, once it is well formed and its peer signed it. Throws RECEIPT_MALFORMED, RECEIPT_WRONG_VERSION, RECEIPT_BAD_SIGNATURE. */
export async function openReceipt({ body, signature }: SignedReceipt, verifySignature: VerifySignature): Promise<Receipt> {
  const receipt = decodeReceipt(body);
  const isSigned = signature.length === SIGNATURE_BYTES && await verifySignature(asPeerId(receipt.peer), signedBytes(body), signature);
  if (!isSigned) throw receiptErrors.badSignature({ peer: receipt.peer });
  return receipt;
}

const signedBytes = (body: Uint8Array): Uint8Array => Buffer.concat([DOMAIN, body]);
