import { toHex } from 'viem';
import { z } from 'zod';
import { SerialQueue, type Logger } from '../../base/index.ts';
import { RpcError } from '../client/json-rpc.ts';
import { readBlock, readHead, type Request } from '../client/reads.ts';
import { chainErrors } from '../errors.ts';
import type { ContractAddresses, Hex } from '../types.ts';
import { eventOf, logSchema, needsInput, READ_CONTRACTS, READ_TOPICS, type ChainEvent, type RawLog } from './events.ts';
import { IndexFile, type Mark } from './index-file.ts';

export interface EventIndexInit {
  readonly path: string;
  readonly request: Request;
  readonly contracts: ContractAddresses;
  readonly confirmations: number;
  /** The block of the deployment. */
  readonly fromBlock: number;
  readonly logger: Logger;
}

/** Nodes limit how many blocks one question is about; where one of them answers less, half as many are asked for. */
const RANGE = 2_000;
const MAX_LOGS = 20_000;
const inputSchema = z.object({ input: z.string().regex(/^0x[0-9a-fA-F]*$/).max(1_000_000) }).nullable();

/** Up to which block everything was read. */
export interface SyncedTo {
  readonly block: bigint;
  readonly atMs: number;
}

/** The contracts' events up to the newest block that lasts, on the disk. A reorganisation that goes deeper is found by the blocks' hashes and taken back. */
export class EventIndex {
  readonly #init: EventIndexInit;
  readonly #turns = new SerialQueue();
  #file: IndexFile | undefined;
  #range = RANGE;
  #cached: { readonly events: readonly ChainEvent[]; readonly mark: string } | undefined;

  constructor(init: EventIndexInit) {
    this.#init = init;
  }

  open(): void {
    this.#file = new IndexFile(this.#init.path);
  }

  async close(): Promise<void> {
    await this.#turns.add(async () => undefined);
    this.#file?.close();
    this.#file = undefined;
  }

  /** Reads what is new. Throws CHAIN_DOWN and the like. */
  sync(): Promise<SyncedTo> {
    return this.#turns.add(() => this.#sync());
  }

  /** As of the last `sync`, in the chain's order. */
  events(): readonly ChainEvent[] {
    const mark = JSON.stringify(this.#open.mark() ?? null);
    if (this.#cached?.mark !== mark) this.#cached = { events: this.#open.events(), mark };
    return this.#cached.events;
  }

  get #open(): IndexFile {
    if (this.#file === undefined) throw chainErrors.notRunning({});
    return this.#file;
  }

  async #sync(): Promise<SyncedTo> {
    const { request, confirmations, fromBlock } = this.#init;
    const head = await readHead(request);
    const lasting = Math.max(0, Number(head.number) - confirmations);
    await this.#takeBack();
    for (let from = Math.max(fromBlock, (this.#open.mark()?.block ?? -1) + 1); from <= lasting;) from = await this.#read(from, Math.min(lasting, from + this.#range - 1));
    const block = Number(head.number) === lasting ? head : await this.#block(lasting);
    return { block: block.number, atMs: Number(block.timestamp) * 1000 };
  }

  /** Returns where to go on. */
  async #read(from: number, to: number): Promise<number> {
    const { hash } = await this.#block(to);
    try {
      const events = await this.#eventsIn(from, to);
      if ((await this.#block(to)).hash !== hash) return from;
      this.#open.add(events, { block: to, hash });
      this.#range = Math.min(RANGE, this.#range * 2);
      return to + 1;
    } catch (error) {
      if (!(error instanceof RpcError) || to === from) throw error;
      this.#range = Math.max(1, Math.floor((to - from + 1) / 2));
      return from;
    }
  }

  async #eventsIn(from: number, to: number): Promise<ChainEvent[]> {
    const { request, contracts } = this.#init;
    const filter = { fromBlock: toHex(from), toBlock: toHex(to), address: READ_CONTRACTS.map((name) => contracts[name]), topics: [READ_TOPICS] };
    const logs = z.array(logSchema).max(MAX_LOGS).safeParse(await request({ method: 'eth_getLogs', params: [filter] }));
    if (!logs.success) throw chainErrors.badAnswer({ method: 'eth_getLogs', reason: 'it is no list of logs' });
    const events: ChainEvent[] = [];
    const times = new Map<number, number>();
    for (const log of logs.data) {
      if (log.blockNumber < from || log.blockNumber > to) continue;
      const atS = times.get(log.blockNumber) ?? log.blockTimestamp ?? Number((await this.#block(log.blockNumber)).timestamp);
      times.set(log.blockNumber, atS);
      const event = eventOf(log, contracts, { atS, ...(needsInput(log) ? await this.#input(log) : {}) });
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  async #input({ transactionHash }: RawLog): Promise<{ input?: Hex }> {
    const found = inputSchema.safeParse(await this.#init.request({ method: 'eth_getTransactionByHash', params: [transactionHash] }));
    return found.success && found.data !== null ? { input: found.data.input as Hex } : {};
  }

  async #takeBack(): Promise<void> {
    for (let mark = this.#open.mark(); mark !== undefined && !(await this.#stands(mark)); mark = this.#open.mark()) {
      this.#init.logger.info({ block: mark.block }, 'the chain was reorganised: its events are read again');
      this.#open.dropMark(mark);
    }
  }

  async #stands({ block, hash }: Mark): Promise<boolean> {
    return (await readBlock(this.#init.request, BigInt(block)))?.hash === hash;
  }

  async #block(number: number) {
    const block = await readBlock(this.#init.request, BigInt(number));
    if (block === undefined) throw chainErrors.badAnswer({ method: 'eth_getBlockByNumber', reason: `it has no block ${number}` });
    return block;
  }
}
