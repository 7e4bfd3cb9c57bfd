import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { node, settlement, signer, terms, word } from '../../../test/support/pay-server.ts';
import { windowFile, windowReceipt } from '../../../test/support/window-receipt.ts';
import { encodeReceiptsFile, type SignedReceipt } from '../../pipeline/index.ts';
import { PayBook } from './book.ts';
import { payBookPath, wrongWorkPath } from './paths.ts';
import { receiptLeaf, rootOfReceipts } from './receipt-set.ts';
import { isInTree } from './vouchers.ts';
import { keepWrongWork, readWrongWork } from './wrong-work.ts';

let home = '';
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-wrong-work-')); });
afterEach(() => rm(home, { recursive: true }));

const receiptOf = (session: string): Promise<SignedReceipt> => windowReceipt(session, signer);
const keep = (receipt: SignedReceipt): Promise<boolean> => keepWrongWork({ home, ...terms, leaf: receiptLeaf(receipt), file: windowFile(receipt) });

/** The payer's, with these receipts and a bill over them. */
async function bookWith(receipts: readonly SignedReceipt[], { isBilled = true } = {}): Promise<void> {
  const book = new PayBook(payBookPath(home));
  book.begin({ role: 'payer', id: terms.sessionId, chainId: 7, settlement, work: terms.workId, payer: `0x${'4'.repeat(40)}`, openedMs: 5, state: 'open' }, [{ ...terms, peer: signer.peerId, tokens: 9 }]);
  const leaves = receipts.map(receiptLeaf);
  book.addReceipts('payer', terms, leaves);
  if (isBilled) book.addBill('payer', terms, { tokens: 9, receiptsRoot: rootOfReceipts(leaves), signature: word('8') });
  book.close();
}

test('what is kept names paid session, node and window, and leads to the root of the bill', async () => {
  const [wrong, ...others] = await Promise.all(['5e', '5f', '60', '61'].map((byte) => receiptOf(byte.repeat(16))));
  await bookWith([wrong!, ...others]);
  expect(await keep(wrong!)).toBe(true);
  const [found, ...more] = await readWrongWork(home);
  const leaf = receiptLeaf(wrong!);
  expect(more).toEqual([]);
  expect(found).toMatchObject({ sessionId: terms.sessionId, nodeId: node.nodeId, peer: signer.peerId, layers: { first: 0, last: 2 }, first: 0, count: 8, modelHash: 'ab'.repeat(32), leaf, billed: { tokens: 9, signature: word('8') } });
  expect(isInTree(leaf, { root: found!.billed!.receiptsRoot, path: found!.billed!.path })).toBe(true);
  expect((await readFile(found!.file)).equals(encodeReceiptsFile(windowFile(wrong!)))).toBe(true);
  if (process.platform !== 'win32') expect([(await stat(found!.file)).mode & 0o777, (await stat(wrongWorkPath(home))).mode & 0o777]).toEqual([0o600, 0o700]);
});

test('without a bill over it a receipt stands for itself; one of no session of the book is left out', async () => {
  const [wrong, other] = await Promise.all(['5e', '5f'].map((byte) => receiptOf(byte.repeat(16))));
  expect(await readWrongWork(home)).toEqual([]);
  await keep(wrong!);
  expect(await readWrongWork(home)).toEqual([]);
  await bookWith([other!]);
  expect(await readWrongWork(home)).toMatchObject([{ leaf: receiptLeaf(wrong!), billed: undefined }]);
});

test('files that are none, or say something else than their name, are left out', async () => {
  const wrong = await receiptOf('5e'.repeat(16));
  await bookWith([wrong]);
  await keep(wrong);
  const [name] = await readdir(wrongWorkPath(home));
  const beside = (other: string, content: string | Uint8Array): Promise<void> => writeFile(join(wrongWorkPath(home), other), content);
  await beside(name!.replace(/-[0-9a-f]{16}\./, '-0000000000000000.'), '{}');
  await beside(name!.replace(/^[0-9a-f]/, (digit) => (digit === '0' ? '1' : '0')), await readFile(join(wrongWorkPath(home), name!)));
  await beside('notes.txt', 'mine');
  await beside(name!.replace(/-[0-9a-f]{16}\./, '-1111111111111111.'), Buffer.alloc(1_000_000));
  expect((await readWrongWork(home)).map(({ leaf }) => leaf)).toEqual([receiptLeaf(wrong)]);
});

test('the newest are kept, of so many, and none that is too large', async () => {
  const receipts = await Promise.all(Array.from({ length: 66 }, (_, index) => receiptOf(index.toString(16).padStart(32, '0'))));
  await bookWith(receipts);
  for (const [index, receipt] of receipts.entries()) {
    await keep(receipt);
    // File systems tell times apart by a second at worst.
    for (const name of await readdir(wrongWorkPath(home))) if (name.includes(receiptLeaf(receipt).slice(2, 18))) await utimes(join(wrongWorkPath(home), name), 1_000 + index, 1_000 + index);
  }
  expect((await readWrongWork(home)).map(({ leaf }) => leaf)).toEqual(receipts.slice(2).toReversed().map(receiptLeaf));
  const large = { ...windowFile(...receipts), promptTokens: Array.from({ length: 200_000 }, () => 12_345) };
  expect(await keepWrongWork({ home, ...terms, leaf: receiptLeaf(receipts[0]!), file: large })).toBe(false);
  expect((await readdir(wrongWorkPath(home))).length).toBe(64);
});
