import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEther } from 'viem';
import { silentLogger } from '../../src-main/base/index.ts';
import { SumChain, Wallet, abis, type ChainConfig, type Hex } from '../../src-main/chain/index.ts';
import { CONTRACTS_FOLDER } from '../../src-main/chain/testing/index.ts';
import { appPaths, buildHost, loadSettings, type Host } from '../../src-main/host/index.ts';
import { EconomyHost } from '../../src-main/host/economy/economy-host.ts';
import type { OwnerOp } from '../../src-main/api/index.ts';
import type { ConversationEntry, ConversationPage, Message } from '../../src-preload/bridge/index.ts';
import { settled } from './settled.ts';
import { CHEAP, PASSWORD } from './wallet-ground.ts';

/** Room for a third of the model inside. */
export const ROOM_BYTES = 1_900_000;
/** SUM for 1,000 tokens of one layer. */
export const PRICE = '0.5';

/** One test chain that is reached over RPC, as `omninode chain devnet` gives it, and hosts of the whole app on it, each with a wallet of its own. */
export class PaidHosts {
  readonly folder: string;
  readonly sum: SumChain;
  readonly #hosts = new Map<string, Host>();

  private constructor(folder: string, sum: SumChain) {
    this.folder = folder;
    this.sum = sum;
  }

  static async open(): Promise<PaidHosts> {
    const folder = await mkdtemp(join(tmpdir(), 'omninode-paid-hosts-'));
    const sum = new SumChain({ config: { kind: 'embedded', rpcPort: 0 }, home: join(folder, 'chain'), contractsFolder: CONTRACTS_FOLDER, logger: silentLogger, options: { canTravel: true, faucetPerDay: 100, pollMs: 100 } });
    await sum.start();
    return new PaidHosts(folder, sum);
  }

  /** As the others write it in their config.json. */
  get chain(): ChainConfig {
    const { chainId, contracts } = this.sum.network;
    return { kind: 'configured', chainId, name: 'shared test chain', rpcUrls: [this.sum.rpcUrl ?? ''], contracts, confirmations: 0, fromBlock: 0 };
  }

  home(name: string): string {
    return join(this.folder, name);
  }

  /** A machine that computes for pay. */
  node(name: string): Promise<Host> {
    return this.start(name, { contribute: true, contributeMemoryBytes: ROOM_BYTES, payPrice: PRICE });
  }

  async start(name: string, more: Readonly<Record<string, unknown>>): Promise<Host> {
    const settings = await loadSettings({ home: this.home(name), name, chatOver: 'mesh', threads: 1, calibrate: false, shareStore: false, dht: false, chain: this.chain, logLevel: process.env['PAID_LOG'] ?? 'silent', ...more }, {});
    const host = await buildHost({ settings, paths: appPaths(), mode: 'headless', nodes: 1, economyForTests: { chain: { pollMs: 100 }, wallet: { costForTests: CHEAP } } });
    this.#hosts.set(name, host);
    await host.start();
    return host;
  }

