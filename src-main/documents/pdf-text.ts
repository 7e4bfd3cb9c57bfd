import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type * as Pdf from 'pdfjs-dist/legacy/build/pdf.mjs';
import { documentErrors } from './errors.ts';
import type { DocumentLimits } from './options.ts';

/** The text of a PDF, page by page. Nothing is drawn, run or fetched. Throws DOCUMENT_PDF_ errors, DOCUMENT_TOO_LONG. */
export async function pdfText(bytes: Uint8Array, { maxPages, maxChars }: Pick<DocumentLimits, 'maxPages' | 'maxChars'>): Promise<{ text: string; pages: number }> {
  const task = (await loadLibrary()).getDocument({
    data: bytes, disableFontFace: true, useSystemFonts: false, enableXfa: false, stopAtErrors: false, verbosity: 0,
    // Which characters the codes of East Asian fonts mean: files of the package, no network.
    cMapUrl: join(dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json')), 'cmaps') + sep, cMapPacked: true,
  });
  try {
    const document = await task.promise;
    const pages = document.numPages;
    if (pages > maxPages) throw documentErrors.pdfTooManyPages({ pages, limit: maxPages });
    const text = await textOf(document, maxChars);
    if (text === '') throw documentErrors.pdfNoText({ pages });
    return { text, pages };
  } catch (error) {
    throw codedOf(error);
  } finally {
    await task.destroy();
  }
}

async function textOf(document: Pdf.PDFDocumentProxy, maxChars: number): Promise<string> {
  const pages: string[] = [];
  let chars = 0;
  for (let number = 1; number <= document.numPages; number += 1) {
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    const text = items.map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : '')).join('').replaceAll('\0', '').trim();
    page.cleanup();
    chars += text.length + 2;
    if (chars > maxChars) throw documentErrors.tooLong({ limitChars: maxChars });
    if (text !== '') pages.push(text);
  }
  return pages.join('\n\n');
}

/** Its names for what is wrong; everything else that it stumbles over is a file that is not as it should be. */
function codedOf(error: unknown): unknown {
  const { name = '', code = '' } = error as { name?: string; code?: string };
  if (typeof code === 'string' && code.startsWith('DOCUMENT_')) return error;
  return name === 'PasswordException' ? documentErrors.pdfEncrypted({}, error) : documentErrors.pdfDamaged({}, error);
}

/** Only what draws needs these, and the module will not load without them. */
async function loadLibrary(): Promise<typeof Pdf> {
  class Nothing {}
  for (const name of ['DOMMatrix', 'ImageData', 'Path2D']) if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value: Nothing, configurable: true });
  return import('pdfjs-dist/legacy/build/pdf.mjs');
}
