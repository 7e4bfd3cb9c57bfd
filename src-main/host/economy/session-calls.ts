import { economyErrors, type Call, type Hex } from '../../chain/index.ts';
import { billOf, type BookedShare, type BookedVoucher, type PayChain, type PayHost } from '../paid/index.ts';

type SessionOpName = 'collect' | 'refund' | 'post' | 'reward';
interface SessionOp {
  readonly op: SessionOpName;
  readonly sessionId: string;
}

/** What this node keeps of a session, with the best voucher of it. */
export function bestOf(pay: PayHost | undefined, id: Hex): { readonly share: BookedShare; readonly best: BookedVoucher } | undefined {
  const book = pay?.paid?.book;
  const [share] = book?.shares('node', id) ?? [];
  const [best] = share === undefined ? [] : book?.vouchers('node', id, share.nodeId) ?? [];
  return share === undefined || best === undefined ? undefined : { share, best };
}

/** What takes the pay of a session, or what is left of it; what brings its voucher; what credits its reward. Throws ECONOMY_NOT_POSSIBLE. */
export async function sessionCalls(chain: PayChain, { op, sessionId }: SessionOp, { pay, nodeId }: { readonly pay?: PayHost | undefined; readonly nodeId: Hex }): Promise<Call[]> {
  const id = sessionId as Hex;
  if (op === 'refund') return chain.refund(id);
  if (op === 'reward') return rewardCalls(chain, id, nodeId);
  const kept = bestOf(pay, id);
  if (kept === undefined) throw economyErrors.notPossible({ op, reason: 'this node keeps no voucher of that session' });
  const { share, best } = kept;
  const isPosted = await chain.isPosted(id, best.root);
  if (op === 'collect') return [...isPosted ? [] : chain.post(id, best), ...chain.collect(billOf(share, best), best)];
  if (isPosted) throw economyErrors.notPossible({ op, reason: 'the newest voucher of that session is on the chain already' });
  return chain.post(id, best);
}

/** Shares are fixed first, by a transaction of its own: only then is it known how much they are. */
async function rewardCalls(chain: PayChain, id: Hex, nodeId: Hex): Promise<Call[]> {
  const amount = await chain.allocation(id, nodeId);
  if (amount > 0n) return chain.reward(id, nodeId, amount);
  const nodes = (await chain.session(id))?.nodeIds.length ?? 0;
  if (await chain.distributed(id) >= nodes) throw economyErrors.notPossible({ op: 'reward', reason: 'no reward of that session is left' });
  return chain.distribute(id, nodes);
}
