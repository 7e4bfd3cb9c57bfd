import type { Hex } from '../../chain/index.ts';
import { billOf, type PayHost } from '../paid/index.ts';
import { bestOf } from './session-calls.ts';

/** What a node is promised in a session and has not claimed, 1e-18 SUM. */
export function pendingIn(pay: PayHost, sessionId: Hex): bigint {
  const isDone = pay.paid?.book.session('node', sessionId)?.state === 'done';
  const kept = isDone ? undefined : bestOf(pay, sessionId);
  return kept === undefined ? 0n : billOf(kept.share, kept.best).amount;
}
