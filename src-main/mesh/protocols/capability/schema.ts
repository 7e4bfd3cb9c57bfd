import { z } from 'zod';
import { CAPABILITY_LIMITS, MAX_ASKED_PEERS } from './constants.ts';

const peerId = z.string().min(1).max(128);

/** Of some peers, or of all in the order of their ids, those after one of them: '' begins. Unknown fields are let pass. */
export const questionSchema = z.union([
  z.object({ version: z.literal(1), peers: z.array(peerId).min(1).max(MAX_ASKED_PEERS).readonly() }),
  z.object({ version: z.literal(1), after: z.string().max(128) }),
]);
export type Question = z.infer<typeof questionSchema>;

/** A signed message, and how much of its time to live is left as the one who tells it sees it. */
export interface Told {
  readonly bytes: Uint8Array;
  readonly leftMs: number;
}

export const encodeQuestion = (question: Question): Uint8Array => Buffer.from(JSON.stringify(question));

/** Undefined for anything that is no question. */
export function decodeQuestion(frame: Uint8Array): Question | undefined {
  try {
    return questionSchema.parse(JSON.parse(Buffer.from(frame).toString('utf8')));
  } catch {
    return undefined;
  }
}

const HEAD_BYTES = 6;

/** As many groups of messages as one frame takes; a group is never divided. u16 length, u32 ms left, bytes; little-endian. */
export function encodeAnswer(groups: Iterable<readonly Told[]>): Uint8Array {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for (const group of groups) {
    const groupBytes = group.reduce((sum, { bytes }) => sum + HEAD_BYTES + bytes.byteLength, 0);
    if (sizeBytes + groupBytes > CAPABILITY_LIMITS.maxFrameBytes) break;
    sizeBytes += groupBytes;
    for (const { bytes, leftMs } of group) parts.push(head(bytes.byteLength, leftMs), bytes);
  }
  return Buffer.concat(parts);
}

function head(sizeBytes: number, leftMs: number): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.writeUInt16LE(sizeBytes, 0);
  bytes.writeUInt32LE(Math.min(0xffff_ffff, Math.floor(leftMs)), 2);
  return bytes;
}

/** Undefined for what does not end where it says. */
export function decodeAnswer(frame: Uint8Array): readonly Told[] | undefined {
  const buffer = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const told: Told[] = [];
  let at = 0;
  while (at < buffer.length) {
    if (buffer.length - at < HEAD_BYTES) return undefined;
    const end = at + HEAD_BYTES + buffer.readUInt16LE(at);
    if (end > buffer.length) return undefined;
    // A copy: what is kept of it must not hold the whole frame.
    told.push({ leftMs: buffer.readUInt32LE(at + 2), bytes: new Uint8Array(buffer.subarray(at + HEAD_BYTES, end)) });
    at = end;
  }
  return told;
}
