import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex, keccak256, parseEther, toHex, zeroHash } from 'viem';
import { expect } from 'vitest';
import { asPeerId, silentLogger } from '../../src-main/base/index.ts';
import type { OwnerOp, OwnerService } from '../../src-main/api/index.ts';
import { billMessage, sessionIdOf, voucherTypedData, type ChainConfig, type CommitteeOp, type Hex, type NodeSigner } from '../../src-main/chain/index.ts';
import { ChainGround, CONTRACTS_FOLDER, newAccount, newNode, type TestAccount } from '../../src-main/chain/testing/index.ts';
import { EconomyHost } from '../../src-main/host/economy/economy-host.ts';
import { ownerService } from '../../src-main/host/economy/owner-service.ts';
import { billOf, keepWrongWork, outboxWallet, PayBook, PayChain, payBookPath, type BookedShare } from '../../src-main/host/paid/index.ts';
import { peerIdOf } from '../../src-main/host/paid/node-id.ts';
import { NodeSettler } from '../../src-main/host/paid/node-settler.ts';
import { PayerSettler } from '../../src-main/host/paid/payer-settler.ts';
import { receiptLeaf } from '../../src-main/host/paid/receipt-set.ts';
import { Steps } from '../../src-main/host/paid/steps.ts';
import { voucherTree } from '../../src-main/host/paid/vouchers.ts';
import { settled } from './settled.ts';
import { windowFile, windowReceipt } from './window-receipt.ts';
import { CHEAP, PASSWORD } from './wallet-ground.ts';

export const SESSION_S = 600;
export const DAY_S = 86_400;
export const STAKE = parseEther('5000');
const CAP = parseEther('10');
const PRICE = parseEther('1');

/** A home of its own with a wallet, on the chain of the ground. */
export interface Home {
  readonly home: string;
  readonly account: TestAccount;
  host: EconomyHost;
  owner: OwnerService;
}

export interface Vouched {
  readonly root: Hex;
  readonly paths: readonly (readonly Hex[])[];
  /** By the account of the two nodes. */
  claim(index: 0 | 1): Promise<unknown>;
}

/** An embedded chain over JSON-RPC, two nodes of one account that serve a paid session, its payer, and five accounts with staked nodes of their own. */
export class CaseGround {
  readonly chain: ChainGround;
  readonly accused: readonly [NodeSigner, NodeSigner];
  readonly accusedAccount: TestAccount;
  readonly candidates: readonly { readonly account: TestAccount; readonly node: NodeSigner }[];
  readonly sessionId: Hex;
  readonly #folder: string;
  readonly #homes: Home[] = [];
  readonly #books: PayBook[] = [];
  readonly #payer: TestAccount;

