import { randomInt } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import type { HostServiceEvents } from '../../api/index.ts';
import type { Events, Unsubscribe } from '../../base/index.ts';
import { availableBytes } from '../../inference/index.ts';
import { verifySignature } from '../../mesh/index.ts';
import { decodeReceipt, excerptOf, openReceiptSession, type AnswerSigned, type Pipeline, type ReceiptsFile, type SignedReceipt, type Verdict, type Verification } from '../../pipeline/index.ts';
import type { HostConfig } from '../config.ts';
import { Gathering } from '../gathering.ts';
import type { ModelFile } from '../model-file.ts';
import type { Node } from '../node.ts';
import type { ShardedModel } from '../sharded-model.ts';
import { ReceiptBook, type ReceiptCounts } from './receipt-book.ts';
import { SpotCheck, type SpotCheckInit } from './spot-check.ts';
import { recomputeWindows } from './verify-receipts.ts';

/** Rows of a conversation that are computed again at most. */
const MAX_ROWS = 4_096;
/** Of weights, read and written once for it. */
const MAX_MODEL_BYTES = 4e9;
/** Of the memory and the disk that are free. */
const SHARE = 0.5;
const LARGEST_RANDOM = 2 ** 32;

/** A receipt that speaks against its peer, and what its window is computed again from. */
export interface WrongReceipt {
  readonly receipt: SignedReceipt;
  readonly file: ReceiptsFile;
}

export interface PeerReceiptsInit {
  readonly node: Pick<Node, 'mesh' | 'logger'>;
  readonly config: HostConfig;
  readonly events: Events<HostServiceEvents>;
  /** Of what is found to be wrong; never rejects. */
  readonly onWrong?: (found: WrongReceipt) => Promise<void>;
  readonly random?: SpotCheckInit['random'];
  readonly times?: SpotCheckInit['times'];
}

/** What peers sign for the app's answers: counted, and now and then computed again here where the model is. */
export class PeerReceipts {
  readonly #init: PeerReceiptsInit;
  readonly #book: ReceiptBook;
  readonly #checks: SpotCheck;
  readonly #off: Unsubscribe;
  readonly #keeping = new Gathering();
  #model: ModelFile | undefined;

  private constructor(init: PeerReceiptsInit, book: ReceiptBook) {
    const { node: { logger }, events, random = () => randomInt(LARGEST_RANDOM) / LARGEST_RANDOM, times } = init;
    this.#init = init;
    this.#book = book;
    this.#checks = new SpotCheck({ logger, random, verify: (file, signal) => this.#verify(file, signal), onVerified: (found, file) => this.#verified(found, file), ...(times === undefined ? {} : { times }) });
    this.#off = events.on('activity', ({ answering }) => this.#checks.activity(answering > 0));
  }

  static async open(init: PeerReceiptsInit): Promise<PeerReceipts> {
    return new PeerReceipts(init, await ReceiptBook.open({ home: init.config.home, logger: init.node.logger }));
  }

  of(peer: string): ReceiptCounts | undefined {
    return this.#book.of(peer);
  }

  /** A pipeline stands. */
  opened({ pipeline, route: { model } }: { readonly pipeline: Pick<Pipeline, 'events'>; readonly route: { readonly model: Pick<ShardedModel, 'file'> } }): void {
    this.#model = model.file;
    pipeline.events.on('receipts', (signed) => this.#signed(signed));
  }

  async stop(): Promise<void> {
    this.#off();
    await this.#checks.stop();
    await this.#keeping.settled();
    await this.#book.flush();
  }

  #signed({ receipts: { file, windows, perStage, problems }, stages }: AnswerSigned): void {
    const { node: { mesh, logger } } = this.#init;
    stages.forEach(({ peer }, stage) => {
      if (peer !== mesh.peerId) this.#book.add(peer, { due: windows, signed: perStage[stage] ?? 0 });
    });
    if (problems.length > 0) logger.info({ problems: problems.slice(0, 4) }, 'receipts of an answer lack or contradict each other');
    if (file !== undefined) this.#checks.offer(file);
  }

  /** One window. What is computed lies in memory of a process that ends with it. */
  async #verify(file: ReceiptsFile, signal: AbortSignal): Promise<Verification | undefined> {
    const model = this.#model;
    const session = await openReceiptSession(file, { name: 'the answer', verifySignature });
    if (model === undefined || session.tokens.length > MAX_ROWS || !await hasRoom(model, this.#init.config.home)) return undefined;
    return recomputeWindows(this.#init.config, { model, session, windows: 1, threads: 1, signal });
  }

  #verified({ verdicts }: Verification, file: ReceiptsFile): void {
    const { node: { mesh, logger }, onWrong } = this.#init;
    for (const verdict of verdicts) {
      const { peer, outcome, layers, reasons } = verdict;
      if (peer === mesh.peerId || (outcome !== 'accepted' && outcome !== 'rejected')) continue;
      this.#book.add(peer, { checked: 1, failed: outcome === 'rejected' ? 1 : 0 });
      if (outcome !== 'rejected') continue;
      logger.warn({ peer, layers, reasons: reasons.slice(0, 4) }, 'what a peer signed is not what this machine computes');
      const wrong = wrongIn(file, verdict);
      if (wrong !== undefined && onWrong !== undefined) this.#keeping.add(onWrong(wrong));
    }
  }
}

function wrongIn(file: ReceiptsFile, { peer, first, count, layers }: Verdict): WrongReceipt | undefined {
  const excerpt = excerptOf(file, { first, count });
  const receipt = excerpt.receipts.find(({ body }) => {
    const one = decodeReceipt(body);
    return one.peer === peer && one.layers[0] === layers[0];
  });
  return receipt === undefined ? undefined : { receipt, file: excerpt };
}

/** A range at a time is loaded, from a file of its own. */
async function hasRoom({ sizeBytes }: ModelFile, home: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(home);
  return sizeBytes <= Math.min(MAX_MODEL_BYTES, SHARE * await availableBytes(), SHARE * bavail * bsize);
}
