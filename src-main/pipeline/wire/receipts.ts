import { pipelineErrors } from '../errors.ts';
import { MAX_BODY_BYTES, SIGNATURE_BYTES } from '../receipts/options.ts';
import type { SignedReceipt } from '../receipts/receipt.ts';

/** Of one frame; whoever wants more asks again. */
export const RECEIPTS_PER_FRAME = 32;
export const MAX_RECEIPTS_BYTES = RECEIPTS_PER_FRAME * (2 + MAX_BODY_BYTES + SIGNATURE_BYTES);

/** Per receipt: u16 length of its body, the body, the signature of 64 bytes. */
export const encodeReceipts = (receipts: readonly SignedReceipt[]): Uint8Array => Buffer.concat(receipts.flatMap(({ body, signature }) => {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(body.length);
  return [length, body, signature];
}));

/** Copies: the frame may be large. What the bodies say is not looked at. @throws PIPELINE_BAD_FRAME (fault peer) */
export function decodeReceipts(payload: Uint8Array, peer: string): SignedReceipt[] {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const receipts: SignedReceipt[] = [];
  for (let at = 0; at < view.length;) {
    const length = view.length - at < 2 ? Infinity : view.readUInt16LE(at);
    const [body, end] = [at + 2, at + 2 + length + SIGNATURE_BYTES];
    if (length > MAX_BODY_BYTES || end > view.length || receipts.length === RECEIPTS_PER_FRAME) throw pipelineErrors.badFrame({ peer, reason: 'its receipts are of other lengths than they say' });
    receipts.push({ body: new Uint8Array(view.subarray(body, body + length)), signature: new Uint8Array(view.subarray(body + length, end)) });
    at = end;
  }
  return receipts;
}
