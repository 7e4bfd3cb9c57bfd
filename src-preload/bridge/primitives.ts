import { z } from 'zod';

/** Values that many messages have, each with its bounds. */

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const bytes = count;
/** Of what nobody has a billion of. */
export const smallCount = z.number().int().min(0).max(1e9);
export const offset = z.number().int().min(0).max(1_000_000);

/** A figure that was measured, of a kind that stays small: milliseconds of an answer, tokens per second. */
export const measured = z.number().min(0).max(1e9);
/** One of any kind: bytes per second too. */
export const measuredWide = z.number().min(0).max(1e15);
/** Unix ms, as far as a Date goes. */
export const time = z.number().min(0).max(8.64e15);

/** Of a peer, an answer, a message. */
export const id = z.string().min(1).max(128);
/** A line that is shown. */
export const label = z.string().max(500);
export const filledLabel = z.string().min(1).max(500);
export const address = filledLabel;
export const text = z.string().max(2_000);
