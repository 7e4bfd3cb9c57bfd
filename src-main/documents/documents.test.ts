import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDocument, type DocumentLimits } from './index.ts';
import { makePdf } from './testing/pdf.ts';

const workerPath = join(import.meta.dirname, 'pdf-worker.ts');
const read = (name: string, bytes: Uint8Array | string, limits: Partial<DocumentLimits> = {}) => readDocument({ name, bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes }, { workerPath, limits });
const coded = (code: string) => expect.objectContaining({ code: `DOCUMENT_${code}`, next: expect.any(String) });

describe('text', () => {
  it.each([['a.txt', 'text'], ['A.MD', 'markdown'], ['t.csv', 'table'], ['x.json', 'json'], ['main.rs', 'code'], ['LICENSE', 'text'], ['not.pdf', 'code']])('%s is %s', async (name, kind) => {
    expect(await read(name, 'a\r\nb\rc\n')).toEqual({ kind, text: 'a\nb\nc\n' });
  });

  it('reads UTF-8, and UTF-16 by its mark, exactly', async () => {
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.trim() !== '' && !/[\p{Cc}\ufeff\ufffe\uffff]/u.test(text)), async (text) => {
      const swapped = Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
      for (const bytes of [Buffer.from(text), Buffer.from(`\ufeff${text}`), Buffer.from(`\ufeff${text}`, 'utf16le'), swapped]) expect((await read('x.txt', bytes)).text).toBe(text);
    }), { numRuns: 200 });
  });

  it.each([
    ['a program', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 1, 2), 'NOT_TEXT'],
    ['an archive', Buffer.from('PK\u0003\u0004'), 'NOT_TEXT'],
    ['Latin-1', Uint8Array.of(0x63, 0x61, 0x66, 0xe9), 'BAD_ENCODING'],
    ['a cut UTF-8', Uint8Array.of(0x61, 0xe2, 0x82), 'BAD_ENCODING'],
    ['a lone surrogate', Uint8Array.of(0xff, 0xfe, 0x00, 0xd8), 'BAD_ENCODING'],
    ['space', Buffer.from(' \n\t'), 'EMPTY'],
    ['nothing', new Uint8Array(), 'EMPTY'],
  ])('refuses %s', (_, bytes, code) => expect(read('x.txt', bytes)).rejects.toEqual(coded(code)));

  it('has limits', async () => {
    await expect(read('x.txt', 'abcd', { maxBytes: 3 })).rejects.toEqual(coded('TOO_LARGE'));
    await expect(read('x.txt', 'abcd', { maxChars: 3 })).rejects.toEqual(coded('TOO_LONG'));
  });
});

describe('PDF', () => {
  it('reads the lines of every page, whatever the file is called', async () => {
    const bytes = makePdf({ pages: ['First page (one)\nsecond line', '', 'Last page'] });
    expect(await read('report.txt', bytes)).toEqual({ kind: 'pdf', text: 'First page (one)\nsecond line\n\nLast page', pages: 3 });
  });

  it('says what is wrong with one', async () => {
    const whole = makePdf({ pages: ['some text'] });
    await expect(read('x.pdf', whole.slice(0, 120))).rejects.toEqual(coded('PDF_DAMAGED'));
    await expect(read('x.pdf', '%PDF-1.7 and nothing more')).rejects.toEqual(coded('PDF_DAMAGED'));
    await expect(read('x.pdf', makePdf({ pages: ['secret'], isEncrypted: true }))).rejects.toEqual(coded('PDF_ENCRYPTED'));
    await expect(read('x.pdf', makePdf({ pages: ['', ''] }))).rejects.toEqual(coded('PDF_NO_TEXT'));
  });

  it('has limits of pages, characters, time and memory', async () => {
    const bytes = makePdf({ pages: ['one page', 'two pages'] });
    await expect(read('x.pdf', bytes, { maxPages: 1 })).rejects.toEqual(coded('PDF_TOO_MANY_PAGES'));
    await expect(read('x.pdf', bytes, { maxChars: 12 })).rejects.toEqual(coded('TOO_LONG'));
    await expect(read('x.pdf', bytes, { timeoutMs: 1 })).rejects.toEqual(coded('PDF_TOO_SLOW'));
    await expect(read('x.pdf', bytes, { maxHeapMb: 8 })).rejects.toEqual(coded('PDF_TOO_HEAVY'));
  });

  it('is given up when nobody waits for it any more', async () => {
    const controller = new AbortController();
    const reading = readDocument({ name: 'x.pdf', bytes: makePdf({ pages: ['text'] }) }, { workerPath, signal: controller.signal });
    controller.abort();
    await expect(reading).rejects.toBe(controller.signal.reason);
  });
});
