import { Events, isCoded, systemClock, toCoded, type CodedError, type PeerId, type Unsubscribe } from '../../base/index.ts';
import type { Hex } from '../../chain/index.ts';
import type { RatedAnswer } from '../../chats/index.ts';
import { verifySignature } from '../../mesh/index.ts';
import type { ReceiptsFile, SignedReceipt } from '../../pipeline/index.ts';
import type { HostConfig } from '../config.ts';
import type { Node } from '../node.ts';
import { askPeer } from './ask-peer.ts';
import { hangClosedSign } from './closed-sign.ts';
import { payErrors } from './errors.ts';
import type { Paid } from './open-paid.ts';
import type { PayChain } from './pay-chain.ts';
import { PayGate } from './pay-gate.ts';
import type { PaidSession } from './paid-session.ts';
import type { Offer, PaidStage, Price, Standing } from './payer.ts';
import type { PayWallet } from './ports.ts';
import { sumUnits } from './sum-units.ts';

interface Stage {
  readonly peer: PeerId;
  readonly layers: { readonly first: number; readonly last: number };
}

/** Who of the peers may be planned with: those that ask for nothing, and those that are paid, with what they ask. */
export interface Affordable {
  readonly peers: readonly PeerId[];
  readonly offers: ReadonlyMap<PeerId, Offer>;
  /** Who wants pay and gets none, and why. */
  readonly left: readonly CodedError[];
}

/** Pay in the app: as the configuration wants it, from when chain and wallet are there. Without them it pays nobody, and a node that wants pay serves nobody. */
export class PayHost {
  /** Of a node that computes for pay. */
  readonly gate: PayGate | undefined;
  /** It pays now, or does not any more, or cannot for another reason. */
  readonly events = new Events<{ changed: undefined }>();
  readonly #settings: { readonly config: HostConfig };
  readonly #node: () => Node;
  #paid: Paid | undefined;
  #sign: Unsubscribe | undefined;
  /** Why it is not connected. */
  #trouble: CodedError;

  /** What a session may cost goes by what the settings say when it is opened. */
  constructor(settings: { readonly config: HostConfig }, node: () => Node) {
    this.#settings = settings;
    this.#node = node;
    const { config } = settings;
    // Members of a private zone compute for each other.
    this.gate = config.payPrice === undefined || config.zone === 'private' ? undefined : new PayGate();
    this.#trouble = config.chain === 'off' ? payErrors.noChain({}) : payErrors.notReady({});
  }

  /** The node runs: until it is connected, it says that it is not paid yet. */
  async start(): Promise<void> {
    if (this.gate !== undefined && this.#paid === undefined) this.#sign ??= await hangClosedSign(this.#node().mesh, this.#node().logger);
  }

  /** Chain or wallet are not there. */
  failed(error: CodedError): void {
    const isNew = this.#trouble.code !== error.code;
    this.#trouble = error;
    if (isNew) this.events.emit('changed', undefined);
  }

  get #config(): HostConfig {
    return this.#settings.config;
  }

  /** It pays, or is paid, as the configuration says. */
  get isWanted(): boolean {
    return this.#config.payPrice !== undefined || this.#config.payUpTo !== undefined;
  }

  /** What is booked and under way, once it is connected. */
  get paid(): Paid | undefined {
    return this.#paid;
  }

  /** Begins to serve for pay, to pay and to settle. The node is running. Throws PAY_BOOK_*. */
  async connect({ chain, wallet }: { readonly chain: PayChain; readonly wallet: PayWallet }): Promise<void> {
    await this.disconnect();
    const { home, payPrice } = this.#config;
    const node = this.#node();
    // With the libraries of chains, which a node that is not connected can do without.
    const { openPaid } = await import('./open-paid.ts');
    const paid = openPaid({
      home, node, chain, wallet, verifySignature, clock: systemClock, logger: node.logger,
      ...(this.gate === undefined || payPrice === undefined ? {} : { serve: { price: sumUnits(payPrice), gate: this.gate } }),
    });
    this.#sign?.();
    this.#sign = undefined;
    await paid.start();
    this.#paid = paid;
    this.events.emit('changed', undefined);
  }

  /** Idempotent. */
  async disconnect(): Promise<void> {
    const paid = this.#paid;
    this.#paid = undefined;
    await paid?.stop();
  }

