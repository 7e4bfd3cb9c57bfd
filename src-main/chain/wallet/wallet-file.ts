import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { readSmallFile, writeAtomically, type SecretBox } from '../../base/index.ts';
import { walletErrors } from './errors.ts';
import { keystoreSchema } from './keystore-schema.ts';
import { WALLET_LIMITS } from './options.ts';

const OWNER_ONLY = 0o600;
const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/).max(1_000);

/** A keystore that other programs can open too, with the phrase beside the key where there is one. */
const walletFileSchema = keystoreSchema.required({ id: true, address: true }).extend({
  omninode: z.object({ createdAtMs: z.number().min(0), phrase: z.object({ nonce: hex.length(24), ciphertext: hex, tag: hex.length(32) }).exactOptional() }),
});
const sealedSchema = z.strictObject({ version: z.literal(1), kept: z.literal('sealed'), value: z.base64().max(WALLET_LIMITS.fileBytes) });
export type WalletFile = z.infer<typeof walletFileSchema>;

/** Where the wallet of a home lies: readable by its owner alone, sealed besides where the system can. */
export class WalletStore {
  readonly path: string;
  readonly #box: SecretBox | undefined;

  constructor(path: string, box: SecretBox | undefined) {
    this.path = path;
    this.#box = box;
  }

  get keeping(): 'password' | 'sealed' {
    return this.#box === undefined ? 'password' : 'sealed';
  }

  /** One that lies there unsealed is sealed as soon as that can be. Throws WALLET_UNREADABLE, WALLET_READABLE_BY_OTHERS, WALLET_SEALED. */
  async read(): Promise<WalletFile | undefined> {
    const text = await readSmallFile(this.path, { limitBytes: WALLET_LIMITS.fileBytes, tooLarge: () => this.#unreadable('it is too long') });
    if (text === undefined) return undefined;
    await this.#checkMode();
    const value = this.#parse(text);
    const sealed = sealedSchema.safeParse(value);
    if (sealed.success) return this.#checked(this.#parse(this.#open(sealed.data.value)));
    const file = this.#checked(value);
    if (this.#box !== undefined) await this.write(file);
    return file;
  }

  async write(file: WalletFile): Promise<void> {
    const plain = JSON.stringify(file);
    const text = this.#box === undefined ? plain : JSON.stringify({ version: 1, kept: 'sealed', value: Buffer.from(this.#box.seal(plain)).toString('base64') });
    await writeAtomically(this.path, async (handle) => void (await handle.writeFile(`${text}\n`)), OWNER_ONLY);
  }

  // Windows has no such bits; there the home folder's ACL guards the file.
  async #checkMode(): Promise<void> {
    const { mode } = await stat(this.path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw walletErrors.readableByOthers({ path: this.path, mode: (mode & 0o777).toString(8) });
  }

  #open(value: string): string {
    if (this.#box === undefined) throw walletErrors.sealed({ path: this.path });
    try {
      return this.#box.open(Buffer.from(value, 'base64'));
    } catch {
      throw this.#unreadable('the key ring does not open it');
    }
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.#unreadable('it is not JSON');
    }
  }

  #checked(value: unknown): WalletFile {
    const parsed = walletFileSchema.safeParse(value);
    if (!parsed.success) throw this.#unreadable('it has another shape');
    return parsed.data;
  }

  #unreadable(reason: string): Error {
    return walletErrors.unreadable({ path: this.path, reason });
  }
}
