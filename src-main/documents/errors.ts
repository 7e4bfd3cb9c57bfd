import { defineErrors, spec } from '../base/index.ts';

/** None of these holds a word of the document, or its name. */
export const documentErrors = defineErrors('DOCUMENT', {
  empty: spec<Record<string, never>>({ fault: 'user', message: () => 'there is no text in this file', next: 'Choose another file.' }),
  tooLarge: spec<{ bytes: number; limitBytes: number }>({ fault: 'user', message: (m) => `this file has more than ${m.limitBytes / 1_000_000} MB`, next: 'Attach a part of it.' }),
  tooLong: spec<{ limitChars: number }>({ fault: 'user', message: (m) => `this file has more than ${m.limitChars.toLocaleString('en')} characters of text`, next: 'Attach a part of it.' }),
  notText: spec<Record<string, never>>({ fault: 'user', message: () => 'this file is not text', next: 'Attach a text file or a PDF; save an office document as one of them first.' }),
  badEncoding: spec<{ encoding: string }>({ fault: 'user', message: (m) => `this file is not written in ${m.encoding}`, next: 'Save it as UTF-8, then attach it again.' }),
  pdfDamaged: spec<Record<string, never>>({ fault: 'user', message: () => 'this PDF is damaged', next: 'Open it in a viewer and save it again, or attach its text.' }),
  pdfEncrypted: spec<Record<string, never>>({ fault: 'user', message: () => 'this PDF is locked with a password', next: 'Save it without a password, then attach it again.' }),
  pdfNoText: spec<{ pages: number }>({ fault: 'user', message: (m) => `this PDF has only pictures on its ${m.pages === 1 ? 'page' : `${m.pages} pages`}`, next: 'Run it through text recognition (OCR) first, or attach its text.' }),
  pdfTooManyPages: spec<{ pages: number; limit: number }>({ fault: 'user', message: (m) => `this PDF has ${m.pages} pages, ${m.limit} are possible`, next: 'Attach a part of it.' }),
  pdfTooSlow: spec<{ seconds: number }>({ fault: 'user', message: (m) => `this PDF could not be read within ${m.seconds} s`, next: 'Attach a part of it, or its text.' }),
  pdfTooHeavy: spec<Record<string, never>>({ fault: 'user', message: () => 'this PDF needs more memory than reading one may take', next: 'Attach a part of it, or its text.' }),
});
