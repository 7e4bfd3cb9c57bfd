import { decodeText } from './decode-text.ts';
import { documentErrors } from './errors.ts';
import { DOCUMENT_LIMITS, type DocumentLimits } from './options.ts';
import { readPdfInThread } from './pdf-thread.ts';
import type { DocumentKind, DocumentText } from './types.ts';

export interface ReadOptions {
  /** The module that runs in the thread: pdf-worker.ts, or its bundle. */
  readonly workerPath: string;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<DocumentLimits>;
}

/** Some viewers take a PDF whose header comes late; ISO 32000-1, annex H.3.4.1. */
const HEADER_WITHIN_BYTES = 1_024;
const KINDS: ReadonlyArray<readonly [DocumentKind, RegExp]> = [
  ['text', /\.(txt|text|log)$/i], ['markdown', /\.(md|markdown|mdx|rst)$/i], ['table', /\.(csv|tsv)$/i], ['json', /\.(json|jsonl|ndjson|geojson)$/i],
];

/** What a file says. Its name tells only how it is called: what it is, its bytes tell. Throws DOCUMENT_ errors. */
export async function readDocument({ name, bytes }: { readonly name: string; readonly bytes: Uint8Array }, { workerPath, signal, limits: overrides }: ReadOptions): Promise<DocumentText> {
  const limits = { ...DOCUMENT_LIMITS, ...overrides };
  if (bytes.length > limits.maxBytes) throw documentErrors.tooLarge({ bytes: bytes.length, limitBytes: limits.maxBytes });
  const document = isPdf(bytes) ? await readPdfInThread(bytes, { workerPath, limits, signal }) : { kind: kindOf(name), text: decodeText(bytes) };
  if (document.text.trim() === '') throw documentErrors.empty({});
  if (document.text.length > limits.maxChars) throw documentErrors.tooLong({ limitChars: limits.maxChars });
  return document;
}

const isPdf = (bytes: Uint8Array): boolean => Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEADER_WITHIN_BYTES)).includes('%PDF-');

const kindOf = (name: string): DocumentKind => KINDS.find(([, ending]) => ending.test(name))?.[0] ?? (name.includes('.') ? 'code' : 'text');
