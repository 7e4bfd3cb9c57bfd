import type { Hex } from '../../chain/index.ts';
import { billOf, type PayHost } from '../paid/index.ts';

/** What a node is promised in a session and has not claimed, 1e-18 SUM. */
export function pendingIn(pay: PayHost, sessionId: Hex): bigint {
  const book = pay.paid?.book;
  const session = book?.session('node', sessionId);
  const [share] = session === undefined || session.state === 'done' ? [] : book?.shares('node', sessionId) ?? [];
  const [best] = share === undefined ? [] : book?.vouchers('node', sessionId, share.nodeId) ?? [];
  return share === undefined || best === undefined ? 0n : billOf(share, best).amount;
}
