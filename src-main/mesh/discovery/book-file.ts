import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readSmallFile, toCoded, writeAtomically, type Logger } from '../../base/index.ts';
import { bookSchema, type BookContent } from './book-schema.ts';
import { discoveryErrors } from './errors.ts';
import { BOOK_WRITE_DELAY_MS, MAX_BOOK_BYTES } from './options.ts';

const EMPTY: BookContent = { version: 1, peers: [] };
const OWNER_ONLY = 0o600;
/** A write takes milliseconds; what is older was left by a process that was killed. */
const LEFT_OVER_MS = 60_000;

/** The book of a home whose node does not run: looked at, and left as it is. Empty where it cannot be read. */
export async function peekIntoBook(path: string): Promise<BookContent> {
  try {
    const text = await readSmallFile(path, { limitBytes: MAX_BOOK_BYTES, tooLarge: (sizeBytes) => discoveryErrors.bookTooLarge({ path, sizeBytes, limitBytes: MAX_BOOK_BYTES }) });
    return text === undefined ? EMPTY : bookSchema.parse(JSON.parse(text));
  } catch {
    return EMPTY;
  }
}

/**
 * The address book on the disk: written whole under another name and renamed, so that a crash at any moment leaves the old book or the
 * new one. It is a memory, not a record: a file that cannot be used is set aside with a line, one that cannot be written costs what was learnt.
 */
export class BookFile {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #content: () => BookContent;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor(path: string, { logger, content }: { readonly logger: Logger; readonly content: () => BookContent }) {
    this.#path = path;
    this.#logger = logger;
    this.#content = content;
  }

  async load(): Promise<BookContent> {
    await this.#removeLeftOvers().catch(() => undefined);
    try {
      const text = await readSmallFile(this.#path, { limitBytes: MAX_BOOK_BYTES, tooLarge: (sizeBytes) => discoveryErrors.bookTooLarge({ path: this.#path, sizeBytes, limitBytes: MAX_BOOK_BYTES }) });
      return text === undefined ? EMPTY : bookSchema.parse(JSON.parse(text));
    } catch (error) {
      await this.#setAside(error);
      return EMPTY;
    }
  }

  /** Soon; what changes until then goes into the same write. */
  touch(): void {
    this.#timer ??= setTimeout(() => void this.flush(), BOOK_WRITE_DELAY_MS).unref();
  }

  /** Writes what is not written yet. Never rejects. */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#write());
    }
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      const text = JSON.stringify(this.#content());
      await writeAtomically(this.#path, async (file) => void (await file.writeFile(text)), OWNER_ONLY);
      this.#isFailing = false;
    } catch (error) {
      // Said once: a disk that is full stays so for a while.
      if (!this.#isFailing) this.#logger.warn({ path: this.#path, reason: reasonOf(error) }, 'the address book cannot be kept: after a restart, peers are found anew');
      this.#isFailing = true;
    }
  }

  async #setAside(error: unknown): Promise<void> {
    const aside = `${this.#path}.damaged`;
    await rename(this.#path, aside).catch(() => undefined);
    this.#logger.warn({ path: this.#path, aside, reason: reasonOf(error) }, 'the address book cannot be used and was set aside: peers are found anew');
  }

  async #removeLeftOvers(): Promise<void> {
    const folder = dirname(this.#path);
    const own = new RegExp(`^${basename(this.#path).replaceAll('.', '\\.')}\\.[0-9a-f]+\\.partial$`);
    for (const name of (await readdir(folder)).filter((one) => own.test(one))) {
      const { mtimeMs } = await stat(join(folder, name));
      if (Date.now() - mtimeMs > LEFT_OVER_MS) await rm(join(folder, name), { force: true });
    }
  }
}

const reasonOf = (error: unknown): string => toCoded(error).message.slice(0, 200);
