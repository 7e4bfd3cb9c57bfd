import type { Hex, OutboxEntry } from '../../src-main/chain/index.ts';
import { DAY_S, PaidGround, SESSION_S, STAKE } from '../support/paid-ground.ts';
import { hostFacts, print, table } from './lib/report.ts';

/** What each step of the economy costs, out of the receipts of a chain that runs for it, and whether a paid session comes to its end. */
const UNBONDING_S = 7 * DAY_S;
/** Which calls are which figure. */
const FIGURES: Readonly<Record<string, string>> = { stake: 'stake', unstake: 'unstake', withdraw: 'withdraw', slash: 'slash', post: 'settle', claim: 'claim', distribute: 'distribute' };
const OTHERS: Readonly<Record<string, string>> = { approve: 'approve', bind: 'bind', openSession: 'openSession', submitFeedback: 'submitFeedback', reward: 'reward' };

async function measureSession(ground: PaidGround): Promise<string> {
  const before = await ground.balances();
  const { session, tokens } = await ground.paidAnswer();
  await ground.settle();
  await ground.sum.sum.travel(SESSION_S + DAY_S);
  await ground.settle();
  const due = ground.due(ground.nodes.map(() => tokens));
  const earned = (await ground.balances()).map((now, index) => now - (before[index] ?? 0n));
  if (tokens === 0 || earned.some((amount, index) => amount !== due[index]?.pay)) return `the nodes earned ${earned.join(', ')}`;
  await ground.sum.sum.travel(4 * DAY_S);
  await ground.settle();
  await ground.settle();
  const rewards = await Promise.all(ground.nodes.map(({ nodeId }) => ground.sum.rewardsOf(nodeId)));
  if (rewards.some((reward) => reward === 0n)) return `the nodes were rewarded ${rewards.join(', ')}`;
  return await punished(ground, session.id) ? 'ok' : 'a node that signed two bills kept its stake';
}

async function punished(ground: PaidGround, sessionId: Hex): Promise<boolean> {
  const [, rogue] = ground.nodes;
  if (rogue === undefined || !await ground.signBills(rogue, sessionId, [1])) return false;
  await ground.settle();
  return await ground.sum.stakedOf(rogue.nodeId) === STAKE / 2n;
}

async function leave({ nodes, sum }: PaidGround): Promise<void> {
  const [, , last] = nodes;
  if (last === undefined) return;
  const who = { nodeId: last.nodeId, account: last.account.address };
  await last.account.send('unstake', await sum.sum.plan({ op: 'unstake', amount: STAKE }, who));
  await sum.sum.travel(UNBONDING_S);
  await last.account.send('withdraw', await sum.sum.plan({ op: 'withdraw' }, who));
}

/** The gas of each kind of call: most of what was seen. */
async function gasOf({ sum: { sum } }: PaidGround, entries: readonly OutboxEntry[], figures: Readonly<Record<string, string>>): Promise<Record<string, number>> {
  const gas: Record<string, number> = {};
  for (const { what, hash } of entries.flatMap(({ steps }) => steps)) {
    const figure = figures[what];
    if (figure === undefined || hash === undefined) continue;
    const { gasUsed } = await sum.client.getTransactionReceipt({ hash });
    gas[figure] = Math.max(gas[figure] ?? 0, Number(gasUsed));
  }
  return gas;
}

const host = hostFacts();
const ground = await PaidGround.start();
try {
  const paidSession = await measureSession(ground);
  await leave(ground);
  const entries = ground.sum.sum.outbox.entries();
  const [gas, otherGas] = [await gasOf(ground, entries, FIGURES), await gasOf(ground, entries, OTHERS)];
  print({ name: 'economy', host, gas, e2e: { paidSession }, otherGas }, [table(['call', 'gas'], Object.entries({ ...gas, ...otherGas })), `a paid session over three nodes: ${paidSession}`].join('\n\n'));
  process.exitCode = paidSession === 'ok' ? 0 : 1;
} finally {
  await ground.stop();
}
