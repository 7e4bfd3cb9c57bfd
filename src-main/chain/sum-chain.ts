import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { encodeFunctionData, parseEther, type PublicClient } from 'viem';
import { Events, systemClock, type Clock, type Logger, type Service } from '../base/index.ts';
import { abis } from './abi/index.ts';
import { checkNetwork } from './client/check.ts';
import { createClient } from './client/client.ts';
import { Endpoints } from './client/endpoints.ts';
import type { RpcCall } from './client/json-rpc.ts';
import { LinkWatch } from './client/link-watch.ts';
import { caseNamed, planCommittee, readCommittee, VoteSalts, type CaseOf, type CasesOf, type CommitteeNow, type CommitteeOp } from './committee/index.ts';
import { EMBEDDED_CHAIN_ID, type ChainConfig } from './config.ts';
import { decodeCall, decodeError, type DecodedCall } from './decode.ts';
import { deployContracts, readDeployment } from './devnet/deploy.ts';
import { Devnet } from './devnet/devnet.ts';
import { RpcServer } from './devnet/rpc-server.ts';
import { chainErrors, economyErrors } from './errors.ts';
import { earningsOf, EventIndex, faultStanding, readLedger, sessionsOf, slashesOf, type ChainEarnings, type ChainLedger, type ChainSlash, type FaultStanding, type LedgerOf } from './ledger/index.ts';
import { Outbox, type OutboxEntry } from './outbox/index.ts';
import type { SenderOptions } from './outbox/sender.ts';
import { planBind, planCalls, type ChainOp, type PlanFor } from './plan.ts';
import { quoteCalls, type Quote } from './quote.ts';
import type { Call, ChainLink, ChainNetwork, ContractAddresses, Hex, NodeSigner, TransactionSigner } from './types.ts';

export interface SumChainInit {
  readonly config: ChainConfig;
  /** The app's home: what is kept lies in `chain/` there. */
  readonly home: string;
  /** `resources/contracts`: what the embedded chain deploys. */
  readonly contractsFolder: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** For tests. */
  readonly options?: Partial<SenderOptions> & { readonly pollMs?: number; readonly canTravel?: boolean; readonly faucetPerDay?: number };
}

export interface ChainEvents {
  readonly link: ChainLink;
  /** Something on the chain or in the outbox may read differently now. */
  readonly changed: undefined;
}

const POLL_MS = { embedded: 2_000, configured: 4_000 } as const;
/** What waits for money, a signer or lower fees is tried again. */
const RETRY_MS = 15_000;
const FAUCET = { sum: parseEther('20000'), coins: parseEther('10'), perDay: 10 } as const;
const DAY_MS = 86_400_000;

