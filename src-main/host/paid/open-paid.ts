import { Lifecycle, type Clock, type Logger, type PeerId, type Service } from '../../base/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { ReceiptsFile, SignedReceipt, StageRunner, VerifySignature } from '../../pipeline/index.ts';
import { PayBook } from './book.ts';
import { nodeSignerOf } from './node-id.ts';
import { NodeSettler } from './node-settler.ts';
import { PaidServing } from './paid-serving.ts';
import { payBookPath } from './paths.ts';
import type { PayChain } from './pay-chain.ts';
import type { PayGate } from './pay-gate.ts';
import { Payer, type PayerTimes } from './payer.ts';
import { PayerSettler } from './payer-settler.ts';
import type { PayWallet } from './ports.ts';
import { receiptLeaf } from './receipt-set.ts';
import { Settlements } from './settlements.ts';
import { Steps } from './steps.ts';
import type { Terms } from './terms.ts';
import { keepWrongWork } from './wrong-work.ts';

export interface PaidInit {
  readonly home: string;
  readonly node: { readonly mesh: Mesh; readonly runner: Pick<StageRunner, 'serving' | 'events' | 'cut'> };
  readonly chain: PayChain;
  readonly wallet: PayWallet;
  readonly verifySignature: VerifySignature;
  /** Of a node that computes for pay: its price for 1,000 tokens of one layer, 1e-18 SUM, and where its stages ask. */
  readonly serve?: { readonly price: bigint; readonly gate: PayGate; readonly isFree?: (peer: PeerId) => boolean; readonly credit?: number };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times?: Partial<PayerTimes> & { readonly settleMs?: number; readonly patienceS?: bigint };
}

/** All that a home does about pay, of either side. */
export interface Paid extends Service {
  readonly book: PayBook;
  readonly payer: Payer;
  readonly serving: PaidServing | undefined;
  readonly settlements: Settlements;
  /** Keeps what a case against a node can be argued with, where it was paid for that work: whose and of which session; undefined: nothing is kept. */
  keepWrong(wrong: { readonly receipt: SignedReceipt; readonly file: ReceiptsFile }): Promise<Pick<Terms, 'sessionId' | 'nodeId'> | undefined>;
}

/** Not started. Throws PAY_BOOK_*. */
export function openPaid({ home, node: { mesh, runner }, chain, wallet, verifySignature, serve, clock, logger, times = {} }: PaidInit): Paid {
  const book = new PayBook(payBookPath(home));
  const payer = new Payer({ book, chain, wallet, mesh, verifySignature, clock, logger, times });
  const steps = new Steps({ book, wallet, logger });
  const { settleMs, patienceS } = times;
  const nodeSettler = new NodeSettler({ book, chain, wallet, steps, ...(patienceS === undefined ? {} : { patienceS }) });
  const payerSettler = new PayerSettler({ book, chain, wallet, steps, now: () => clock.now(), isLive: (id) => payer.isLive(id) });
  const settlements = new Settlements({ settlers: [nodeSettler, payerSettler], steps, logger, ...(settleMs === undefined ? {} : { everyMs: settleMs }) });
  const serving = serve === undefined ? undefined : new PaidServing({ ...serve, book, chain, mesh, runner, signer: nodeSignerOf(mesh.signer), clock, logger });
  const life = new Lifecycle();
  if (serving !== undefined) life.add(serving);
  life.add(settlements);
  return {
    name: 'paid', book, payer, serving, settlements,
    keepWrong: async ({ receipt, file }) => {
      const leaf = receiptLeaf(receipt);
      const whose = book.sessionOfReceipt(leaf);
      return whose !== undefined && await keepWrongWork({ home, ...whose, leaf, file }) ? whose : undefined;
    },
    start: async () => {
      await life.start();
      if (serve !== undefined) serve.gate.serving = serving;
    },
    stop: async () => {
      if (serve !== undefined) serve.gate.serving = undefined;
      for (const { code } of await life.stop()) logger.warn({ code }, 'what is paid did not stop cleanly');
      book.close();
    },
  };
}
