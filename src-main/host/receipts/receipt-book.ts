import { join } from 'node:path';
import { z } from 'zod';
import { readSmallFile, systemClock, toCoded, writeAtomically, type Clock, type Logger } from '../../base/index.ts';
import { hostErrors } from '../errors.ts';
import { WriteBehind } from '../write-behind.ts';

/** What peers signed for the answers of this node, in numbers: nothing that was said, and no receipt. In the node's home; may be removed. */

const MAX_PEERS = 512;
const MAX_FILE_BYTES = 256 * 1024;
/** Of whom nothing was heard for this long. */
const MAX_AGE_MS = 90 * 24 * 3_600_000;
const WRITE_EVERY_MS = 5_000;

const count = z.int().min(0).max(1e12);
const entrySchema = z.strictObject({ peer: z.string().min(1).max(128), due: count, signed: count, checked: count, failed: count, atMs: z.number().min(0).max(8.64e15) });
const bookSchema = z.strictObject({ version: z.literal(1), peers: z.array(entrySchema).max(MAX_PEERS) });

/** Windows of our answers that a peer computed: how many it had to sign, did sign, and of those how many were computed again here, and were wrong. */
export type ReceiptCounts = Pick<z.infer<typeof entrySchema>, 'due' | 'signed' | 'checked' | 'failed'>;

const NONE: ReceiptCounts = { due: 0, signed: 0, checked: 0, failed: 0 };

export interface ReceiptBookInit {
  readonly home: string;
  readonly logger: Pick<Logger, 'warn'>;
  readonly clock?: Clock;
  readonly everyMs?: number;
}

export class ReceiptBook {
  readonly #init: ReceiptBookInit;
  /** Those heard of last at the end. */
  readonly #peers = new Map<string, z.infer<typeof entrySchema>>();
  readonly #writing: WriteBehind;

  private constructor(init: ReceiptBookInit) {
    this.#init = init;
    this.#writing = new WriteBehind(() => this.#write(), init.everyMs ?? WRITE_EVERY_MS);
  }

  /** A file that cannot be used costs what was counted, and is said to be so. */
  static async open(init: ReceiptBookInit): Promise<ReceiptBook> {
    const book = new ReceiptBook(init);
    const path = pathIn(init.home);
    try {
      const text = await readSmallFile(path, { limitBytes: MAX_FILE_BYTES, tooLarge: (sizeBytes) => hostErrors.fileTooLarge({ path, sizeBytes, limitBytes: MAX_FILE_BYTES }) });
      for (const entry of text === undefined ? [] : bookSchema.parse(JSON.parse(text)).peers) book.#peers.set(entry.peer, entry);
    } catch (error) {
      init.logger.warn({ path, reason: toCoded(error).message.slice(0, 200) }, 'what peers signed cannot be read: counting begins anew');
    }
    return book;
  }

  of(peer: string): ReceiptCounts | undefined {
    const known = this.#peers.get(peer);
    return known === undefined ? undefined : { due: known.due, signed: known.signed, checked: known.checked, failed: known.failed };
  }

  add(peer: string, more: Partial<ReceiptCounts>): void {
    const { due, signed, checked, failed } = this.#peers.get(peer) ?? NONE;
    const nowMs = (this.#init.clock ?? systemClock).now();
    this.#peers.delete(peer);
    this.#peers.set(peer, { peer, due: due + (more.due ?? 0), signed: signed + (more.signed ?? 0), checked: checked + (more.checked ?? 0), failed: failed + (more.failed ?? 0), atMs: nowMs });
    for (const [other, { atMs }] of this.#peers) if (this.#peers.size > MAX_PEERS || nowMs - atMs > MAX_AGE_MS) this.#peers.delete(other);
    this.#writing.changed();
  }

  flush(): Promise<void> {
    return this.#writing.flush();
  }

  async #write(): Promise<void> {
    const path = pathIn(this.#init.home);
    try {
      const text = JSON.stringify({ version: 1, peers: [...this.#peers.values()] });
      await writeAtomically(path, async (file) => void (await file.writeFile(text)), 0o600);
    } catch (error) {
      this.#init.logger.warn({ path, reason: toCoded(error).message.slice(0, 200) }, 'what peers signed cannot be kept');
    }
  }
}

const pathIn = (home: string): string => join(home, 'receipt-counts.json');
