import { Worker } from 'node:worker_threads';
import { CodedError, toCoded, type WireError } from '../base/index.ts';
import { documentErrors } from './errors.ts';
import type { DocumentLimits } from './options.ts';
import type { DocumentText } from './types.ts';

/** What the thread is started with. */
export interface PdfJob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly limits: DocumentLimits;
}

export type FromPdfThread = { readonly type: 'text'; readonly text: string; readonly pages: number } | { readonly type: 'failed'; readonly error: WireError };

export interface PdfThreadOptions {
  readonly workerPath: string;
  readonly limits: DocumentLimits;
  readonly signal?: AbortSignal | undefined;
}

/** Reads a PDF in a thread of its own, with a heap of its own, that is ended when it takes too long. Throws DOCUMENT_ errors. */
export async function readPdfInThread(bytes: Uint8Array, { workerPath, limits, signal }: PdfThreadOptions): Promise<DocumentText> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<DocumentText>();
  const job: PdfJob = { bytes: new Uint8Array(bytes), limits };
  // What the library prints is nobody's concern, and may quote the document.
  const worker = new Worker(workerPath, { workerData: job, execArgv: [], env: {}, stdout: true, stderr: true, transferList: [job.bytes.buffer], resourceLimits: { maxOldGenerationSizeMb: limits.maxHeapMb } });
  const timer = setTimeout(() => reject(documentErrors.pdfTooSlow({ seconds: Math.ceil(limits.timeoutMs / 1_000) })), limits.timeoutMs);
  const cancel = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', cancel);
  worker.on('message', (message: FromPdfThread) => {
    if (message.type === 'text') resolve({ kind: 'pdf', text: message.text, pages: message.pages });
    else reject(CodedError.fromWire(message.error));
  });
  worker.on('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? documentErrors.pdfTooHeavy({}, error) : toCoded(error)));
  // After a last message, which comes first, this changes nothing.
  worker.on('exit', (code) => reject(toCoded(`the thread that reads a PDF ended with code ${code}`)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    await worker.terminate();
  }
}
