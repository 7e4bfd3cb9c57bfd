import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asPeerId, writeAtomically, type LayerRange, type PeerId } from '../../base/index.ts';
import type { Hex } from '../../chain/index.ts';
import { decodeReceipt, decodeReceiptsFile, encodeReceiptsFile, type ReceiptsFile } from '../../pipeline/index.ts';
import { PayBook, type BookedBill } from './book.ts';
import { nodeIdOf } from './node-id.ts';
import { payBookPath, wrongWorkPath } from './paths.ts';
import { pathOfReceipt, receiptLeaf, rootOfReceipts } from './receipt-set.ts';

/** Files that are kept; the oldest go first. Each is of one window, and of all stages' receipts for it. */
const MAX_FILES = 64;
const MAX_FILE_BYTES = 512 * 1024;
/** The paid session, then how node and leaf begin: what they are in full is in the file. */
const NAME = /^([0-9a-f]{64})-([0-9a-f]{16})-([0-9a-f]{16})\.receipts\.json$/;

/** A receipt of a paid node whose window gave something else when it was computed again here. */
export interface WrongWork {
  readonly sessionId: Hex;
  readonly nodeId: Hex;
  readonly peer: PeerId;
  readonly layers: LayerRange;
  /** Rows of the conversation. */
  readonly first: number;
  readonly count: number;
  readonly modelHash: string;
  /** For `omninode verify`: what was computed again, with the tokens up to there. */
  readonly file: string;
  /** Unix ms. */
  readonly foundMs: number;
  /** Of the receipt, in the tree of the bill's root. */
  readonly leaf: Hex;
  /** The bill that its node signed over it, and the way from the leaf to its root; undefined: it signed none yet, or one over no receipts. */
  readonly billed: (BookedBill & { readonly path: readonly Hex[] }) | undefined;
}

export interface KeepRequest {
  readonly home: string;
  readonly sessionId: Hex;
  readonly nodeId: Hex;
  readonly leaf: Hex;
  /** Of one window. */
  readonly file: ReceiptsFile;
}

/** Keeps what a window is computed again from. False: it is too large for that. */
export async function keepWrongWork({ home, sessionId, nodeId, leaf, file }: KeepRequest): Promise<boolean> {
  const bytes = encodeReceiptsFile(file);
  if (bytes.length > MAX_FILE_BYTES) return false;
  const folder = wrongWorkPath(home);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeAtomically(join(folder, nameOf(sessionId, nodeId, leaf)), async (out) => void (await out.writeFile(bytes)), 0o600);
  const kept = await filesIn(folder);
  for (const { path } of kept.slice(MAX_FILES)) await rm(path, { force: true });
  return true;
}

/** What is kept of a home, the newest first, whether a host runs on it or not. A file that cannot be read, or whose paid session the book no longer has, is left out. Throws PAY_BOOK_*. */
export async function readWrongWork(home: string): Promise<readonly WrongWork[]> {
  const files = await filesIn(wrongWorkPath(home));
  if (files.length === 0) return [];
  const book = new PayBook(payBookPath(home));
  try {
    return (await Promise.all(files.map((file) => read(file, book)))).flatMap((found) => found ?? []);
  } finally {
    book.close();
  }
}

interface Found {
  readonly name: string;
  readonly path: string;
  readonly foundMs: number;
}

const nameOf = (sessionId: Hex, nodeId: Hex, leaf: Hex): string => `${sessionId.slice(2)}-${nodeId.slice(2, 18)}-${leaf.slice(2, 18)}.receipts.json`;

/** The newest first. */
async function filesIn(folder: string): Promise<Found[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(names.filter((name) => NAME.test(name)).map(async (name) => {
    const path = join(folder, name);
    const about = await stat(path).catch(() => undefined);
    return about?.isFile() === true && about.size <= MAX_FILE_BYTES ? [{ name, path, foundMs: about.mtimeMs }] : [];
  }));
  return found.flat().sort((a, b) => b.foundMs - a.foundMs);
}

async function read({ name, path, foundMs }: Found, book: PayBook): Promise<WrongWork | undefined> {
  const told = await readFile(path).then((bytes) => doubtedIn(bytes, name)).catch(() => undefined);
  const share = told === undefined ? undefined : book.shares('payer', told.sessionId).find(({ nodeId }) => nodeId === told.nodeId);
  return told === undefined || share === undefined ? undefined : { ...told, file: path, foundMs, billed: billedIn(book, told) };
}

/** What its name tells, in full. Throws RECEIPT_*. */
function doubtedIn(bytes: Uint8Array, name: string): Omit<WrongWork, 'file' | 'foundMs' | 'billed'> | undefined {
  const sessionId: Hex = `0x${NAME.exec(name)?.[1] ?? ''}`;
  for (const signed of decodeReceiptsFile(bytes, name).receipts) {
    const leaf = receiptLeaf(signed);
    const { peer, layers: [first, last], modelHash, ...rows } = decodeReceipt(signed.body);
    const nodeId = nodeIdOf(asPeerId(peer));
    if (nodeId !== undefined && nameOf(sessionId, nodeId, leaf) === name) return { sessionId, nodeId, peer: asPeerId(peer), layers: { first, last }, first: rows.first, count: rows.count, modelHash, leaf };
  }
  return undefined;
}

function billedIn(book: PayBook, { leaf, ...whose }: Pick<WrongWork, 'sessionId' | 'nodeId' | 'leaf'>): WrongWork['billed'] {
  const leaves = book.receipts('payer', whose);
  const [path, root] = [pathOfReceipt(leaves, leaf), rootOfReceipts(leaves)];
  const bill = book.bills('payer', whose.sessionId, whose.nodeId).find(({ receiptsRoot }) => receiptsRoot === root);
  return bill === undefined || path === undefined ? undefined : { ...bill, path };
}
