import { silentLogger } from '../../src-main/base/index.ts';
import { SumChain, type Batch, type ChainConfig, type Hex } from '../../src-main/chain/index.ts';
import { CONTRACTS_FOLDER, newAccount } from '../../src-main/chain/testing/index.ts';

/** Entry of a process that asks the faucet or sends one batch, and ends; it tells how far it is, and waits for ever at the point where it was told to. */
export interface ChildTask {
  readonly home: string;
  readonly config: ChainConfig;
  readonly key: Hex;
  readonly batch?: Batch;
  readonly holdAt?: string;
}

async function point(task: ChildTask, at: string): Promise<void> {
  await new Promise((resolve) => { process.send?.({ at }, resolve); });
  if (task.holdAt === at) await new Promise(() => undefined);
}

async function run(task: ChildTask): Promise<void> {
  const { signer } = newAccount(task.key);
  const chain = new SumChain({ config: task.config, home: task.home, contractsFolder: CONTRACTS_FOLDER, logger: silentLogger, options: { pollMs: 50 } });
  await chain.start();
  const { batch } = task.batch === undefined ? chain.faucet(signer.address) : chain.outbox.add(task.batch, {
    address: signer.address,
    sign: async (of, index, transaction) => {
      await point(task, `signing ${index}`);
      const raw = await signer.sign(of, index, transaction);
      await point(task, `signed ${index}`);
      return raw;
    },
  });
  await point(task, 'added');
  await chain.outbox.settled(batch.id);
  await point(task, 'settled');
  await chain.stop();
  process.disconnect();
}

process.once('message', (task: ChildTask) => void run(task));