  async stopHost(name: string): Promise<void> {
    const host = this.#hosts.get(name);
    this.#hosts.delete(name);
    await host?.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#hosts.keys()].map((name) => this.stopHost(name)));
    await this.sum.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A wallet with what the faucet gives. */
  async fund(host: Host): Promise<Hex> {
    const { address } = await host.api.owner!.create({ password: PASSWORD, words: 12 });
    await this.sum.outbox.settled(this.sum.faucet(address as Hex).batch.id);
    return address as Hex;
  }

  /** A wallet in the home of a host that does not run. */
  async walletIn(home: string): Promise<Hex> {
    await mkdir(home, { recursive: true });
    const wallet = await Wallet.open({ home, costForTests: CHEAP });
    await wallet.create(PASSWORD, 12);
    await this.sum.outbox.settled(this.sum.faucet(wallet.address).batch.id);
    wallet.lock();
    return wallet.address;
  }

  /** Transactions of an account that are in blocks. */
  async sent(address: Hex): Promise<number> {
    return this.sum.client.getTransactionCount({ address });
  }

  /** Asked and decided as by the owner's commands. */
  async order(host: Host, op: OwnerOp): Promise<void> {
    const owner = host.api.owner!;
    const { id, needsPassword } = await owner.ask(op);
    const sent = await owner.decide({ id, isApproved: true, ...(needsPassword ? { password: PASSWORD } : {}) });
    const { status } = await owner.settled({ id: sent?.id ?? '' });
    if (status !== 'confirmed' && status !== 'mined') throw new Error(`${op.op}: ${status}`);
  }

  stake(host: Host, sum: number): Promise<void> {
    return this.order(host, { op: 'stake', amount: String(parseEther(String(sum))) });
  }

  /** All look at what is due, one after the other; whoever decides for them is told. */
  async settle(of: readonly Host[]): Promise<void> {
    for (const host of of) {
      while (host.pay.paid === undefined) await host.pay.events.once('changed');
      await settled(host.pay.paid.settlements);
    }
  }

  balance(address: Hex): Promise<bigint> {
    const { client, network } = this.sum;
    return client.readContract({ address: network.contracts.SumToken, abi: abis.SumToken, functionName: 'balanceOf', args: [address] });
  }
}

export const economyOf = (host: Host): EconomyHost => {
  if (!(host.api.economy instanceof EconomyHost)) throw new Error('the host has no chain');
  return host.api.economy;
};

/** The owner, who decides whatever waits as it comes; what it was about. */
export function decides(host: Host, isApproved = true): { readonly asked: string[]; readonly stop: () => void } {
  const { consents, wallet } = economyOf(host);
  const asked: string[] = [];
  const decide = (): void => {
    for (const { id, digest, subject } of consents.waiting()) {
      if (asked.includes(id)) continue;
      asked.push(id);
      const password = wallet.passwordNeeded(subject) === undefined ? {} : { password: PASSWORD };
      void consents.decide({ id, digest, isApproved, ...password }).catch(() => undefined);
    }
  };
  const off = consents.events.on('changed', decide);
  decide();
  return { asked, stop: off };
}

/** A conversation of the page's, with a host that answers it. */
export class Talk {
  readonly #host: Host;
  readonly id: string;
  #begun = '';
  /** Of what stands at the end. */
  #answerId = '';

  constructor(host: Host) {
    this.#host = host;
    this.id = (host.api.conversations!.create() as ConversationEntry).id;
  }

  /** What it said it says again: it does not end by itself. */
  ask(text: string, maxTokens: number): Promise<Message> {
    this.#set(maxTokens);
    return this.#answered(() => this.#host.api.conversations!.send({ id: this.id, text }));
  }

  /** "Continue". */
  goOn(maxTokens: number): Promise<Message> {
    this.#set(maxTokens);
    return this.#answered(() => this.#host.api.conversations!.continue({ id: this.id, messageId: this.#answerId }));
  }

  #set(maxTokens: number): void {
    void this.#host.api.conversations!.update({ id: this.id, change: { options: { temperature: 0, repetitionPenalty: 0.1, maxTokens } } });
  }

  async #answered(begin: () => unknown): Promise<Message> {
    const { conversations } = this.#host.api;
    // Others may answer at the same time.
    const isOwn = ({ answerId }: { readonly answerId: string }): boolean => answerId === this.#begun;
    const over = Promise.race([conversations!.events.once('done', { accept: isOwn }), conversations!.events.once('failed', { accept: isOwn })]);
    this.#begun = (begin() as { readonly answerId: string }).answerId;
    await over;
    const { messages } = conversations!.open({ id: this.id, limit: 60 }) as ConversationPage;
    const last = messages.at(-1)!;
    this.#answerId = last.id;
    return last;
  }
}
