import type { EconomyService, HostServiceEvents } from '../../src-main/api/index.ts';
import type { CodedError} from '../../src-main/base/index.ts';
import { type Events } from '../../src-main/base/index.ts';
import type { CommandOutput, CommandParsed, Earnings, Economy, EconomyOp, EconomyTransaction, SlashInfo, SumLedger } from '../../src-preload/bridge/index.ts';

export const ACCOUNT = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
const word = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`;
const address = (digit: string): `0x${string}` => `0x${digit.repeat(40)}`;
/** Whole SUM. */
export const sum = (whole: number | bigint): string => `${whole}${'0'.repeat(18)}`;
const DAY_MS = 86_400_000;

export const EMBEDDED: NonNullable<Economy['network']> = {
  kind: 'embedded', chainId: 31_337, name: 'OmniNode devnet',
  contracts: { token: address('1'), stakes: address('2'), registry: address('3'), settlement: address('4'), distributor: address('5') },
};
export const CONFIGURED: NonNullable<Economy['network']> = { ...EMBEDDED, kind: 'configured', chainId: 8_453, name: 'Example chain' };
export const NO_WALLET: Economy['wallet'] = { status: 'none' };
export const wallet = (status: 'locked' | 'ready'): Economy['wallet'] => ({ status, address: ACCOUNT, keeping: 'sealed', spend: { perDayUnits: sum(5000), todayUnits: '1250500000000000000000' } });

const ECONOMY = (blockTimeMs: number): Economy => ({ network: EMBEDDED, link: { status: 'ready', block: 1204, blockTimeMs }, wallet: wallet('ready'), node: { nodeId: word('a'), owner: ACCOUNT }, waiting: 0, revision: 1 });

export const LEDGER = (nowMs: number): SumLedger => ({
  block: 1204, atMs: nowMs, liquid: '8765432100000000000001', gas: '9998700000000000000', staked: sum(2500),
  unbonding: [{ index: 0, amount: sum(400), releaseAtMs: nowMs - 60_000, isMatured: true }, { index: 1, amount: '350250000000000000000', releaseAtMs: nowMs + 3 * DAY_MS + 4_000_000, isMatured: false }],
  rewards: '12345678900000000000', escrow: sum(40), refundable: sum(15), leastStake: sum(1000), isActive: true,
});

export const EARNINGS = (nowMs: number, windowMs: number): Earnings => ({
  sinceMs: nowMs - windowMs, untilMs: nowMs,
  points: Array.from({ length: 30 }, (_, day) => ({ atMs: nowMs - (30 - day) * (windowMs / 30), pay: day % 5 === 4 ? '0' : `${1 + (day * 7) % 19}500000000000000000`, reward: `${1 + day % 3}250000000000000000` })),
  sessions: (['claimable', 'paid', 'challenge', 'claimable'] as const).map((state, index) => ({
    sessionId: word(String(index + 1)), role: index === 3 ? 'payer' : 'node', openedAtMs: nowMs - index * DAY_MS, state, nodes: 3, ...(index === 3 ? {} : { layers: [3, 5] as [number, number] }), tokens: 1_234 + index,
    pay: `${14 + index}250000000000000000`, pending: index === 2 ? sum(16) : '0', reward: index === 1 ? '310000000000000000' : '0',
  })),
  byNode: [{ nodeId: word('a'), pay: sum(46), reward: sum(6), work: '3705' }, { nodeId: word('b'), pay: '12000000000000000001', reward: '0', work: '98765432109876543210' }],
  settled: '148750000000000000001', pending: sum(16), realisedApr: { windowMs: 30 * DAY_MS, value: 0.0734 },
});
export const NOTHING_EARNED: Omit<Earnings, 'sinceMs' | 'untilMs'> = { points: [], sessions: [], byNode: [], settled: '0', pending: '0' };

export const SLASH = (nowMs: number): SlashInfo => ({ nodeId: word('a'), faultId: word('f'), atMs: nowMs - 9 * DAY_MS, block: 991, txHash: word('e'), cut: sum(1250), burned: sum(1125), reporter: address('c'), evidence: 'contradiction', sessionIds: [word('6'), word('7')] });

export const SENT = (nowMs: number): readonly EconomyTransaction[] => [
  { id: 'old', what: 'stake', status: 'confirmed', atMs: nowMs - 5 * DAY_MS, amount: sum(2500), steps: [
    { what: 'bind', status: 'confirmed', hash: word('1'), block: 1101, feeUnits: '420000000000000', resent: 0 }, { what: 'approve', status: 'confirmed', hash: word('2'), block: 1102, feeUnits: '51000000000000', resent: 0 }, { what: 'stake', status: 'confirmed', hash: word('3'), block: 1102, feeUnits: '98000000000000', resent: 2 },
  ] },
  { id: 'bad', what: 'withdraw', status: 'failed', atMs: nowMs - DAY_MS, steps: [{ what: 'withdraw', status: 'failed', hash: word('4'), block: 1180, feeUnits: '61000000000000', resent: 0 }],
    error: { code: 'CHAIN_REVERTED', message: 'the contract refused it: NothingMatured()', next: 'Wait until the countdown is over.', meta: {}, retryable: false, fault: 'user' } },
];

export const DOWN = (sinceMs: number): Economy['link'] => ({ status: 'down', sinceMs, block: 1204, error: { code: 'CHAIN_DOWN', message: 'no RPC endpoint answers (2 were tried)', next: 'It is tried again every few seconds; look at chain.rpcUrls.', meta: {}, retryable: true, fault: 'local' } });

type Answer = (answer: CommandOutput<'wallet.request'>) => void;

/** A chain and a wallet in which everything is as a test says; what is sent waits for `decide`, and then for `settle`. */
export class ScriptedEconomy implements EconomyService {
  readonly nowMs = Date.now();
  /** Documents that were asked for. */
  readonly asked: CommandParsed<'wallet.show'>['document'][] = [];
  readonly requests: CommandParsed<'wallet.request'>[] = [];
  readonly plans: CommandParsed<'economy.plan'>[] = [];
  /** Accounts for which the node's signature was asked. */
  readonly bound: string[] = [];
  documents: (document: string) => CommandOutput<'wallet.show'> = (document) => ({ where: 'link', url: `http://127.0.0.1:9/${document}` });
  planned: (op: CommandParsed<'economy.plan'>) => CommandOutput<'economy.plan'> = planOf;
  /** Thrown by what asks the chain. */
  fault: CodedError | undefined;
  ledgerNow = LEDGER(this.nowMs);
  earned: (windowMs: number) => Earnings = (windowMs) => EARNINGS(this.nowMs, windowMs);
  cuts: readonly SlashInfo[] = [];
  /** How often somebody asked for the chain to be opened. */
  looked = 0;
  sent: readonly EconomyTransaction[] = SENT(this.nowMs);
  #economy = ECONOMY(this.nowMs);
  readonly #waiting: Answer[] = [];
  readonly #events: Events<HostServiceEvents>;

  constructor(events: Events<HostServiceEvents>) {
    this.#events = events;
  }

  now(): Economy {
    return this.#economy;
  }

  get(): Economy {
    this.looked++;
    return this.#economy;
  }

  /** Anything of it changed. */
  tell(change: Partial<Economy> = {}): void {
    this.#economy = { ...this.#economy, ...change, waiting: this.#waiting.length, revision: this.#economy.revision + 1 };
    this.#events.emit('economy', this.#economy);
  }

  /** As before the host has opened its chain. */
  unopened(link: Economy['link']): void {
    const { network: _, ...rest } = this.#economy;
    this.#economy = rest;
    this.tell({ link });
  }

  opened(): void {
    this.tell({ link: ECONOMY(this.nowMs).link, network: EMBEDDED });
  }

  setLedger(change: Partial<SumLedger>): void {
    this.ledgerNow = { ...this.ledgerNow, ...change };
    this.tell();
  }

  async ledger(): Promise<SumLedger> {
    return this.#asked(this.ledgerNow);
  }

  async earnings({ windowMs }: CommandParsed<'economy.earnings'>): Promise<Earnings> {
    return this.#asked(this.earned(windowMs));
  }

  async slashes(): Promise<{ readonly slashes: readonly SlashInfo[] }> {
    return this.#asked({ slashes: this.cuts });
  }

  transactions(): { readonly transactions: readonly EconomyTransaction[] } {
    return { transactions: this.sent };
  }

  async plan(op: CommandParsed<'economy.plan'>): Promise<CommandOutput<'economy.plan'>> {
    this.plans.push(op);
    return this.#asked(this.planned(op));
  }

  async bind({ account }: CommandParsed<'economy.bind'>): Promise<Record<string, never>> {
    this.bound.push(account);
    return {};
  }

  async faucet(): Promise<EconomyTransaction> {
    const one = this.#add('faucet', 'sent');
    this.tell();
    return one;
  }

  async request(asked: CommandParsed<'wallet.request'>): Promise<CommandOutput<'wallet.request'>> {
    this.requests.push(asked);
    switch (asked.method) {
      case 'eth_chainId': return { result: `0x${(this.#economy.network ?? EMBEDDED).chainId.toString(16)}` };
      case 'eth_accounts': case 'eth_requestAccounts': return { result: this.#economy.wallet.status === 'ready' ? [ACCOUNT] : [] };
      case 'wallet_sendCalls': return this.#wait();
      case 'eth_blockNumber': return { result: '0x4b4' };
      case 'eth_getTransactionByHash': return { result: { hash: asked.params[0], blockNumber: '0x4b4', blockHash: word('c'), nonce: '0x0', from: ACCOUNT, type: '0x2' } };
      case 'eth_getTransactionReceipt': return { result: { transactionHash: asked.params[0], status: '0x1', blockNumber: '0x4b4', blockHash: word('c'), from: ACCOUNT, to: ACCOUNT, logs: [], type: '0x2' } };
      default: return { error: { code: 4200, message: `the method ${asked.method} is not supported` } };
    }
  }

  async show({ document }: CommandParsed<'wallet.show'>): Promise<CommandOutput<'wallet.show'>> {
    this.asked.push(document);
    return this.documents(document);
  }

  lock(): void {
    this.tell({ wallet: wallet('locked') });
  }

  /** What the owner does in the document: the oldest decision. */
  decide(isAgreed: boolean): void {
    const answer = this.#waiting.shift();
    const id = this.sent.find(({ status }) => status === 'asking')?.id ?? '';
    this.settle(id, isAgreed ? 'queued' : 'refused');
    answer?.(isAgreed ? { result: { id } } : { error: { code: 4001, message: 'the owner refused' } });
  }

  settle(id: string, status: EconomyTransaction['status']): void {
    this.sent = this.sent.map((one) => (one.id === id ? { ...one, status, steps: status === 'refused' ? [] : [{ what: one.what, status, resent: 0, ...(status === 'queued' ? {} : { hash: word('9') }) }] } : one));
    this.tell();
  }

  #wait(): Promise<CommandOutput<'wallet.request'>> {
    const op = this.plans.at(-1);
    this.#add(op?.op ?? 'transfer', 'asking', op !== undefined && 'amount' in op ? op.amount : undefined);
    const answered = Promise.withResolvers<CommandOutput<'wallet.request'>>();
    this.#waiting.push(answered.resolve);
    this.tell();
    return answered.promise;
  }

  #add(what: string, status: EconomyTransaction['status'], amount?: string): EconomyTransaction {
    const one: EconomyTransaction = { id: `t${this.sent.length}`, what, status, atMs: Date.now(), steps: [], ...(amount === undefined ? {} : { amount }) };
    this.sent = [...this.sent, one];
    return one;
  }

  #asked<T>(value: T): T {
    if (this.fault !== undefined) throw this.fault;
    return value;
  }
}

function planOf(op: EconomyOp): CommandOutput<'economy.plan'> {
  const steps = op.op === 'stake' ? ['approve', 'stake'] : [op.op];
  return { what: op.op, calls: steps.map((what) => ({ what, to: EMBEDDED.contracts.stakes, data: '0x12345678', value: '0' })) };
}
