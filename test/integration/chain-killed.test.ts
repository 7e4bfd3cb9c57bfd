import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEther } from 'viem';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { silentLogger, systemClock } from '../../src-main/base/index.ts';
import { abis, type Batch, type Hex } from '../../src-main/chain/index.ts';
import { Devnet } from '../../src-main/chain/devnet/devnet.ts';
import { ChainGround, newAccount, newNode, RawChain, temporaryHome, type Fault } from '../../src-main/chain/testing/index.ts';
import type { ChildTask } from '../support/chain-child.ts';
import { outliveNobody } from '../support/orphan.ts';

// SIGKILL at every step of staking: nothing is lost, and nothing takes effect twice.

let raw: RawChain;
beforeAll(async () => {
  raw = await RawChain.start();
});
afterAll(() => raw?.stop());

const start = (task: ChildTask): ChildProcess => {
  const child = fork(join(import.meta.dirname, '..', 'support', 'chain-child.ts'), { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.send(task);
  return child;
};

const isSend: (call: { method: string }) => boolean = ({ method }) => method === 'eth_sendRawTransaction';
/** The n-th transaction meets it. */
const atSend = (n: number, meet: () => ReturnType<Fault>): Fault => {
  let seen = 0;
  return (call) => (isSend(call) && seen++ === n ? meet() : undefined);
};

/** Where it is killed: at a point that the child tells, or at a request of its that the way to the chain sees. */
const POINTS: readonly { readonly name: string; readonly holdAt?: string; readonly fault?: (kill: () => void) => Fault }[] = [
  { name: 'when it was added', holdAt: 'added' },
  { name: 'before the second is signed', holdAt: 'signing 1' },
  { name: 'when the first is signed and not kept', holdAt: 'signed 0' },
  { name: 'when the first is kept and not out', fault: (kill) => atSend(0, () => { kill(); return 'down'; }) },
  { name: 'when the last is out and its answer is not', fault: (kill) => atSend(2, () => { kill(); return 'lost'; }) },
  { name: 'when the second is in a block that it has not read', fault: (kill) => {
    let isOut = 0;
    return (call) => {
      if (isSend(call)) isOut++;
      if (call.method !== 'eth_getTransactionReceipt' || isOut !== 2) return undefined;
      kill();
      return 'down';
    };
  } },
];

it.each(POINTS)('stakes once though it is killed $name', async ({ holdAt, fault }) => {
  const { home, remove } = await temporaryHome();
  const [account, node] = [newAccount(), newNode()];
  await raw.fund(account.address);
  const ground = await ChainGround.start({ home: join(home, 'plan'), config: raw.config(), account, node });
  const batch = await ground.plan({ op: 'stake', amount: parseEther('3000') });
  const task = { home, config: raw.config(), key: account.privateKey, batch } satisfies ChildTask;

  const first = start({ ...task, ...(holdAt === undefined ? {} : { holdAt }) });
  const ended = once(first, 'exit');
  if (fault !== undefined) raw.fault = fault(() => first.kill('SIGKILL'));
  first.on('message', ({ at }: { at: string }) => { if (at === holdAt) first.kill('SIGKILL'); });
  expect(await ended).toEqual([null, 'SIGKILL']);
  raw.fault = () => undefined;

  expect(await once(start(task), 'exit')).toEqual([0, null]);
  expect(await sentBy(account.address)).toBe(batch.calls.length);
  expect(await ground.chain.client.readContract({ address: raw.contracts.StakingContract, abi: abis.StakingContract, functionName: 'stakedOf', args: [node.nodeId] })).toBe(parseEther('3000'));
  await ground.chain.stop();
  await remove();
});

const sentBy = async (account: Hex): Promise<number> => Number(await raw.rpc<Hex>('eth_getTransactionCount', account, 'latest'));
void [Devnet, silentLogger, systemClock, vi, outliveNobody, readFile, {} as Batch];
