import { z } from 'zod';
import { isCoded, type Clock } from '../../base/index.ts';
import type { ChainLink } from '../types.ts';
import { chainErrors } from '../errors.ts';
import type { RpcCall } from './json-rpc.ts';

const blockSchema = z.object({ number: z.string().regex(/^0x[0-9a-f]{1,16}$/), timestamp: z.string().regex(/^0x[0-9a-f]{1,12}$/) });

export interface LinkWatchInit {
  readonly request: (call: RpcCall) => Promise<unknown>;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly changed: (link: ChainLink) => void;
}

/** Asks for the newest block again and again. What changed is told: another block, the link lost or found. */
export class LinkWatch {
  readonly #init: LinkWatchInit;
  #link: ChainLink = { status: 'starting' };
  #timer: NodeJS.Timeout | undefined;
  #asking: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isStopped = true;

  constructor(init: LinkWatchInit) {
    this.#init = init;
  }

  get link(): ChainLink {
    return this.#link;
  }

  start(): void {
    this.#isStopped = false;
    void this.look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Now, not at the next turn. What is asked already may be older than this: then it is asked once more. */
  look(): Promise<void> {
    if (this.#asking === undefined) return this.#start();
    this.#next ??= this.#asking.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  #start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#asking = this.#look().finally(() => {
      this.#asking = undefined;
      clearTimeout(this.#timer);
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => void this.look(), this.#init.pollMs);
      this.#timer.unref();
    });
    return this.#asking;
  }

  async #look(): Promise<void> {
    const link = await this.#ask().catch((error: unknown) => this.#lost(error));
    if (this.#isStopped || isSame(link, this.#link)) return;
    this.#link = link;
    this.#init.changed(link);
  }

  async #ask(): Promise<ChainLink> {
    const block = blockSchema.safeParse(await this.#init.request({ method: 'eth_getBlockByNumber', params: ['latest', false] }));
    if (!block.success) throw chainErrors.badAnswer({ method: 'eth_getBlockByNumber', reason: 'it is no block' });
    return { status: 'ready', block: BigInt(block.data.number), blockTimeMs: Number(block.data.timestamp) * 1000 };
  }

  #lost(error: unknown): ChainLink {
    const status = isCoded(error, 'CHAIN_WRONG_NETWORK') ? 'wrong-network' : 'down';
    const before = this.#link;
    const sinceMs = before.status === status ? before.sinceMs : this.#init.clock.now();
    const block = before.status === 'starting' || before.block === undefined ? {} : { block: before.block };
    return { status, sinceMs, error: isCoded(error) ? error : chainErrors.down({ reason: String(error) }, error), ...block };
  }
}

const isSame = (a: ChainLink, b: ChainLink): boolean => {
  if (a.status === 'starting' || b.status === 'starting') return a.status === b.status;
  if (a.status === 'ready' && b.status === 'ready') return a.block === b.block && a.blockTimeMs === b.blockTimeMs;
  return a.status === b.status;
};
