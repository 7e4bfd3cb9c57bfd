import { PROOFS, type BookAddress, type BookPeer } from './book-schema.ts';

const HALF_LIFE_MS = 3 * 24 * 3_600_000;
/** A round trip of this long halves a peer's worth: near ones first, but a far one that is there beats a near one that is not. */
const RTT_SCALE_MS = 200;

export const isProven = ({ addresses }: BookPeer): boolean => addresses.some(({ proof }) => proof === 'dialled');

/** 0..1: how likely the peer is there, and how good to have. Halved by every 3 days that it was not seen, by every try in vain, by every 200 ms of round trip. */
export function scoreOf({ seenAt, failures, rttMs = RTT_SCALE_MS / 2 }: BookPeer, nowMs: number): number {
  const ageMs = Math.max(0, nowMs - seenAt);
  return 0.5 ** (ageMs / HALF_LIFE_MS + failures + rttMs / RTT_SCALE_MS);
}

/** Best first; peers that were dialled with success before those that only came to us. */
export function byScore(nowMs: number): (a: BookPeer, b: BookPeer) => number {
  return (a, b) => Number(isProven(b)) - Number(isProven(a)) || scoreOf(b, nowMs) - scoreOf(a, nowMs);
}

/** In the order to try: what works before what was only said. */
export const byPromise = (a: BookAddress, b: BookAddress): number => a.failures - b.failures || PROOFS.indexOf(a.proof) - PROOFS.indexOf(b.proof);