  /** What the owner thinks of an answer that was paid for. @throws PAY_NOT_CONNECTED, PAY_NOT_BOOKED, PAY_SCORED, CHAIN_* */
  async rate({ session, answer, rating }: RatedAnswer): Promise<void> {
    if (this.#paid === undefined) throw payErrors.notConnected({});
    await this.#paid.payer.rate(session as Hex, answer, rating);
  }

  /** Leaves out who wants pay and gets none: because this node pays nothing, because it has staked too little, because it is paid elsewhere. */
  async affordable(peers: readonly PeerId[]): Promise<Affordable> {
    const { logger } = this.#node();
    const offers = new Map<PeerId, Offer>();
    const left: CodedError[] = [];
    const able = await Promise.all(peers.map(async (peer) => {
      const standing = await this.#standingOf(peer);
      if (standing.kind === 'paid') offers.set(peer, standing.offer);
      if (standing.kind === 'out') {
        left.push(standing.error);
        logger.info({ peer, code: standing.error.code }, 'a peer that wants pay is left out');
      }
      return standing.kind !== 'out';
    }));
    return { peers: peers.filter((_, index) => able[index]), offers, left };
  }

  async #standingOf(peer: PeerId): Promise<Standing> {
    const { mesh } = this.#node();
    if (this.#paid !== undefined && this.#config.payUpTo !== undefined) return this.#paid.payer.standingOf(peer);
    const error = this.#config.payUpTo === undefined ? payErrors.notPaying({}) : this.#trouble;
    return askPeer(mesh, peer, { ask: 'offer' }).then(() => ({ kind: 'out', error }), (error: unknown): Standing => (isCoded(error, 'MESH_PROTOCOL_UNSUPPORTED') ? { kind: 'free' } : { kind: 'out', error: toCoded(error) }));
  }

  /** Keeps what a case against a node can be argued with, where it was paid for that work. Never rejects. */
  async keepWrong({ receipt, file }: { readonly receipt: SignedReceipt; readonly file: ReceiptsFile }): Promise<void> {
    const { logger } = this.#node();
    try {
      const whose = await this.#paid?.keepWrong({ receipt, file });
      if (whose === undefined) return;
      logger.warn({ session: whose.sessionId, node: whose.nodeId }, 'wrong work of a paid node: what shows it is kept');
    } catch (error) {
      logger.warn({ code: toCoded(error).code }, 'what shows wrong work of a paid node could not be kept');
    }
  }

  /** What a session over those stages would cost; undefined where nobody of them asks for pay. @throws PAY_TOO_DEAR, PAY_TOO_MANY_NODES */
  priceOf(stages: readonly Stage[], affordable: Pick<Affordable, 'offers'>): Price | undefined {
    const toPay = this.#toPay(stages, affordable);
    return toPay.length === 0 ? undefined : this.#paid?.payer.priceOf(toPay, this.#upTo);
  }

  /** A paid session over those stages whose nodes ask for pay; undefined where none does. @throws PAY_NOT_OPENED */
  async payFor(stages: readonly Stage[], affordable: Pick<Affordable, 'offers'>, signal: AbortSignal): Promise<PaidSession | undefined> {
    const toPay = this.#toPay(stages, affordable);
    if (toPay.length === 0) return undefined;
    if (this.#paid === undefined) throw notOpened(toPay.length, this.#trouble);
    return this.#paid.payer.open({ stages: toPay, upTo: this.#upTo, signal }).catch((error: unknown) => Promise.reject(notOpened(toPay.length, error)));
  }

  #toPay(stages: readonly Stage[], { offers }: Pick<Affordable, 'offers'>): PaidStage[] {
    return this.#config.payUpTo === undefined ? [] : stages.flatMap(({ peer, layers }) => {
      const offer = offers.get(peer);
      return offer === undefined ? [] : [{ ...offer, layers }];
    });
  }

  get #upTo(): bigint {
    return sumUnits(this.#config.payUpTo ?? '0');
  }
}

function notOpened(machines: number, error: unknown): CodedError {
  const { code, message, next = '' } = toCoded(error);
  const isUndecided = code === 'WALLET_REFUSED' || code === 'WALLET_EXPIRED';
  return payErrors.notOpened({ machines, code, reason: message, next: isUndecided ? 'Ask again, and approve what is put aside for the session: it is shown under Wallet.' : next }, error);
}
