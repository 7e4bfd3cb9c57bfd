import { asPeerId } from '../../base/index.ts';
import type { Call, CommitteeOp, Hex } from '../../chain/index.ts';
import type { CommitteeOrder, OwnerOutput } from '../../api/index.ts';
import { nodeIdOf } from '../paid/index.ts';
import type { EconomyHost } from './economy-host.ts';

/** A peer id as the contracts know it; what is no peer id as it is. */
const idOf = (name: string): Hex => nodeIdOf(asPeerId(name)) ?? name as Hex;

/** Throws COMMITTEE_*, WALLET_NONE, CHAIN_*. */
export async function committeeCalls(host: EconomyHost, order: CommitteeOrder): Promise<readonly Call[]> {
  const account = host.wallet.address;
  return (await host.chain()).planCommittee(await opOf(host, order), account);
}

async function opOf(host: EconomyHost, order: CommitteeOrder): Promise<CommitteeOp> {
  switch (order.op) {
    case 'enlist': return { op: 'enlist', nodeId: host.nodeId };
    case 'delist': return { op: 'delist', nodeId: order.node === undefined ? host.nodeId : idOf(order.node) };
    case 'takeOwed': return order;
    default: {
      const { session, node, ...rest } = order;
      return { ...rest, ...await (await host.chain()).caseNamed({ session: session as Hex, node: idOf(node) }) };
    }
  }
}

/** Throws CHAIN_*. */
export async function committeeInfo(host: EconomyHost, isAll: boolean): Promise<OwnerOutput<'committee'>> {
  const standing = host.wallet.state();
  const own = standing.status === 'none' ? {} : { account: standing.address };
  const now = await (await host.chain()).committee({ nodeId: host.nodeId, isAll, ...own });
  return { ...now, ...own, owed: `${now.owed}`, bond: `${now.bond}` };
}
