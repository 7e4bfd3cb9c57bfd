import { tmpdir } from 'node:os';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { keccak256, parseTransaction, recoverTransactionAddress, type TransactionSerialized } from 'viem';
import { Events, SerialQueue, type Clock, type Logger } from '../../base/index.ts';
import { callRpc, RpcError, type RpcCall } from '../client/json-rpc.ts';
import { EMBEDDED_CHAIN_ID } from '../config.ts';
import { chainErrors } from '../errors.ts';
import type { Hex } from '../types.ts';
import { startAnvil, type AnvilProcess } from './anvil-process.ts';
import { anvilPath } from './binary.ts';
import { genesisOf } from './genesis.ts';
import { Journal, type JournalBlock } from './journal.ts';
import { isOpenMethod } from './methods.ts';

export interface DevnetInit {
  /** Folder of its own. */
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A block at least this often, so that the chain's time goes on. */
  readonly heartbeatMs?: number;
  /** Blocks between two states. */
  readonly stateEvery?: number;
}

const HEARTBEAT_MS = 300_000;
const STATE_EVERY = 64;
const ESTIMATE_AGE_MS = 1_000;
const FIRST_RESTART_MS = 200;
/** EIP-1474. */
const REFUSED_TRANSACTION = -32_003;

/**
 * The embedded test chain: anvil, fed by a journal. Every transaction makes a block at once, at the time of the clock; it is on the disk before it is mined, and mined before
 * it is answered. anvil itself writes nothing: at a start, or when it died, it is made anew out of the journal.
 */
export class Devnet {
  readonly events = new Events<{ block: undefined; gone: undefined; back: undefined }>();
  readonly #init: DevnetInit;
  readonly #turns = new SerialQueue();
  #journal: Journal | undefined;
  #anvil: AnvilProcess | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #restarting: Promise<void> | undefined;
  #isStopped = false;
  #stopping = new AbortController();
  #sinceState = 0;

  constructor(init: DevnetInit) {
    this.#init = init;
  }

  /** Deploys and administers. Its key lies in the journal: what it owns is worth nothing. */
  get maker(): PrivateKeyAccount {
    return this.#account('maker');
  }

  /** Holds what the faucet gives. */
  get faucet(): PrivateKeyAccount {
    return this.#account('faucet');
  }

