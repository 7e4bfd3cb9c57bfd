import { randomBytes } from 'node:crypto';
import { MOVE_EXTRA_BYTES, MOVE_ID_BYTES } from './constants.ts';

/** The last byte of each frame, so that what comes before it lies in memory as it would without. */
const KIND = { data: 0, open: 1, join: 2, accept: 3, switch: 4 } as const;

export type MoveFrame =
  | { readonly kind: 'data'; readonly payload: Uint8Array }
  /** First frame of a stream's first path. */
  | { readonly kind: 'open'; readonly id: string }
  /** First frame of a further path. */
  | { readonly kind: 'join'; readonly id: string }
  /** Answer to a join. */
  | { readonly kind: 'accept' }
  /** The sender's last frame on this path. */
  | { readonly kind: 'switch' };

/** Ends a frame of the stream's own. */
export const DATA_MARK = Uint8Array.of(KIND.data);
export const ACCEPT = Uint8Array.of(KIND.accept);
export const SWITCH = Uint8Array.of(KIND.switch);

export const newMoveId = (): string => randomBytes(MOVE_ID_BYTES).toString('hex');

export const openFrame = (id: string): Uint8Array => Buffer.from([...Buffer.from(id, 'hex'), KIND.open]);
export const joinFrame = (id: string): Uint8Array => Buffer.from([...Buffer.from(id, 'hex'), KIND.join]);

/** Undefined for what is none. The payload is a view of the frame. */
export function readMoveFrame(frame: Uint8Array): MoveFrame | undefined {
  const kind = frame.at(-1);
  const body = frame.subarray(0, Math.max(0, frame.byteLength - MOVE_EXTRA_BYTES));
  if (kind === KIND.data) return { kind: 'data', payload: body };
  const isNamed = body.byteLength === MOVE_ID_BYTES;
  if (kind === KIND.open && isNamed) return { kind: 'open', id: idOf(body) };
  if (kind === KIND.join && isNamed) return { kind: 'join', id: idOf(body) };
  if (kind === KIND.accept && body.byteLength === 0) return { kind: 'accept' };
  return kind === KIND.switch && body.byteLength === 0 ? { kind: 'switch' } : undefined;
}

const idOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
