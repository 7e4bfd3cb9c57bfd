import { join } from 'node:path';
import { parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { createLogger, systemClock } from '../../src-main/base/index.ts';
import { abis, SumChain, type Call, type Hex, type NodeSigner, type TransactionSigner } from '../../src-main/chain/index.ts';
import { outboxWallet, PayChain, type PayWallet } from '../../src-main/host/paid/index.ts';

const MAX_FEE_WEI = parseEther('1');
let batches = 0;

export interface Account {
  readonly address: Hex;
  readonly wallet: PayWallet;
  /** Resolves when all of it is in blocks. */
  send(what: string, calls: readonly Call[]): Promise<void>;
  /** 1e-18 SUM. */
  balance(): Promise<bigint>;
}

/** An embedded chain in a folder of its own, with accounts that have SUM. */
export interface SumGround {
  readonly sum: SumChain;
  readonly chain: PayChain;
  account(): Promise<Account>;
  stake(account: Account, nodeSigner: NodeSigner, amount: bigint): Promise<void>;
  stakedOf(nodeId: Hex): Promise<bigint>;
  rewardsOf(nodeId: Hex): Promise<bigint>;
  stop(): Promise<void>;
}

/** A new account on an embedded chain, with what the faucet gives. */
export async function accountOn(sum: SumChain): Promise<Account> {
  const { network, client, outbox } = sum;
  const key = privateKeyToAccount(generatePrivateKey());
  await outbox.settled(sum.faucet(key.address).batch.id);
  const signer: TransactionSigner = { address: key.address, sign: (_batch, _index, transaction) => key.signTransaction({ ...transaction, type: 'eip1559' }) };
  const wallet = outboxWallet({ outbox, signer, maxFeeWei: MAX_FEE_WEI, signTyped: (data) => key.signTypedData(data) });
  const balance = (): Promise<bigint> => client.readContract({ address: network.contracts.SumToken, abi: abis.SumToken, functionName: 'balanceOf', args: [key.address] });
  return { address: key.address, wallet, balance, send: (what, calls) => wallet.send({ id: `test-${++batches}`, what, calls }) };
}

export async function startSumGround(home: string): Promise<SumGround> {
  const sum = new SumChain({ config: { kind: 'embedded' }, home, contractsFolder: join(import.meta.dirname, '../../resources/contracts'), logger: createLogger('silent'), clock: systemClock, options: { canTravel: true, faucetPerDay: 100, pollMs: 100 } });
  await sum.start();
  const { network, client } = sum;
  return {
    sum, chain: new PayChain({ network, client }),
    account: () => accountOn(sum),
    async stake(account, nodeSigner, amount) {
      await account.send('stake', await sum.plan({ op: 'stake', amount }, { nodeId: nodeSigner.nodeId, account: account.address, nodeSigner }));
    },
    stakedOf: (nodeId) => client.readContract({ address: network.contracts.StakingContract, abi: abis.StakingContract, functionName: 'stakedOf', args: [nodeId] }),
    rewardsOf: (nodeId) => client.readContract({ address: network.contracts.StakingContract, abi: abis.StakingContract, functionName: 'rewardsOf', args: [nodeId] }),
    stop: () => sum.stop(),
  };
}
