import { isCoded, toCoded, type Logger, type Unsubscribe } from '../../base/index.ts';
import { walletErrors, type SumChain } from '../../chain/index.ts';
import { PayChain, type PayBatch, type PayHost, type PayWallet } from '../paid/index.ts';
import type { EconomyHost } from './economy-host.ts';

/** A chain that did not start is tried again. */
const AGAIN_MS = 15_000;
/** Of settlement's documents so many wait for the owner at once: others must find room. */
const PATIENT_DOCUMENTS = 4;
const SESSION = { kind: 'session', name: 'Paid sessions' } as const;

export interface PayLinkInit {
  readonly economy: EconomyHost;
  readonly pay: PayHost;
  readonly logger: Logger;
}

/** Connects pay with the account, once there are a chain and a wallet. What pay sends is decided by the owner, like all else; vouchers of a session that was opened so are not asked for again. */
export class PayLink {
  readonly #init: PayLinkInit;
  readonly #stopped = new AbortController();
  /** What the owner did not want is not asked for again by itself. */
  readonly #unwanted = new Set<string>();
  /** What waits for the owner, and can. */
  #patient = 0;
  #off: Unsubscribe | undefined;
  #connecting: Promise<void> | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(init: PayLinkInit) {
    this.#init = init;
  }

  /** The node runs. Does not wait for the chain. */
  start(): void {
    this.#off = this.#init.economy.wallet.events.on('changed', () => this.#connect());
    this.#connect();
  }

  /** The settings are others: pay may be wanted now. */
  look(): void {
    if (this.#off !== undefined) this.#connect();
  }

  /** Before the node stops. */
  async stop(): Promise<void> {
    this.#off?.();
    clearTimeout(this.#again);
    this.#stopped.abort(walletErrors.noChain({}));
    await this.#connecting;
    await this.#init.pay.disconnect();
  }

  #connect(): void {
    const { economy, pay, logger } = this.#init;
    if (!pay.isWanted || this.#connecting !== undefined || this.#stopped.signal.aborted) return;
    if (economy.wallet.state().status === 'none') return pay.failed(walletErrors.none({}));
    this.#connecting = economy.chain().then((chain) => (this.#stopped.signal.aborted
      ? undefined
      : pay.connect({ chain: new PayChain(chain), wallet: this.#wallet(chain) }))).catch((error: unknown) => {
      logger.warn({ code: toCoded(error).code }, 'nothing is paid for now');
      pay.failed(toCoded(error));
      this.#connecting = undefined;
      this.#again = setTimeout(() => this.#connect(), AGAIN_MS).unref();
    });
  }

  #wallet(chain: SumChain): PayWallet {
    const { wallet } = this.#init.economy;
    return { address: wallet.address, send: (batch, signal) => this.#send(chain, batch, signal), signVoucher: ({ sessionId, root }) => wallet.signVoucher({ sessionId, root }) };
  }

  async #send({ outbox }: SumChain, { id, ...batch }: PayBatch, given?: AbortSignal): Promise<void> {
    const stopped = this.#stopped.signal;
    const signal = given === undefined ? stopped : AbortSignal.any([stopped, given]);
    // One that was approved right before a crash, and never reached the outbox, is asked for again under another name.
    const ids = [id, `${id}/again`];
    let known = ids.find((one) => outbox.entry(one) !== undefined);
    known ??= await this.#ask(this.#init.economy.wallet.isApproved(id) ? `${id}/again` : id, batch, signal);
    await outbox.settled(known, signal);
  }

  async #ask(id: string, { what, calls, isPatient = false }: Omit<PayBatch, 'id'>, signal: AbortSignal): Promise<string> {
    if (this.#unwanted.has(id)) throw walletErrors.refused({});
    if (isPatient && this.#patient >= PATIENT_DOCUMENTS) throw walletErrors.tooManyWaiting({ limit: PATIENT_DOCUMENTS });
    this.#patient += Number(isPatient);
    try {
      return await this.#init.economy.sender.send({ asker: SESSION, id, what, calls, signal });
    } catch (error) {
      if (isCoded(error, 'WALLET_REFUSED') || isCoded(error, 'WALLET_EXPIRED')) this.#unwanted.add(id);
      throw error;
    } finally {
      this.#patient -= Number(isPatient);
    }
  }
}
