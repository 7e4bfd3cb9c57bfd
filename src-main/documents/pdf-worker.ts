import { parentPort, workerData } from 'node:worker_threads';
import { toCoded } from '../base/index.ts';
import { pdfText } from './pdf-text.ts';
import type { FromPdfThread, PdfJob } from './pdf-thread.ts';

/** Entry of the thread that reads one PDF; see readPdfInThread. */
const tell = (message: FromPdfThread): void => parentPort?.postMessage(message);
const { bytes, limits } = workerData as PdfJob;

try {
  tell({ type: 'text', ...await pdfText(bytes, limits) });
} catch (error) {
  tell({ type: 'failed', error: toCoded(error).toWire() });
}
