import * as dagCbor from '@ipld/dag-cbor';
import { z } from 'zod';
import { firstIssue } from '../../base/index.ts';
import type { Hex } from '../../chain/index.ts';
import { MAX_PATH, PAY_LIMITS } from './options.ts';
import { payErrors } from './errors.ts';

const MAX_LAYERS = 1024;

const hexOf = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString('hex')}`;
/** Bytes on the wire, hex here. */
const bytes = (length: number) => z.instanceof(Uint8Array).refine((value) => value.length === length, `not ${length} bytes`).transform(hexOf);
const word = bytes(32);
const amount = word.transform((hex) => BigInt(hex));
const tokens = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const layer = z.int().min(0).max(MAX_LAYERS - 1);

/** A payer's signature under the root over all nodes' bills, and this node's part of it; docs/protocols/pay.md. */
const voucher = z.strictObject({ root: word, signature: bytes(65), path: z.array(word).max(MAX_PATH), tokens });
const openSchema = z.strictObject({ ask: z.literal('open'), session: word, work: word, layers: z.tuple([layer, layer]), price: amount, voucher });

/** Unknown fields are refused. */
export const askSchema = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('offer') }),
  openSchema,
  z.strictObject({ ask: z.literal('voucher'), session: word, voucher }),
  z.strictObject({ ask: z.literal('bill'), session: word, tokens, receipts: word }),
]);
export type Ask = z.infer<typeof askSchema>;
export type OpenAsk = z.infer<typeof openSchema>;
export type VoucherPart = z.infer<typeof voucher>;

export const saySchema = z.discriminatedUnion('say', [
  z.strictObject({ say: z.literal('offer'), chain: z.int().min(1).max(Number.MAX_SAFE_INTEGER), settlement: bytes(20), node: word, price: amount, credit: z.int().min(1).max(2 ** 31) }),
  z.strictObject({ say: z.literal('yes') }),
  z.strictObject({ say: z.literal('bill'), tokens, receipts: word, signature: bytes(64) }),
  z.strictObject({ say: z.literal('no'), code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), reason: z.string().max(300), again: z.boolean() }),
]);
export type Say = z.infer<typeof saySchema>;

/** Canonical DAG-CBOR; hex and amounts (32 bytes, the highest first) as bytes. */
export const encode = (message: Ask | Say): Uint8Array => dagCbor.encode(toWire(message));

/** Words and signatures; no text that people read looks so. */
const HEX = /^0x(?:[0-9a-f]{2}){20,}$/;

function toWire(value: unknown): unknown {
  if (typeof value === 'bigint') return new Uint8Array(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
  if (typeof value === 'string' && HEX.test(value)) return new Uint8Array(Buffer.from(value.slice(2), 'hex'));
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toWire(inner)]));
}

/** @throws PAY_BAD_MESSAGE (fault peer) */
export const decodeAsk = (frame: Uint8Array, peer: string): Ask => decode(askSchema, frame, peer);
/** @throws PAY_BAD_MESSAGE (fault peer) */
export const decodeSay = (frame: Uint8Array, peer: string): Say => decode(saySchema, frame, peer);

function decode<T>(schema: z.ZodType<T>, frame: Uint8Array, peer: string): T {
  const bad = (reason: string, cause?: unknown): Error => payErrors.badMessage({ peer, reason }, cause);
  if (frame.length > PAY_LIMITS.maxFrameBytes) throw bad('too long');
  let value: unknown;
  try {
    value = dagCbor.decode(frame);
  } catch (error) {
    throw bad('not DAG-CBOR', error);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw bad(firstIssue(result.error).slice(0, 200));
  return result.data;
}
