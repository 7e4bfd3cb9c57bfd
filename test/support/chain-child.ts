import { silentLogger } from '../../src-main/base/index.ts';
import { SumChain, type Batch, type ChainConfig, type Hex } from '../../src-main/chain/index.ts';
import { CONTRACTS_FOLDER, newAccount } from '../../src-main/chain/testing/index.ts';

/** Entry of a process that sends one batch and ends; it tells before and after each signature, and waits there for ever where it was told to. */
export interface ChildTask {
  readonly home: string;
  readonly config: ChainConfig;
  readonly key: Hex;
  readonly batch: Batch;
  readonly holdAt?: string;
}

const tell = (at: string): Promise<void> => new Promise((resolve) => { process.send?.({ at }, () => resolve()); });

async function point(task: ChildTask, at: string): Promise<void> {
  await tell(at);
  if (task.holdAt === at) await new Promise(() => undefined);
}

process.on('message', (task: ChildTask) => void (async () => {
  const { signer } = newAccount(task.key);
  const chain = new SumChain({ config: task.config, home: task.home, contractsFolder: CONTRACTS_FOLDER, logger: silentLogger, options: { pollMs: 50 } });
  await chain.start();
  await point(task, 'started');
  chain.outbox.add(task.batch, {
    address: signer.address,
    sign: async (batch, index, transaction) => {
      await point(task, `signing ${index}`);
      const raw = await signer.sign(batch, index, transaction);
      await point(task, `signed ${index}`);
      return raw;
    },
  });
  await point(task, 'added');
  await chain.outbox.settled(task.batch.id);
  await chain.stop();
  process.disconnect();
})());
