import { once } from 'node:events';
import { parseEther } from 'viem';
import { expect, it } from 'vitest';
import { abis } from '../../src-main/chain/index.ts';
import { ChainGround, newAccount, newNode, RawChain, temporaryHome, type Fault } from '../../src-main/chain/testing/index.ts';
import { killChainChild, startChainChild } from '../support/chain-children.ts';

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

it('stakes once though it is killed at every step of it', async () => {
  const [raw, { home, remove }] = await Promise.all([RawChain.start(), temporaryHome()]);
  const [account, node] = [newAccount(), newNode()];
  await raw.fund(account.address);
  const ground = await ChainGround.start({ home: `${home}/other`, config: raw.config(), account, node });
  const batch = await ground.plan({ op: 'stake', amount: parseEther('3000') });
  const task = { home, config: raw.config(), key: account.privateKey, batch };

  for (const { holdAt, fault } of KILLS) {
    const child = startChainChild({ ...task, holdAt });
    if (fault !== undefined) raw.fault = fault(() => child.kill('SIGKILL'));
    await killChainChild(child, holdAt);
    expect(child.signalCode).toBe('SIGKILL');
    raw.fault = () => undefined;
  }
  expect(await once(startChainChild(task), 'exit')).toEqual([0, null]);

  const nonce = Number(await raw.rpc('eth_getTransactionCount', account.address, 'latest'));
  const staked = await ground.chain.client.readContract({ address: raw.contracts.StakingContract, abi: abis.StakingContract, functionName: 'stakedOf', args: [node.nodeId] });
  expect([nonce, staked]).toEqual([batch.calls.length, parseEther('3000')]);
  await ground.chain.stop();
  await raw.stop();
  await remove();
});
