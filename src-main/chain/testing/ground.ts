import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEther } from 'viem';
import { silentLogger } from '../../base/index.ts';
import { SumChain, type Batch, type Call, type ChainConfig, type ChainOp, type NodeSigner, type OutboxEntry, type SumChainInit } from '../index.ts';
import { newAccount, newNode, type TestAccount } from './keys.ts';
import { CONTRACTS_FOLDER } from './raw-chain.ts';

/** A chain with an account and a node of its own. `config`: the embedded one when absent. */
export class ChainGround {
  readonly chain: SumChain;
  readonly account: TestAccount;
  readonly node: NodeSigner;

  private constructor(chain: SumChain, account: TestAccount, node: NodeSigner) {
    this.chain = chain;
    this.account = account;
    this.node = node;
  }

  static async start({ home, config = { kind: 'embedded' }, account = newAccount(), node = newNode(), options = {} }: { readonly home: string; readonly config?: ChainConfig; readonly account?: TestAccount; readonly node?: NodeSigner; readonly options?: SumChainInit['options'] }): Promise<ChainGround> {
    const chain = new SumChain({ config, home, contractsFolder: CONTRACTS_FOLDER, logger: silentLogger, options: { canTravel: true, pollMs: 50, ...options } });
    await chain.start();
    chain.outbox.use(account.signer);
    return new ChainGround(chain, account, node);
  }

  async fund(account = this.account): Promise<void> {
    await this.chain.outbox.settled(this.chain.faucet(account.address).batch.id);
  }

  async plan(op: ChainOp, who: { readonly account?: TestAccount; readonly node?: NodeSigner } = {}): Promise<Batch> {
    const { account = this.account, node = this.node } = who;
    return this.batch(op.op, await this.chain.plan(op, { nodeId: node.nodeId, account: account.address, nodeSigner: node }), account);
  }

  batch(what: string, calls: readonly Call[], account = this.account): Batch {
    return { id: randomUUID(), what, from: account.address, calls, maxFeeWei: parseEther('0.1') };
  }

  /** Resolves when it is confirmed. */
  async send(what: string, calls: readonly Call[], account = this.account): Promise<OutboxEntry> {
    const { batch } = this.chain.outbox.add(this.batch(what, calls, account), account.signer);
    return await this.chain.outbox.settled(batch.id);
  }

  async do(op: ChainOp, who: { readonly account?: TestAccount; readonly node?: NodeSigner } = {}): Promise<OutboxEntry> {
    const { batch } = this.chain.outbox.add(await this.plan(op, who), who.account?.signer ?? this.account.signer);
    return await this.chain.outbox.settled(batch.id);
  }
}

export async function temporaryHome(): Promise<{ readonly home: string; readonly remove: () => Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'omninode-home-'));
  return { home, remove: () => rm(home, { recursive: true, force: true }) };
}
