export interface DocumentLimits {
  readonly maxBytes: number;
  /** Of the text, in UTF-16 units. */
  readonly maxChars: number;
  readonly maxPages: number;
  /** For one PDF, from the start of its thread. */
  readonly timeoutMs: number;
  /** Heap of that thread. */
  readonly maxHeapMb: number;
}

export const DOCUMENT_LIMITS: DocumentLimits = { maxBytes: 16_000_000, maxChars: 400_000, maxPages: 1_000, timeoutMs: 60_000, maxHeapMb: 512 };