  get journal(): Journal {
    if (this.#journal === undefined) throw chainErrors.notRunning({});
    return this.#journal;
  }

  /** Throws CHAIN_IN_USE, CHAIN_NO_ANVIL, CHAIN_DAMAGED, CHAIN_UNUSABLE. */
  async start(): Promise<void> {
    this.#isStopped = false;
    this.#stopping = new AbortController();
    this.#journal = new Journal(join(this.#init.folder, 'devnet.db'));
    try {
      this.#account('maker');
      this.#account('faucet');
      await this.#run();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#heartbeat = setInterval(() => void this.tick().catch(() => undefined), this.#init.heartbeatMs ?? HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    if (this.#anvil !== undefined && !this.#isStopped) await this.#turns.add(() => this.#keepState()).catch((error: unknown) => this.#init.logger.warn({ error: String(error) }, 'the test chain\'s state was not kept: its journal is'));
    this.#isStopped = true;
    this.#stopping.abort();
    await this.#restarting?.catch(() => undefined);
    await this.#anvil?.stop();
    this.#anvil = undefined;
    this.#journal?.close();
    this.#journal = undefined;
  }

  /** Throws RpcError, CHAIN_DOWN, CHAIN_METHOD_UNSUPPORTED. */
  async request({ method, params }: RpcCall): Promise<unknown> {
    if (!isOpenMethod(method)) throw chainErrors.methodUnsupported({ method });
    // An estimate is of what a block would do now, not of what it would have done then.
    if (method === 'eth_estimateGas' || method === 'eth_simulateV1') await this.tick(ESTIMATE_AGE_MS);
    if (method === 'eth_sendRawTransaction') return await this.#turns.add(() => this.#include((params as [Hex])[0]));
    return await this.#call(method, params);
  }

  /** A block without transactions, where the newest is older than that: what waits for time to pass then sees that it did. */
  async tick(olderThanMs = 0): Promise<void> {
    const ageMs = (): number => (this.#now() - (this.#journal?.newest()?.timestamp ?? 0)) * 1000;
    if (ageMs() > olderThanMs) await this.#turns.add(async () => (ageMs() > olderThanMs ? this.#mine(null) : undefined));
  }

  /** Puts the chain's time ahead of the clock's, for good. */
  async travel(seconds: number): Promise<void> {
    await this.#turns.add(async () => {
      this.journal.setFact('ahead', String(this.#aheadS() + seconds));
      await this.#mine(null);
    });
  }

  async #include(raw: Hex): Promise<Hex> {
    const { from, nonce } = await opened(raw);
    const next = Number(await this.#call('eth_getTransactionCount', [from, 'latest']));
    if (nonce < next) throw new RpcError({ code: REFUSED_TRANSACTION, message: await this.#isKnown(raw) ? 'already known' : 'nonce too low' });
    if (nonce > next) throw new RpcError({ code: REFUSED_TRANSACTION, message: 'nonce too high' });
    await this.#call('eth_sendRawTransaction', [raw]);
    await this.#mine(raw);
    return keccak256(raw);
  }

  async #isKnown(raw: Hex): Promise<boolean> {
    return (await this.#call('eth_getTransactionByHash', [keccak256(raw)])) !== null;
  }

  async #mine(raw: Hex | null): Promise<void> {
    const newest = this.journal.newest();
    const block = { number: (newest?.number ?? 0) + 1, timestamp: Math.max(this.#now(), newest?.timestamp ?? this.#bornAt()), raw };
    this.journal.append(block);
    await this.#seal(block);
    if (raw !== null && await this.#call('eth_getTransactionReceipt', [keccak256(raw)]) === null) await this.#unfit(raw);
    if (++this.#sinceState >= (this.#init.stateEvery ?? STATE_EVERY)) await this.#keepState();
    this.events.emit('block', undefined);
  }

  /** A transaction that its block did not take pays less than the block asks for. The block stays, empty. */
  async #unfit(raw: Hex): Promise<never> {
    await this.#call('anvil_dropTransaction', [keccak256(raw)]);
    const { number, timestamp } = this.journal.newest() as JournalBlock;
    this.journal.dropNewest(number);
    this.journal.append({ number, timestamp, raw: null });
    throw new RpcError({ code: REFUSED_TRANSACTION, message: 'transaction underpriced' });
  }

  async #seal({ timestamp }: JournalBlock): Promise<void> {
    await this.#call('evm_setNextBlockTimestamp', [timestamp]);
    await this.#call('evm_mine', []);
  }

  /** Starts anvil and brings it to the newest block. */
  async #run(): Promise<void> {
    const anvil = await this.#startEmpty();
    this.#anvil = anvil;
    await this.#replay(await this.#loadState());
    void anvil.ended.then(() => this.#died(anvil));
  }

  async #startEmpty(): Promise<AnvilProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'omninode-chain-'));
    try {
      const genesis = join(folder, 'genesis.json');
      await writeFile(genesis, JSON.stringify(genesisOf(this.#bornAt(), [this.maker.address, this.faucet.address])));
      return await startAnvil(anvilPath(), [
        '--accounts', '0', '--init', genesis, '--chain-id', String(EMBEDDED_CHAIN_ID), '--no-mining', '--order', 'fifo', '--hardfork', 'cancun',
        '--no-cors', '--no-request-size-limit', '--cache-path', join(folder, 'cache'), '--disable-default-create2-deployer',
      ]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Returns the block that it leads to. A state that anvil cannot read, be it damaged or of another version, is dropped: the journal leads everywhere. */
  async #loadState(): Promise<number> {
    for (const { number, state } of this.journal.states()) {
      try {
        await this.#call('anvil_loadState', [`0x${Buffer.from(state).toString('hex')}`]);
        if (Number(await this.#call('eth_blockNumber', [])) === number) return number;
        throw chainErrors.badAnswer({ method: 'anvil_loadState', reason: 'it leads to another block' });
      } catch (error) {
        this.#init.logger.warn({ block: number, error: String(error) }, 'a kept state of the test chain is of no use');
        this.journal.dropState(number);
        await this.#anvil?.stop();
        this.#anvil = await this.#startEmpty();
      }
    }
    return 0;
  }

  async #replay(after: number): Promise<void> {
    for (const block of this.journal.blocksFrom(after + 1)) {
      // What anvil did not take when it was new, it does not take now.
      if (block.raw !== null) await this.#call('eth_sendRawTransaction', [block.raw]).catch((error: unknown) => (error instanceof RpcError ? undefined : Promise.reject(error)));
      await this.#seal(block);
      this.#sinceState++;
    }
  }

  async #keepState(): Promise<void> {
    const number = this.journal.newest()?.number ?? 0;
    if (this.#sinceState === 0) return;
    const state = await this.#call('anvil_dumpState', []);
    this.journal.addState(number, Buffer.from(String(state).slice(2), 'hex'));
    this.#sinceState = 0;
  }

  #died(anvil: AnvilProcess): void {
    if (this.#isStopped || this.#anvil !== anvil) return;
    this.#anvil = undefined;
    this.#init.logger.warn({}, 'the test chain ended and is started again');
    this.events.emit('gone', undefined);
    this.#restarting = this.#turns.add(() => this.#revive());
  }

  async #revive(): Promise<void> {
    for (let waitMs = FIRST_RESTART_MS; !this.#isStopped; waitMs = Math.min(waitMs * 2, 30_000)) {
      try {
        this.#sinceState = 0;
        await this.#run();
        this.events.emit('back', undefined);
        return;
      } catch (error) {
        this.#init.logger.warn({ error: String(error) }, 'the test chain cannot be started');
        await this.#anvil?.stop();
        this.#anvil = undefined;
        await delay(waitMs, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  async #call(method: string, params: unknown): Promise<unknown> {
    if (this.#anvil === undefined) throw chainErrors.down({ reason: 'the test chain is starting' });
    return await callRpc(this.#anvil.url, { method, params });
  }

  #account(name: 'maker' | 'faucet'): PrivateKeyAccount {
    const kept = this.journal.fact(name);
    const key = (kept ?? generatePrivateKey()) as Hex;
    if (kept === undefined) this.journal.setFact(name, key);
    return privateKeyToAccount(key);
  }

  #bornAt(): number {
    const kept = this.journal.fact('born');
    if (kept === undefined) this.journal.setFact('born', String(this.#now()));
    return Number(kept ?? this.journal.fact('born'));
  }

  #aheadS(): number {
    return Number(this.#journal?.fact('ahead') ?? 0);
  }

  #now(): number {
    return Math.floor(this.#init.clock.now() / 1000) + this.#aheadS();
  }
}

async function opened(raw: Hex): Promise<{ from: Hex; nonce: number }> {
  try {
    const transaction = parseTransaction(raw);
    return { from: await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized }), nonce: transaction.nonce ?? 0 };
  } catch (error) {
    throw new RpcError({ code: -32_602, message: `no signed transaction: ${(error as Error).message.split('\n', 1)[0]}` });
  }
}
