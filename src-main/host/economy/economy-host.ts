import { join } from 'node:path';
import { systemClock, toCoded, type Clock, type Logger, type SecretKeeping, type Service } from '../../base/index.ts';
import { abis, BatchSender, chainErrors, chainWitness, Consents, SumChain, Wallet, WalletProvider, type ChainConfig, type ChainLink, type Hex, type NodeSigner, type SumChainInit, type WalletInit } from '../../chain/index.ts';
import { loadWalletDocuments, type EconomyService, type WalletDocuments } from '../../api/index.ts';
import type { CommandOutput, CommandParsed, Economy, EconomyOp, EconomyTransaction } from '../../../src-preload/bridge/index.ts';
import { PayChain, type PayHost } from '../paid/index.ts';
import { pendingIn } from './pending.ts';
import { Bindings } from './bindings.ts';
import { checkedAccount, inCodes, outsidePlan, plannedCalls } from './planned.ts';
import { sessionsDue } from './session-due.ts';
import { earningsInfo, ledgerInfo, slashesInfo } from './ledger-info.ts';
import { askedTransactions, linkInfo, networkInfo, planInfo, transactionInfo, walletInfo } from './to-bridge.ts';
import { walletChain, walletOutbox } from './wallet-ports.ts';

/** `closed`: by its owner, or by the app. */
export type OpenWindow = (url: string, closed: () => void) => Promise<void>;

export interface EconomyHostInit {
  readonly config: ChainConfig;
  readonly home: string;
  readonly contractsFolder: string;
  readonly logger: Logger;
  readonly node: NodeSigner;
  readonly keeping?: SecretKeeping;
  readonly clock?: Clock;
  /** Told whenever `now` would answer otherwise. */
  readonly changed?: (economy: Economy) => void;
  /** Shows a document of the wallet in a window of its own; left out, the page shows a link. */
  readonly openWindow?: OpenWindow;
  /** Sessions that are paid, where there are any. */
  readonly pay?: PayHost;
  /** For tests. */
  readonly options?: { readonly chain?: SumChainInit['options']; readonly wallet?: Pick<WalletInit, 'costForTests'>; readonly onOpened?: (host: EconomyHost) => void };
}

const PAGE = { kind: 'page', name: 'OmniNode' } as const;

/** Chain and wallet of one home. The chain is opened when there is something for it to do: a wallet, a configured chain, somebody who looks. */
export class EconomyHost implements EconomyService, Service {
  readonly name = 'economy';
  readonly wallet: Wallet;
  readonly consents: Consents;
  /** The one way to the chain: tried, shown, approved. */
  readonly sender: BatchSender;
  /** Of the node, to accounts of other wallets. */
  readonly bindings: Bindings;
  readonly #init: EconomyHostInit;
  readonly #clock: Clock;
  readonly #provider: WalletProvider;
  readonly #documents: WalletDocuments;
  #opening: Promise<SumChain> | undefined;
  #chain: SumChain | undefined;
  #failed: ChainLink | undefined;
  #owner: Hex | null = null;
  #revision = 0;
  #isStopped = false;

