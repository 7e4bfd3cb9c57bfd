import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { CodedError } from './errors.ts';

/** Files on their way at the same time. */
const MAX_UPLOADS = 4;
/** One that nothing came of for so long was given up. */
const IDLE_MS = 60_000;

interface Upload {
  readonly parts: Buffer[];
  sizeBytes: number;
  touchedAtMs: number;
}

export interface FilePartsInit {
  readonly clock: Clock;
  /** Of one file. */
  readonly limitBytes: number;
  readonly errors: {
    readonly tooLarge: (bytes: number, limitBytes: number) => CodedError;
    readonly busy: (limit: number) => CodedError;
    readonly gone: () => CodedError;
  };
}

/** Files that come in parts, in memory until they are whole. */
export class FileParts {
  readonly #init: FilePartsInit;
  readonly #under = new Map<string, Upload>();

  constructor(init: FilePartsInit) {
    this.#init = init;
  }

  /** Throws what is busy, gone, or too large (and forgets it). */
  add(part: Buffer, uploadId = this.#begin()): { uploadId: string; sizeBytes: number } {
    const upload = this.#get(uploadId);
    const { clock, limitBytes, errors } = this.#init;
    upload.touchedAtMs = clock.now();
    upload.sizeBytes += part.length;
    if (upload.sizeBytes > limitBytes) {
      this.drop(uploadId);
      throw errors.tooLarge(upload.sizeBytes, limitBytes);
    }
    upload.parts.push(part);
    return { uploadId, sizeBytes: upload.sizeBytes };
  }

  /** All of it; it is not kept any longer. Throws what is gone. */
  take(uploadId: string): Buffer {
    const { parts } = this.#get(uploadId);
    this.drop(uploadId);
    return Buffer.concat(parts);
  }

  drop(uploadId: string): void {
    this.#under.delete(uploadId);
  }

  #begin(): string {
    const now = this.#init.clock.now();
    for (const [id, { touchedAtMs }] of this.#under) if (now - touchedAtMs > IDLE_MS) this.#under.delete(id);
    if (this.#under.size >= MAX_UPLOADS) throw this.#init.errors.busy(MAX_UPLOADS);
    const id = randomUUID();
    this.#under.set(id, { parts: [], sizeBytes: 0, touchedAtMs: now });
    return id;
  }

  #get(id: string): Upload {
    const upload = this.#under.get(id);
    if (upload === undefined) throw this.#init.errors.gone();
    return upload;
  }
}