/** The chain that holds SUM: an embedded test chain of one's own, or one that was configured. */
export class SumChain implements Service {
  readonly name = 'chain';
  readonly events = new Events<ChainEvents>();
  readonly #init: SumChainInit & { readonly clock: Clock };
  readonly #devnet: Devnet | undefined;
  readonly #watch: LinkWatch;
  #network: ChainNetwork | undefined;
  #client: PublicClient | undefined;
  #outbox: Outbox | undefined;
  #index: EventIndex | undefined;
  #salts: VoteSalts | undefined;
  #endpoints: Endpoints | undefined;
  #rpc: RpcServer | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(init: SumChainInit) {
    this.#init = { clock: systemClock, ...init };
    const { clock, logger, config, home, options = {} } = this.#init;
    if (config.kind === 'embedded') this.#devnet = new Devnet({ folder: join(home, 'chain', 'embedded'), clock, logger });
    this.#watch = new LinkWatch({ request: (call) => this.#request(call), clock, pollMs: options.pollMs ?? POLL_MS[config.kind], changed: (link) => this.#linked(link) });
  }

  /** Throws CHAIN_NOT_RUNNING before the start. */
  get network(): ChainNetwork {
    return this.#started(this.#network);
  }

  get link(): ChainLink {
    return this.#watch.link;
  }

  /** Reads. Throws viem's errors; `decodeError` says what they mean. */
  get client(): PublicClient {
    return this.#started(this.#client);
  }

  get outbox(): Outbox {
    return this.#started(this.#outbox);
  }

  /** Where other programs of this machine reach the embedded chain, if that was asked for. */
  get rpcUrl(): string | undefined {
    return this.#rpc?.url;
  }

  /** Where a wallet of the owner's browser reaches it, as far as that may be told. */
  get publicRpc(): readonly string[] {
    const { config } = this.#init;
    return config.kind === 'configured' ? config.publicRpcUrls ?? [] : this.rpcUrl === undefined ? [] : [this.rpcUrl];
  }

  /**
   * A configured chain may be down: that is its link's state. The embedded one is running, with the contracts, when this returns.
   * Throws CHAIN_IN_USE, CHAIN_NO_ANVIL, CHAIN_DAMAGED, CHAIN_TOO_NEW, CHAIN_UNUSABLE.
   */
  async start(): Promise<void> {
    try {
      const network = await this.#open();
      this.#network = network;
      this.#client = createClient(network, (call) => this.#request(call));
      this.#outbox = this.#openOutbox(network);
      this.#index = this.#openIndex(network);
      this.#salts = new VoteSalts(this.#path(network, 'votes'));
      if (this.#devnet !== undefined) this.#outbox.use(this.#faucetSigner(this.#devnet));
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#watch.start();
    this.#retry = setInterval(() => this.#outbox?.wake(), RETRY_MS);
    this.#retry.unref();
    await this.#watch.look();
  }

  async stop(): Promise<void> {
    clearInterval(this.#retry);
    this.#watch.stop();
    await this.#outbox?.close();
    this.#outbox = undefined;
    await this.#index?.close();
    this.#index = undefined;
    await this.#rpc?.stop();
    this.#rpc = undefined;
    await this.#devnet?.stop();
  }

  /** Any read of EIP-1474 and eth_sendRawTransaction. Throws CHAIN_METHOD_UNSUPPORTED, RpcError, CHAIN_DOWN, CHAIN_WRONG_NETWORK. */
  async request(call: RpcCall): Promise<unknown> {
    return await this.#request(call);
  }

  plan(op: ChainOp, who: PlanFor): Promise<Call[]> {
    return planCalls(this, op, who);
  }

  /** Throws COMMITTEE_*, CHAIN_DOWN, CHAIN_WRONG_NETWORK. */
  planCommittee(op: CommitteeOp, account: Hex): Promise<Call[]> {
    return this.#reading(async (index) => {
      await index.sync();
      const { chainId, contracts } = this.network;
      return await planCommittee({ client: this.client, chainId, contracts, events: index.events(), salts: this.#started(this.#salts) }, op, account);
    });
  }

  /** What `account` sends to get the node of `nodeSigner`. */
  planBinding(account: Hex, nodeSigner: NodeSigner): Promise<Call> {
    return planBind(this, { nodeId: nodeSigner.nodeId, account, nodeSigner });
  }

  /** For a decision: what the calls would do now, and cost. Throws CHAIN_DOWN, CHAIN_WRONG_NETWORK, CHAIN_BAD_ANSWER. */
  quote(from: Hex, calls: readonly Call[]): Promise<Quote> {
    return quoteCalls({ request: (call) => this.#request(call), contracts: this.network.contracts }, { from, calls });
  }

  decodeCall(to: Hex, data: Hex): DecodedCall | undefined {
    return decodeCall(this.network.contracts, to, data);
  }

  decodeError(error: unknown, to?: Hex) {
    return decodeError(error, { contracts: this.network.contracts, ...(to === undefined ? {} : { to }) });
  }

  /** At the newest block that lasts. Throws CHAIN_DOWN, CHAIN_WRONG_NETWORK. */
  async ledger(of: LedgerOf): Promise<ChainLedger> {
    return await this.#reading(async (index) => {
      const at = await index.sync();
      return await readLedger({ client: this.client, contracts: this.network.contracts, sessions: sessionsOf(index.events()).values(), at }, of);
    });
  }

  /** What a node earned, and an account paid, in the last `windowMs` of the chain's time; the same errors. */
  async earnings({ nodeId, account, windowMs }: { readonly nodeId: Hex; readonly account?: Hex; readonly windowMs: number }): Promise<ChainEarnings> {
    return await this.#reading(async (index) => {
      const { atMs } = await index.sync();
      return earningsOf(index.events(), { nodeId, windowMs, nowMs: atMs, ...(account === undefined ? {} : { account }) });
    });
  }

  /** Of all nodes, the newest first, 200 at most; the same errors. */
  async slashes(): Promise<ChainSlash[]> {
    return await this.#reading(async (index) => {
      await index.sync();
      return slashesOf(index.events());
    });
  }

  /** Cases of committees, as of the newest block; the same errors. */
  async committee(of: CasesOf): Promise<CommitteeNow> {
    return await this.#reading(async (index) => {
      await index.sync();
      return await readCommittee({ client: this.client, contracts: this.network.contracts, events: index.events() }, of);
    });
  }

  /** The session and the node of it whose ids begin so. Throws COMMITTEE_UNKNOWN_SESSION, COMMITTEE_UNKNOWN_NODE, COMMITTEE_AMBIGUOUS, and the same errors. */
  async caseNamed(names: { readonly session: Hex; readonly node: Hex }): Promise<CaseOf> {
    return await this.#reading(async (index) => {
      await index.sync();
      return caseNamed(sessionsOf(index.events()).values(), names);
    });
  }

  /** What the contracts say to proofs of faults; the same errors. */
  async faults(proofs: readonly { readonly nodeId: Hex; readonly proof: Hex }[]): Promise<FaultStanding[]> {
    return await this.#reading(async (index) => {
      await index.sync();
      const from = { client: this.client, contracts: this.network.contracts, slashes: slashesOf(index.events()) };
      return await Promise.all(proofs.map((proof) => faultStanding(from, proof)));
    });
  }

  /** SUM and coins for fees of the embedded chain, a few times a day. Throws ECONOMY_NO_FAUCET, ECONOMY_FAUCET_EMPTY. */
  faucet(account: Hex): OutboxEntry {
    if (this.#devnet === undefined) throw economyErrors.noFaucet({});
    const id = `faucet-${randomUUID()}`;
    const day = Math.floor(this.#init.clock.now() / DAY_MS);
    if (!this.#devnet.journal.give(day, id, this.#init.options?.faucetPerDay ?? FAUCET.perDay)) throw economyErrors.faucetEmpty({ againAtMs: (day + 1) * DAY_MS });
    const token = this.network.contracts.SumToken;
    const calls: Call[] = [
      { what: 'coins', to: account, data: '0x', value: FAUCET.coins },
      { what: 'transfer', to: token, data: encodeFunctionData({ abi: abis.SumToken, functionName: 'transfer', args: [account, FAUCET.sum] }), value: 0n },
    ];
    return this.outbox.add({ id, what: 'faucet', from: this.#devnet.faucet.address, calls, maxFeeWei: parseEther('1') });
  }

  /** A block of the embedded chain where the newest is old: for reads that depend on time. */
  async tick(olderThanMs = 60_000): Promise<void> {
    await this.#devnet?.tick(olderThanMs);
  }

  /** Tests alone: the embedded chain's time goes ahead. */
  async travel(seconds: number): Promise<void> {
    if (this.#devnet === undefined || this.#init.options?.canTravel !== true) throw chainErrors.methodUnsupported({ method: 'travel' });
    await this.#devnet.travel(seconds);
    await this.#watch.look();
  }

  async #open(): Promise<ChainNetwork> {
    const { config } = this.#init;
    if (config.kind === 'embedded') return await this.#openEmbedded(this.#started(this.#devnet));
    const { kind, chainId, name, contracts, confirmations, rpcUrls } = config;
    this.#endpoints = new Endpoints({ urls: rpcUrls, clock: this.#init.clock, check: (call) => checkNetwork(call, { chainId, contracts }) });
    return { kind, chainId, name, contracts, confirmations };
  }

  async #openEmbedded(devnet: Devnet): Promise<ChainNetwork> {
    await devnet.start();
    const look = (): void => void this.#watch.look();
    devnet.events.on('block', look);
    devnet.events.on('gone', look);
    devnet.events.on('back', look);
    const kept = devnet.journal.fact('contracts');
    const contracts = kept === undefined ? await this.#deploy(devnet) : JSON.parse(kept) as ContractAddresses;
    await this.#serve(devnet);
    // Every block of it is final: nobody else makes any.
    return { kind: 'embedded', chainId: EMBEDDED_CHAIN_ID, name: 'Local test chain', contracts, confirmations: 0 };
  }

  async #serve(devnet: Devnet): Promise<void> {
    const { config } = this.#init;
    if (config.kind !== 'embedded' || config.rpcPort === undefined) return;
    this.#rpc = new RpcServer((call) => devnet.request(call));
    await this.#rpc.start(config.rpcPort);
  }

  async #deploy(devnet: Devnet): Promise<ContractAddresses> {
    const deployment = await readDeployment(this.#init.contractsFolder);
    const contracts = await deployContracts(deployment, { maker: devnet.maker, holder: devnet.faucet.address, request: (call) => devnet.request(call) });
    devnet.journal.setFact('contracts', JSON.stringify(contracts));
    return contracts;
  }

  #openOutbox({ chainId, contracts, confirmations }: ChainNetwork): Outbox {
    const { clock, logger, options } = this.#init;
    const path = this.#path({ chainId, contracts }, 'outbox.db');
    const outbox = new Outbox({ path, clock, logger, chain: { request: (call) => this.#request(call), chainId, contracts, confirmations }, ...(options === undefined ? {} : { options }) });
    outbox.events.on('changed', () => this.events.emit('changed', undefined));
    outbox.open();
    return outbox;
  }

  #openIndex({ chainId, contracts, confirmations }: ChainNetwork): EventIndex {
    const { logger, config } = this.#init;
    const fromBlock = config.kind === 'configured' ? config.fromBlock : 0;
    const index = new EventIndex({ path: this.#path({ chainId, contracts }, 'events.db'), request: (call) => this.#request(call), contracts, confirmations, fromBlock, logger });
    index.open();
    return index;
  }

  /** Of one chain and one set of contracts: what waits for one is never sent to another. */
  #path({ chainId, contracts }: Pick<ChainNetwork, 'chainId' | 'contracts'>, file: string): string {
    return join(this.#init.home, 'chain', `${chainId}-${contracts.SumToken.slice(2, 10).toLowerCase()}`, file);
  }

  async #reading<T>(read: (index: EventIndex) => Promise<T>): Promise<T> {
    await this.tick();
    try {
      return await read(this.#started(this.#index));
    } catch (error) {
      throw this.decodeError(error);
    }
  }

  #faucetSigner(devnet: Devnet): TransactionSigner {
    const { faucet } = devnet;
    return { address: faucet.address, sign: (_batch, _index, transaction) => faucet.signTransaction({ ...transaction, type: 'eip1559' }) };
  }

  #linked(link: ChainLink): void {
    this.events.emit('link', link);
    this.events.emit('changed', undefined);
    if (link.status === 'ready') this.#outbox?.wake();
  }

  async #request(call: RpcCall): Promise<unknown> {
    if (this.#devnet !== undefined) return await this.#devnet.request(call);
    return await this.#started(this.#endpoints).request(call);
  }

  #started<T>(part: T | undefined): T {
    if (part === undefined) throw chainErrors.notRunning({});
    return part;
  }
}
