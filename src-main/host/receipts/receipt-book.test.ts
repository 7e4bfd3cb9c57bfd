import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReceiptBook } from './receipt-book.ts';

let home: string;
let warnings: string[];
const logger = { warn: (_meta: object, text?: string) => { warnings.push(text ?? ''); } };
let nowMs = 1e12;
const clock = { now: () => nowMs, monotonicMs: () => nowMs };
const open = (everyMs?: number): Promise<ReceiptBook> => ReceiptBook.open({ home, logger, clock, ...(everyMs === undefined ? {} : { everyMs }) });
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-receipt-book-'));
  [warnings, nowMs] = [[], 1e12];
});
afterEach(() => rm(home, { recursive: true }));

describe('what peers signed', () => {
  it('is counted, and there after a restart, readable by its owner alone', async () => {
    const book = await open();
    book.add('a', { due: 3, signed: 3 });
    book.add('a', { due: 2, signed: 1 });
    book.add('a', { checked: 1 });
    book.add('b', { checked: 1, failed: 1 });
    await book.flush();
    const again = await open();
    expect(again.of('a')).toEqual({ due: 5, signed: 4, checked: 1, failed: 0 });
    expect(again.of('b')).toEqual({ due: 0, signed: 0, checked: 1, failed: 1 });
    expect(again.of('c')).toBeUndefined();
    expect(await readdir(home)).toEqual(['receipt-counts.json']);
    if (process.platform !== 'win32') expect((await stat(join(home, 'receipt-counts.json'))).mode & 0o777).toBe(0o600);
  });

  it('is written now and then, and not where nothing was counted', async () => {
    const book = await open(1);
    await book.flush();
    expect(await readdir(home)).toEqual([]);
    book.add('a', { due: 1 });
    await expect.poll(async () => (await readdir(home)).includes('receipt-counts.json'), { timeout: 20_000 }).toBe(true);
  });

  it('stays within its bounds: those heard of last stay, and nobody for ever', async () => {
    const book = await open();
    book.add('old', { due: 1 });
    for (let i = 0; i < 600; i++) book.add(`p${i}`, { due: 1 });
    expect([book.of('old'), book.of('p87'), book.of('p88')?.due]).toEqual([undefined, undefined, 1]);
    nowMs += 91 * 24 * 3_600_000;
    book.add('new', { due: 1 });
    await book.flush();
    expect(JSON.parse(await readFile(join(home, 'receipt-counts.json'), 'utf8')).peers.map(({ peer }: { peer: string }) => peer)).toEqual(['new']);
  });

  it.each([['garbage', 'no json'], ['half of one', '{"version":1,"peers":['], ['counts that are none', '{"version":1,"peers":[{"peer":"a","due":-1,"signed":0,"checked":0,"failed":0,"atMs":1}]}'], ['too much', 'x'.repeat(300_000)]])('begins anew where its file is %s', async (_what, text) => {
    await writeFile(join(home, 'receipt-counts.json'), text);
    const book = await open();
    expect([book.of('a'), warnings.length]).toEqual([undefined, 1]);
    book.add('a', { due: 1 });
    await book.flush();
    expect((await open()).of('a')?.due).toBe(1);
  });

  it('that cannot be written costs a warning only', async () => {
    await writeFile(join(home, 'file'), '');
    const book = await ReceiptBook.open({ home: join(home, 'file', 'folder'), logger, clock });
    book.add('a', { due: 1 });
    await book.flush();
    expect([warnings.length > 0, book.of('a')?.due]).toEqual([true, 1]);
  });
});
