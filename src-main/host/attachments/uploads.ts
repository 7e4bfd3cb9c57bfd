import { randomUUID } from 'node:crypto';
import type { Clock } from '../../base/index.ts';
import { DOCUMENT_LIMITS, documentErrors } from '../../documents/index.ts';
import { hostErrors } from '../errors.ts';

/** Files on their way at the same time. */
const MAX_UPLOADS = 4;
/** One that nothing came of for so long was given up. */
const IDLE_MS = 60_000;

interface Upload {
  readonly parts: Buffer[];
  sizeBytes: number;
  touchedAtMs: number;
}

/** Files that come in parts, in memory until they are whole. */
export class Uploads {
  readonly #clock: Clock;
  readonly #under = new Map<string, Upload>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws HOST_UPLOAD_BUSY, HOST_UPLOAD_GONE, DOCUMENT_TOO_LARGE (and forgets it). */
  add(part: Buffer, uploadId = this.#begin()): { uploadId: string; sizeBytes: number } {
    const upload = this.#get(uploadId);
    upload.touchedAtMs = this.#clock.now();
    upload.sizeBytes += part.length;
    if (upload.sizeBytes > DOCUMENT_LIMITS.maxBytes) {
      this.drop(uploadId);
      throw documentErrors.tooLarge({ bytes: upload.sizeBytes, limitBytes: DOCUMENT_LIMITS.maxBytes });
    }
    upload.parts.push(part);
    return { uploadId, sizeBytes: upload.sizeBytes };
  }

  /** All of it; it is not kept any longer. Throws HOST_UPLOAD_GONE. */
  take(uploadId: string): Buffer {
    const { parts } = this.#get(uploadId);
    this.drop(uploadId);
    return Buffer.concat(parts);
  }

  drop(uploadId: string): void {
    this.#under.delete(uploadId);
  }

  #begin(): string {
    const now = this.#clock.now();
    for (const [id, { touchedAtMs }] of this.#under) if (now - touchedAtMs > IDLE_MS) this.#under.delete(id);
    if (this.#under.size >= MAX_UPLOADS) throw hostErrors.uploadBusy({ limit: MAX_UPLOADS });
    const id = randomUUID();
    this.#under.set(id, { parts: [], sizeBytes: 0, touchedAtMs: now });
    return id;
  }

  #get(id: string): Upload {
    const upload = this.#under.get(id);
    if (upload === undefined) throw hostErrors.uploadGone({});
    return upload;
  }
}
