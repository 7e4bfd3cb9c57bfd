import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex, parseEther } from 'viem';
import { layerCount, systemClock } from '../../src-main/base/index.ts';
import { billMessage, type Hex } from '../../src-main/chain/index.ts';
import { appPaths, createNode, loadSettings, openSession, shardModelFile, type ModelSession, type HostConfig, type Node, type Settings, type ShardedModel } from '../../src-main/host/index.ts';
import { nodeIdOf, nodeSignerOf, openPaid, PayGate, PayHost, type Paid, type PaidSession, type PaidStage } from '../../src-main/host/paid/index.ts';
import { billOf } from '../../src-main/host/paid/terms.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { verifySignature } from '../../src-main/mesh/index.ts';
import { settled } from './settled.ts';
import { startSumGround, type Account, type SumGround } from './sum-ground.ts';

export const STAKE = parseEther('2000');
/** 1e-18 SUM for 1,000 tokens of one layer. */
export const PRICE = parseEther('0.5');
export const CREDIT = 160;
export const DAY_S = 86_400;
/** Of the session; the challenge window follows. */
export const SESSION_S = 600;
const CONTEXT = 2048;
const never = new AbortController().signal;
const paths = appPaths();
export const QUESTION = { prompt: { kind: 'text', text: 'OmniNode is' }, sampling: GREEDY, maxTokens: 40, signal: never, onText: () => undefined } as const;

/** A node of the product with an account, and what it does about pay. */
export interface Paying {
  readonly node: Node;
  readonly account: Account;
  paid: Paid;
  readonly nodeId: Hex;
}

/** Three staked nodes that compute the model inside for pay, one, two and three layers of it, a payer, and a chain: all real but for the chain's time. */
export class PaidGround {
  readonly home: string;
  readonly sum: SumGround;
  readonly model: ShardedModel;
  readonly nodes: Paying[] = [];
  readonly #settings: Settings;
  readonly #stops: (() => Promise<void>)[] = [];
  #payer: Paying | undefined;

  private constructor(home: string, settings: Settings, { sum, model }: { readonly sum: SumGround; readonly model: ShardedModel }) {
    this.home = home;
    this.#settings = settings;
    this.sum = sum;
    this.model = model;
  }

  static async start(): Promise<PaidGround> {
    const home = await mkdtemp(join(tmpdir(), 'omninode-paid-'));
    const settings = await loadSettings({ home, threads: 1, mdns: false, calibrate: false, logLevel: 'silent' }, {});
    const [sum, model] = await Promise.all([startSumGround(join(home, 'chain-home')), shardModelFile(settings.config, { paths, model: settings.config.model, plan: { kind: 'cuts', at: [1, 3] } })]);
    const ground = new PaidGround(home, settings, { sum, model });
    ground.#stops.push(() => sum.stop());
    ground.nodes.push(...await Promise.all(model.shards.map((shard, index) => ground.startNode(`node-${index}`, [shard], true))));
    ground.#payer = await ground.startNode('payer', [], false);
    for (const { node, account } of ground.nodes) await sum.stake(account, nodeSignerOf(node.mesh.signer), STAKE);
    for (const one of ground.nodes) await ground.meet(one);
    return ground;
  }

  get payer(): Paying {
    return this.#payer!;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.toReversed()) await stop();
    await rm(this.home, { recursive: true, force: true });
  }

