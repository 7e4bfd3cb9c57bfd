import { randomUUID } from 'node:crypto';
import type { Batch, Call, ChainNetwork, Hex } from '../types.ts';
import type { Consents } from './consents.ts';
import { describeBatch } from './describe/batch.ts';
import { walletErrors } from './errors.ts';
import type { WalletChain, WalletOutbox } from './ports.ts';
import type { Asker, DecodeCall } from './types.ts';
import type { Wallet } from './wallet.ts';

export interface BatchSenderInit {
  readonly wallet: Wallet;
  readonly consents: Consents;
  readonly chain: WalletChain;
  readonly outbox: WalletOutbox;
  readonly decode: DecodeCall;
}

export interface BatchOrder {
  readonly asker: Asker;
  /** Left out, a new one. */
  readonly id?: string;
  /** Left out, what the last call is named. */
  readonly what?: string;
  readonly calls: ReadonlyArray<Omit<Call, 'what'> & { readonly what?: string }>;
  readonly signal?: AbortSignal;
}

/** The one way from calls to the chain: tried, shown, approved, handed to the outbox. */
export class BatchSender {
  readonly #init: BatchSenderInit;

  constructor(init: BatchSenderInit) {
    this.#init = init;
  }

  /** The batch's id, once it was approved and is in the outbox. Throws WALLET_*. */
  async send(order: BatchOrder): Promise<string> {
    const { wallet, consents, chain, outbox, decode } = this.#init;
    const id = order.id ?? randomUUID();
    if (wallet.isApproved(id) || outbox.progress(id) !== undefined) throw walletErrors.knownId({});
    const network = networkOf(chain);
    const own = wallet.address;
    const calls = order.calls.map((call) => ({ ...call, what: nameOf(call.what ?? decode(call.to, call.data)?.name ?? 'call') }));
    const simulation = await chain.simulate(own, calls);
    const batch: Batch = { id, what: nameOf(order.what ?? calls.at(-1)?.what ?? 'call'), from: own, calls, maxFeeWei: simulation.maxFeeWei };
    const subject = describeBatch({ batch, viewer: { network, own }, decode, simulation });
    await consents.ask({ asker: order.asker, subject, ...(order.signal === undefined ? {} : { signal: order.signal }) });
    await outbox.add(batch, wallet.signer());
    return id;
  }

  /** `send`, and then the hash of its first transaction. */
  async sendOne(order: BatchOrder): Promise<Hex> {
    return this.#init.outbox.firstHash(await this.send(order));
  }
}

/** Throws WALLET_NO_CHAIN. */
export function networkOf({ network }: WalletChain): ChainNetwork {
  if (network === undefined) throw walletErrors.noChain({});
  return network;
}

const nameOf = (text: string): string => text.replace(/[^\w -]/g, '').slice(0, 64) || 'call';