  private constructor(init: EconomyHostInit, wallet: Wallet, Documents: typeof WalletDocuments) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
    this.wallet = wallet;
    this.consents = new Consents({ wallet, clock: this.#clock });
    this.#documents = new Documents({ wallet, consents: this.consents, logger: init.logger, clock: this.#clock });
    const [chain, outbox] = [walletChain(() => this.#chain), walletOutbox(() => this.#chain)];
    const { consents } = this;
    this.sender = new BatchSender({ wallet, consents, chain, outbox, decode: (to, data) => this.#chain?.decodeCall(to, data) });
    this.#provider = new WalletProvider({ wallet, consents, chain, outbox, sender: this.sender, asker: PAGE });
    this.bindings = new Bindings({ path: join(init.home, 'chain', 'bindings.json'), node: init.node, consents });
    wallet.events.on('changed', () => this.#onWallet());
    this.consents.events.on('changed', () => this.#changed());
  }

  /** Throws WALLET_UNREADABLE, WALLET_READABLE_BY_OTHERS, WALLET_SEALED. */
  static async open(init: EconomyHostInit): Promise<EconomyHost> {
    const { home, keeping: { box } = {}, clock, options } = init;
    const opened: { host?: EconomyHost } = {};
    const witness = chainWitness((method, params) => walletChain(() => opened.host?.opened).request(method, params));
    const { WalletDocuments: Documents } = await loadWalletDocuments();
    opened.host = new EconomyHost(init, await Wallet.open({ home, witness, ...(box === undefined ? {} : { box }), ...(clock === undefined ? {} : { clock }), ...options?.wallet }), Documents);
    options?.onOpened?.(opened.host);
    return opened.host;
  }

  /** Does not wait for the chain. */
  start(): Promise<void> {
    if (this.wallet.state().status !== 'none' || this.#init.config.kind === 'configured') void this.chain().catch(() => undefined);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.consents.stop();
    this.wallet.lock();
    await this.#documents.stop();
    await this.#opening?.catch(() => undefined);
    await this.#chain?.stop();
  }

  /** Opened once; where that failed, tried again at the next call. Throws CHAIN_*. */
  chain(): Promise<SumChain> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Undefined until `chain` was asked for and answered. */
  get opened(): SumChain | undefined {
    return this.#chain;
  }

  get home(): string {
    return this.#init.home;
  }

  get nodeId(): Hex {
    return this.#init.node.nodeId;
  }

  now(): Economy {
    const chain = this.#chain;
    return {
      ...(chain === undefined ? {} : { network: networkInfo(chain.network, chain.publicRpc) }), link: linkInfo(chain?.link ?? this.#failed ?? { status: 'starting' }), wallet: walletInfo(this.wallet.state()),
      node: { nodeId: this.#init.node.nodeId, owner: this.#owner }, waiting: this.consents.waiting().length, revision: this.#revision,
    };
  }

  /** Somebody looks: the chain is opened. */
  get(): Economy {
    void this.chain().catch(() => undefined);
    return this.now();
  }

  /** Throws WALLET_NONE, CHAIN_*. */
  async ledger({ account }: CommandParsed<'economy.ledger'> = {}): Promise<CommandOutput<'economy.ledger'>> {
    const chain = await this.chain();
    return ledgerInfo(await chain.ledger({ nodeId: this.#init.node.nodeId, account: this.#account(account) }));
  }

  async earnings({ windowMs, account }: CommandParsed<'economy.earnings'>): Promise<CommandOutput<'economy.earnings'>> {
    const { pay, node: { nodeId } } = this.#init;
    const chain = await this.chain();
    const earned = await chain.earnings({ nodeId, account: this.#account(account), windowMs });
    const due = account === undefined ? undefined : await sessionsDue(new PayChain(chain), earned, { pay, nodeId }).catch(() => undefined);
    return earningsInfo(earned, { pendingOf: (sessionId) => (pay === undefined ? 0n : pendingIn(pay, sessionId)), ...(due === undefined ? {} : { due }) });
  }

  async slashes(): Promise<CommandOutput<'economy.slashes'>> {
    return { slashes: slashesInfo(await (await this.chain()).slashes(), this.#init.node.nodeId) };
  }

  transactions(): CommandOutput<'economy.transactions'> {
    const sent = this.#chain?.outbox.entries().map(transactionInfo) ?? [];
    return { transactions: [...askedTransactions(this.consents.waiting()), ...sent].slice(0, 200) };
  }

  /** Throws as `planned`, and ECONOMY_BINDING_NOT_APPROVED. */
  async plan({ account: named, ...op }: CommandParsed<'economy.plan'>): Promise<CommandOutput<'economy.plan'>> {
    if (named === undefined) return planInfo(op.op, await this.planned(op));
    const account = checkedAccount(named);
    // No more than was approved for that account is signed for it.
    const chain = await this.chain();
    const { calls, nonce } = await inCodes(chain, outsidePlan(chain, op, { account, node: this.bindings.signerFor(account), pay: this.#init.pay }));
    return planInfo(op.op, calls, nonce);
  }

  /** For the account of this host. Throws ECONOMY_NOT_POSSIBLE, WALLET_NONE, CHAIN_*. */
  async planned(op: EconomyOp): Promise<Awaited<ReturnType<SumChain['plan']>>> {
    const { node, pay } = this.#init;
    const account = this.wallet.address;
    const chain = await this.chain();
    return inCodes(chain, plannedCalls(chain, op, { account, node, pay }));
  }

  async bind({ account }: CommandParsed<'economy.bind'>): Promise<CommandOutput<'economy.bind'>> {
    const chain = await this.chain();
    await inCodes(chain, this.bindings.ask(chain, checkedAccount(account), PAGE));
    return {};
  }

  async faucet({ account }: CommandParsed<'economy.faucet'> = {}): Promise<EconomyTransaction> {
    const to = this.#account(account);
    return transactionInfo((await this.chain()).faucet(to));
  }

  async request(input: CommandParsed<'wallet.request'>): Promise<CommandOutput<'wallet.request'>> {
    await this.chain().catch(() => undefined);
    return this.#provider.answer(input);
  }

  /** Throws WALLET_NONE, WALLET_EXISTS, WALLET_NOTHING_WAITS. */
  async show({ document }: CommandParsed<'wallet.show'>): Promise<CommandOutput<'wallet.show'>> {
    const { url } = await this.#documents.open(document);
    if (this.#init.openWindow === undefined) return { where: 'link', url };
    await this.#init.openWindow(url, () => void this.#documents.closed(url));
    return { where: 'window' };
  }

  lock(): void {
    this.wallet.lock();
  }

  async #open(): Promise<SumChain> {
    const { config, home, contractsFolder, logger, clock, options } = this.#init;
    const chain = new SumChain({ config, home, contractsFolder, logger, ...(clock === undefined ? {} : { clock }), ...(options?.chain === undefined ? {} : { options: options.chain }) });
    try {
      await chain.start();
    } catch (error) {
      this.#failed = { status: 'down', error: toCoded(error), sinceMs: this.#clock.now() };
      this.#changed();
      throw error;
    }
    if (this.#isStopped) {
      await chain.stop();
      throw chainErrors.notRunning({});
    }
    this.#chain = chain;
    this.#failed = undefined;
    chain.events.on('changed', () => void this.#look(chain));
    this.#onWallet();
    await this.#look(chain);
    return chain;
  }

  /** The one that is named, else this host's own. Throws WALLET_NONE, ECONOMY_BAD_ACCOUNT. */
  #account(named: string | undefined): Hex {
    return named === undefined ? this.wallet.address : checkedAccount(named);
  }

  #onWallet(): void {
    if (this.wallet.state().status !== 'none') {
      if (this.#chain === undefined) void this.chain().catch(() => undefined);
      else this.#chain.outbox.use(this.wallet.signer());
    }
    this.#changed();
  }

  /** Who the node belongs to now; as before where the chain does not say. */
  async #look({ client, network }: SumChain): Promise<void> {
    const args = [this.#init.node.nodeId] as const;
    const owner = await client.readContract({ address: network.contracts.NodeRegistry, abi: abis.NodeRegistry, functionName: 'ownerOf', args }).catch(() => undefined);
    if (owner !== undefined) this.#owner = BigInt(owner) === 0n ? null : owner;
    this.#changed();
  }

  #changed(): void {
    this.#revision++;
    if (!this.#isStopped) this.#init.changed?.(this.now());
  }
}