  async startNode(name: string, shards: ShardedModel['shards'], serves: boolean): Promise<Paying> {
    const gate = serves ? new PayGate() : undefined;
    const settings = { ...this.#settings, config: { ...this.#settings.config, home: join(this.home, name) } };
    const node = await createNode({ settings, paths, shards, identity: 'file', paid: gate });
    await node.start();
    const account = await this.sum.account();
    const paying = { node, account, nodeId: nodeIdOf(node.mesh.peerId)!, paid: this.payWith({ node, account }, gate) };
    await paying.paid.start();
    this.#stops.push(async () => {
      await paying.paid.stop();
      await node.stop();
    });
    return paying;
  }

  async meet({ node }: Paying): Promise<void> {
    await this.payer.node.mesh.dial(node.mesh.addresses()[0] ?? '', { signal: never });
  }

  /** Of the payer, with other settings. */
  payHost(more: Partial<HostConfig>): PayHost {
    return new PayHost({ config: { ...this.#settings.config, home: join(this.home, 'pay-host'), ...more } }, () => this.payer.node);
  }

  payWith({ node, account }: Pick<Paying, 'node' | 'account'>, gate: PayGate | undefined): Paid {
    return openPaid({
      home: join(this.home, 'of', node.mesh.peerId), node, chain: this.sum.chain, wallet: account.wallet, verifySignature, clock: systemClock, logger: node.logger,
      ...(gate === undefined ? {} : { serve: { price: PRICE, gate, credit: CREDIT } }), times: { settleMs: 86_400_000, patienceS: 0n, vouchTokens: 8, vouchMs: 200 },
    });
  }

  /** Puts 100 SUM aside for the nodes. */
  async openPaid(): Promise<PaidSession> {
    const stages = await Promise.all(this.nodes.map(async ({ node }, index): Promise<PaidStage> => ({ ...await this.payer.paid.payer.offerOf(node.mesh.peerId), layers: this.model.shards[index]!.layers })));
    return this.payer.paid.payer.open({ stages, upTo: parseEther('100'), durationS: BigInt(SESSION_S) });
  }

  /** One stage on each node; all of them on one where only one is given. */
  session(over: readonly Paying[], paid: PaidSession | undefined): Promise<ModelSession> {
    const route = this.model.shards.map(({ layers }, index) => {
      const { node: { mesh } } = over[Math.min(index, over.length - 1)]!;
      return { peer: mesh.peerId, addresses: mesh.addresses().slice(0, 1), layers };
    });
    const { model_hash: modelHash } = this.model.manifest;
    return openSession({ node: this.payer.node, route, candidates: () => [], modelHash, vocabularyPath: this.model.vocabularyPath, contextTokens: CONTEXT, microBatch: { batchTokens: 32 }, dtype: 'f16', paid, signal: never });
  }

  /** A paid answer; how many tokens each node computed of it. `onAnswered`: before bills are asked for. */
  async paidAnswer(onAnswered: (session: PaidSession) => void = () => undefined): Promise<{ readonly session: PaidSession; readonly tokens: number }> {
    const session = await this.openPaid();
    const answering = await this.session(this.nodes, session);
    const { stats, finishReason } = await answering.answer(QUESTION);
    await answering.close();
    onAnswered(session);
    await session.close();
    // The token that ends an answer is computed too.
    return { session, tokens: stats.promptTokens + stats.generatedTokens + Number(finishReason === 'stop') };
  }

  /** The node signs bills over these tokens, and the payer sees them. False: it does not take one for signed. */
  async signBills({ node, nodeId }: Paying, sessionId: Hex, counts: readonly number[]): Promise<boolean> {
    const share = this.payer.paid.book.shares('payer', sessionId).find((one) => one.nodeId === nodeId)!;
    const { chainId, contracts: { Settlement: settlement } } = this.sum.sum.network;
    const seen = await Promise.all(counts.map(async (tokens) => {
      const bill = billOf(share, { tokens });
      const signature = bytesToHex(await node.mesh.signer.sign(billMessage(bill, { chainId, settlement })));
      return this.payer.paid.payer.witness(share, { tokens, receiptsRoot: bill.receiptsRoot, signature });
    }));
    return !seen.includes(false);
  }

  /** All sides look at what is due, one after the other. */
  async settle(): Promise<void> {
    for (const { paid } of [this.payer, ...this.nodes]) await settled(paid.settlements);
  }

  balances(): Promise<bigint[]> {
    return Promise.all(this.nodes.map(({ account }) => account.balance()));
  }

  /** What each node is paid for so many tokens, and what of it is burned. */
  due(tokens: readonly number[]): { readonly pay: bigint; readonly fee: bigint }[] {
    return this.model.shards.map(({ layers }, index) => {
      const amount = PRICE * BigInt(layerCount(layers)) * BigInt(tokens[index] ?? 0) / 1000n;
      const fee = amount * 500n / 10_000n;
      return { pay: amount - fee, fee };
    });
  }
}
