import { economyErrors, type Call, type Hex } from '../../chain/index.ts';
import { billOf, type PayChain, type PayHost } from '../paid/index.ts';

interface SessionOp {
  readonly op: 'collect' | 'refund';
  readonly sessionId: string;
}

/** What takes the pay of a session, or what is left of it. Throws ECONOMY_NOT_POSSIBLE. */
export async function sessionCalls(chain: PayChain, { op, sessionId }: SessionOp, pay: PayHost | undefined): Promise<Call[]> {
  const id = sessionId as Hex;
  if (op === 'refund') return chain.refund(id);
  const book = pay?.paid?.book;
  const [share] = book?.shares('node', id) ?? [];
  const [best] = share === undefined ? [] : book?.vouchers('node', id, share.nodeId) ?? [];
  if (share === undefined || best === undefined) throw economyErrors.notPossible({ op, reason: 'this node keeps no voucher of that session' });
  return [...await chain.isPosted(id, best.root) ? [] : chain.post(id, best), ...chain.collect(billOf(share, best), best)];
}
