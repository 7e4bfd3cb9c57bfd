import { open, rm } from 'node:fs/promises';
import { z } from 'zod';
import { toCoded, writeAtomically, type SecretBox } from '../../base/index.ts';
import { secretErrors } from './errors.ts';

const OWNER_ONLY = 0o600;
const MAX_FILE_BYTES = 16_384;
const fileSchema = z.strictObject({ version: z.literal(1), kept: z.enum(['sealed', 'file']), value: z.string().min(1).max(8_192) });

/** One secret text in a file of its own, which only its owner may read; sealed besides where the system can. */
export class KeptSecret {
  readonly path: string;
  readonly #box: SecretBox | undefined;

  constructor(path: string, box: SecretBox | undefined) {
    this.path = path;
    this.#box = box;
  }

  /** Undefined where none is kept. One that lies there open is sealed as soon as that can be. Throws SECRET_UNREADABLE, SECRET_READABLE_BY_OTHERS, SECRET_SEALED. */
  async read(): Promise<string | undefined> {
    const text = await this.#readFile();
    if (text === undefined) return undefined;
    const { kept, value } = this.#parse(text);
    if (kept === 'sealed') return this.#open(value);
    if (this.#box !== undefined) await this.write(value);
    return value;
  }

  /** Undefined removes it. */
  async write(secret: string | undefined): Promise<void> {
    if (secret === undefined) return rm(this.path, { force: true });
    const box = this.#box;
    const content = box === undefined ? { version: 1, kept: 'file', value: secret } : { version: 1, kept: 'sealed', value: Buffer.from(box.seal(secret)).toString('base64') };
    await writeAtomically(this.path, async (file) => void (await file.writeFile(`${JSON.stringify(content)}\n`)), OWNER_ONLY);
  }

  async #readFile(): Promise<string | undefined> {
    const file = await open(this.path, 'r').catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : Promise.reject(toCoded(error))));
    if (file === undefined) return undefined;
    try {
      const { mode, size } = await file.stat();
      // Windows has no such bits; there the home folder's ACL guards the file.
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw secretErrors.readableByOthers({ path: this.path, mode: (mode & 0o777).toString(8) });
      if (size > MAX_FILE_BYTES) throw secretErrors.unreadable({ path: this.path });
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  }

  // What a parser says of the file may quote it.
  #parse(text: string): z.infer<typeof fileSchema> {
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch {
      throw secretErrors.unreadable({ path: this.path });
    }
  }

  #open(value: string): string {
    if (this.#box === undefined) throw secretErrors.sealed({ path: this.path });
    try {
      return this.#box.open(Buffer.from(value, 'base64'));
    } catch {
      throw secretErrors.unreadable({ path: this.path });
    }
  }
}