  private constructor(folder: string, chain: ChainGround, payer: TestAccount) {
    this.#folder = folder;
    this.chain = chain;
    this.#payer = payer;
    [this.accused, this.accusedAccount] = [[newNode(), newNode()], newAccount()];
    this.candidates = Array.from({ length: 5 }, () => ({ account: newAccount(), node: newNode() }));
    this.sessionId = sessionIdOf(this.#place, { payer: payer.address, salt: SALT });
  }

  static async start(): Promise<CaseGround> {
    const folder = await mkdtemp(join(tmpdir(), 'omninode-case-'));
    const chain = await ChainGround.start({ home: join(folder, 'chain'), config: { kind: 'embedded', rpcPort: 0 }, options: { faucetPerDay: 100 } });
    const ground = new CaseGround(folder, chain, chain.account);
    await Promise.all([ground.#payer, ground.accusedAccount, ...ground.candidates.map(({ account }) => account)].map((account) => chain.fund(account)));
    for (const node of ground.accused) await chain.do({ op: 'stake', amount: STAKE }, { account: ground.accusedAccount, node });
    // As many entries as there can be: a slash walks them all, and must not fail for want of gas.
    for (let entry = 0; entry < 16; entry++) await chain.do({ op: 'unstake', amount: parseEther('1') }, { account: ground.accusedAccount, node: ground.accused[0] });
    await Promise.all(ground.candidates.map((one) => chain.do({ op: 'stake', amount: STAKE }, one)));
    await chain.send('open', ground.pay.open({ salt: SALT, durationS: BigInt(SESSION_S), nodeIds: ground.accused.map(({ nodeId }) => nodeId), caps: [CAP, CAP] }), ground.#payer);
    return ground;
  }

  get pay(): PayChain {
    return new PayChain(this.chain.chain);
  }

  async stop(): Promise<void> {
    for (const { host } of this.#homes) await host.stop();
    for (const book of this.#books) book.close();
    await this.chain.chain.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A host as a home's owner has it, with an account that has SUM already. */
  async home(name: string, account: TestAccount, node: NodeSigner): Promise<Home> {
    const home = join(this.#folder, name);
    const host = await this.open(home, node);
    const owner = ownerService(host);
    await owner.import({ secret: { kind: 'key', text: account.privateKey }, password: PASSWORD });
    const made = { home, account, host, owner };
    this.#homes.push(made);
    return made;
  }

  /** As after an end of its process. */
  async reopen(home: Home, node: NodeSigner): Promise<void> {
    await home.host.stop();
    home.host = await this.open(home.home, node);
    home.owner = ownerService(home.host);
  }

  async open(home: string, node: NodeSigner): Promise<EconomyHost> {
    const { chainId, name, contracts } = this.chain.chain.network;
    const config: ChainConfig = { kind: 'configured', chainId, name, contracts, rpcUrls: [this.chain.chain.rpcUrl ?? ''], confirmations: 0, fromBlock: 0 };
    const host = await EconomyHost.open({ config, home, contractsFolder: CONTRACTS_FOLDER, logger: silentLogger, node, options: { chain: { pollMs: 50 }, wallet: { costForTests: CHEAP } } });
    await host.start();
    return host;
  }

  /** Asked, approved with the password, in a block. */
  async order({ owner }: Home, op: OwnerOp): Promise<string> {
    const { id } = await owner.ask(op);
    const sent = await owner.decide({ id, isApproved: true, password: PASSWORD });
    return (await owner.settled({ id: sent?.id ?? '' })).status;
  }

  /** By an account without a home. */
  async act(account: TestAccount, op: CommitteeOp): Promise<void> {
    await this.chain.send(op.op, await this.chain.chain.planCommittee(op, account.address), account);
  }

  /** By an account without a home, past the outbox: with the gas that the chain's node estimates, and no more. */
  async actAsEstimated({ address, key }: TestAccount, op: CommitteeOp): Promise<void> {
    const { chain } = this.chain;
    const [call] = await chain.planCommittee(op, address);
    const { to, data } = call!;
    const [gas, nonce] = [await chain.client.estimateGas({ account: address, to, data }), await chain.client.getTransactionCount({ address })];
    const raw = await key.signTransaction({ type: 'eip1559', chainId: chain.network.chainId, nonce, to, data, gas, maxFeePerGas: parseEther('0.0000001'), maxPriorityFeePerGas: 1n });
    expect((await chain.client.waitForTransactionReceipt({ hash: await chain.client.sendRawTransaction({ serializedTransaction: raw }) })).status).toBe('success');
  }

  /** The payer's voucher over what both nodes did is posted. */
  async vouched(): Promise<Vouched> {
    const shares = this.accused.map((node, index) => this.#share(node, index));
    const bills = shares.map((share) => billOf(share, { tokens: 100 }));
    const { root, paths } = voucherTree(bills, this.#place);
    await this.chain.send('post', this.pay.post(this.sessionId, { root, signature: await this.#payer.key.signTypedData(voucherTypedData(this.#place, { sessionId: this.sessionId, root })) }), this.#payer);
    return { root, paths, claim: (index) => this.chain.send('claim', this.pay.collect(bills[index]!, { root, path: paths[index]! }), this.accusedAccount) };
  }

  /** What the first or second accused node does about its pay, out of a book with its share of what was vouched. */
  settlerOf(index: 0 | 1, { root, paths }: Vouched): { readonly settle: () => Promise<void>; readonly state: () => string | undefined } {
    const { nodeId } = this.accused[index];
    const book = new PayBook(payBookPath(join(this.#folder, `node-${index}`)));
    const share = this.#share(this.accused[index], index);
    book.begin({ role: 'node', id: this.sessionId, ...this.#place, work: share.workId, payer: this.#payer.address, openedMs: 1, state: 'closed' }, [share]);
    book.addVoucher('node', this.sessionId, [{ nodeId, root, signature: '0x12', path: paths[index] ?? [], tokens: 100, receiptsRoot: zeroHash }]);
    const settling = this.#settling(book, this.accusedAccount);
    const settler = new NodeSettler(settling);
    return { settle: () => settled({ look: () => settler.settle(), idle: () => settling.steps.idle() }), state: () => book.session('node', this.sessionId)?.state };
  }

  /** The payer's end of it, out of the book in its home. */
  async settlePayer(home: string): Promise<void> {
    const settling = this.#settling(new PayBook(payBookPath(home)), this.#payer);
    const settler = new PayerSettler({ ...settling, isLive: () => false, now: () => Date.now() });
    await settled({ look: () => settler.settle(), idle: () => settling.steps.idle() });
  }

  #settling(book: PayBook, { signer, key }: TestAccount) {
    this.#books.push(book);
    const wallet = outboxWallet({ outbox: this.chain.chain.outbox, signer, maxFeeWei: parseEther('0.1'), signTyped: (data) => key.signTypedData(data) });
    return { book, chain: this.pay, wallet, steps: new Steps({ book, wallet, logger: silentLogger }) };
  }

  /** In the payer's book: two bills of the first node over the same session. */
  async bookFault(home: string): Promise<void> {
    const book = new PayBook(payBookPath(home));
    const shares = this.accused.map((node, index) => this.#share(node, index));
    book.begin({ role: 'payer', id: this.sessionId, ...this.#place, work: shares[0]!.workId, payer: this.#payer.address, openedMs: 1, state: 'open' }, shares);
    for (const tokens of [100, 101]) {
      const bill = billOf(shares[0]!, { tokens });
      book.addBill('payer', shares[0]!, { tokens, receiptsRoot: bill.receiptsRoot, signature: bytesToHex(await this.accused[0].sign(billMessage(bill, this.#place))) });
    }
    book.close();
  }

  /** In the payer's home: a window of the first node that was found wrong; of no bill. */
  async keepWrong(home: string): Promise<void> {
    const [{ nodeId, sign }] = this.accused;
    const receipt = await windowReceipt('5e'.repeat(16), { peerId: asPeerId(peerIdOf(nodeId)), sign });
    expect(await keepWrongWork({ home, sessionId: this.sessionId, nodeId, leaf: receiptLeaf(receipt), file: windowFile(receipt) })).toBe(true);
  }

  get #place(): { readonly chainId: number; readonly settlement: Hex } {
    return { chainId: this.chain.chain.network.chainId, settlement: this.pay.settlement };
  }

  #share({ nodeId }: NodeSigner, index: number): BookedShare {
    return { sessionId: this.sessionId, workId: keccak256(toHex('work')), nodeId, peer: asPeerId(`peer-${index}`), layers: { first: index, last: index }, price: PRICE, cap: CAP, tokens: 100 };
  }
}

const SALT = keccak256(toHex('session'));
