import { once } from 'node:events';
import { encodeFunctionData, keccak256, parseEther, toHex, zeroHash } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abis, billHash, leafOf, sessionIdOf, voucherTypedData, type Batch, type Call } from '../../src-main/chain/index.ts';
import { PayChain } from '../../src-main/host/paid/index.ts';
import { ChainGround, newAccount, newNode, RawChain, temporaryHome, type Fault } from '../../src-main/chain/testing/index.ts';
import type { ChildTask } from '../support/chain-child.ts';
import { killChainChild, startChainChild } from '../support/chain-children.ts';

const [STAKE, PAY] = [parseEther('3000'), parseEther('40')];
/** Five in a hundred of the pay are burned. */
const FEE = PAY / 20n;
const DISTRIBUTION_DELAY_S = 4n * 86_400n;

const isSend = ({ method }: { readonly method: string }): boolean => method === 'eth_sendRawTransaction';

/** Where it is killed, in this order: at a point that it tells, or at a request that the way to the chain sees. */
const KILLS: readonly { readonly holdAt: string; readonly fault?: (kill: () => void) => Fault }[] = [
  { holdAt: 'added' },
  { holdAt: 'signing 0' },
  { holdAt: 'signed 0' },
  // Kept, and not out.
  { holdAt: 'none', fault: (kill) => (call) => (isSend(call) ? (kill(), 'down') : undefined) },
  // Out, and its answer is not.
  { holdAt: 'none', fault: (kill) => (call) => (isSend(call) ? (kill(), 'lost') : undefined) },
  { holdAt: 'signed 1' },
  // In a block, which it has not read.
  { holdAt: 'none', fault: (kill) => {
    let isOut = false;
    return (call) => {
      isOut ||= isSend(call);
      return isOut && call.method === 'eth_getTransactionReceipt' ? (kill(), 'down') : undefined;
    };
  } },
];

/** Sends it by processes of which each is killed one step later than the one before, and at last by one that ends. */
async function sendThroughKills(raw: RawChain, task: ChildTask): Promise<void> {
  for (const { holdAt, fault } of KILLS) {
    const child = startChainChild({ ...task, holdAt });
    if (fault !== undefined) raw.fault = fault(() => child.kill('SIGKILL'));
    await killChainChild(child, holdAt);
    expect(child.signalCode).toBe('SIGKILL');
    raw.fault = () => undefined;
  }
  expect(await once(startChainChild(task), 'exit')).toEqual([0, null]);
}

describe('an account whose process is killed at every step', () => {
  const [account, node] = [newAccount(), newNode()];
  let raw: RawChain;
  let home: Awaited<ReturnType<typeof temporaryHome>>;
  let ground: ChainGround;
  const task = (batch: Batch): ChildTask => ({ home: home.home, config: raw.config(), key: account.privateKey, batch });
  const nonce = async (): Promise<number> => Number(await raw.rpc('eth_getTransactionCount', account.address, 'latest'));
  const balance = () => ground.chain.client.readContract({ address: raw.contracts.SumToken, abi: abis.SumToken, functionName: 'balanceOf', args: [account.address] });
  const travel = async (seconds: bigint): Promise<void> => {
    await raw.rpc('evm_increaseTime', Number(seconds));
    await raw.mine();
  };

  beforeAll(async () => {
    [raw, home] = await Promise.all([RawChain.start(), temporaryHome()]);
    await raw.fund(account.address);
    ground = await ChainGround.start({ home: `${home.home}/other`, config: raw.config(), account, node });
  });

  afterAll(async () => {
    await ground?.chain.stop();
    await raw?.stop();
    await home?.remove();
  });

  it('stakes once', async () => {
    const batch = await ground.plan({ op: 'stake', amount: STAKE });
    await sendThroughKills(raw, task(batch));
    const staked = await ground.chain.client.readContract({ address: raw.contracts.StakingContract, abi: abis.StakingContract, functionName: 'stakedOf', args: [node.nodeId] });
    expect([await nonce(), staked]).toEqual([batch.calls.length, STAKE]);
  });

  it('claims the pay of a session once, and its reward once', async () => {
    const chain = new PayChain(ground.chain);
    const [payer, salt] = [newAccount(), keccak256(toHex('salt'))];
    await raw.fund(payer.address);
    const place = { chainId: chain.network.chainId, settlement: chain.settlement };
    const sessionId = sessionIdOf(place, { payer: payer.address, salt });
    const bill = { sessionId, workId: keccak256(toHex('work')), nodeId: node.nodeId, firstLayer: 0, lastLayer: 9, tokens: 100n, amount: PAY, receiptsRoot: zeroHash };
    const root = leafOf(billHash(bill, place));
    await ground.send('open', chain.open({ salt, durationS: 60n, nodeIds: [node.nodeId], caps: [PAY] }), payer);
    await ground.send('post', chain.post(sessionId, { root, signature: await payer.key.signTypedData(voucherTypedData(place, { sessionId, root })) }), payer);
    const { finalAt } = await chain.session(sessionId) ?? { finalAt: 0n };
    await travel(finalAt - await chain.time() + 1n);

    const [sent, owned] = [await nonce(), await balance()];
    // What comes second costs nothing and proves that the first was sent once: its number follows.
    await sendThroughKills(raw, task(ground.batch('collect', [...chain.collect(bill, { root, path: [] }), ...approveNothing(ground)])));
    expect([await nonce(), await balance()]).toEqual([sent + 2, owned + PAY - FEE]);

    await travel(DISTRIBUTION_DELAY_S);
    await ground.send('distribute', chain.distribute(sessionId, 1), payer);
    const reward = await chain.allocation(sessionId, node.nodeId);
    expect(reward).toBeGreaterThan(0n);
    const claim = await ground.plan({ op: 'claim' });
    await sendThroughKills(raw, task(ground.batch('claim', [...chain.reward(sessionId, node.nodeId, reward), ...claim.calls])));
    expect([await nonce(), await balance()]).toEqual([sent + 4, owned + PAY - FEE + reward]);
  });
});

/** A call that changes nothing. */
const approveNothing = ({ chain: { network: { contracts } } }: ChainGround): Call[] =>
  [{ what: 'approve', to: contracts.SumToken, data: encodeFunctionData({ abi: abis.SumToken, functionName: 'approve', args: [contracts.Settlement, 0n] }), value: 0n }];
