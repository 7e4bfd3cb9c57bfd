import { createPublicKey, verify } from 'node:crypto';
import { hexToBytes } from 'viem';
import { z } from 'zod';
import { readSmallFile, writeAtomically } from '../base/index.ts';
import type { Hex } from './types.ts';

const MAX_BINDINGS = 64;
const MAX_FILE_BYTES = 65_536;

const signedSchema = z.strictObject({ message: z.string().regex(/^0x(?:[0-9a-f]{2}){1,256}$/), signature: z.string().regex(/^0x[0-9a-f]{128}$/) });
const fileSchema = z.strictObject({ version: z.literal(1), bindings: z.array(signedSchema).max(MAX_BINDINGS) });
type Signed = z.infer<typeof signedSchema>;

const textOf = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString('hex')}`;

/**
 * `<home>/chain/bindings.json`: bindings of the node that its owner approved, each as the signature of its identity over exactly what was approved
 * (`bindingMessage`). Such a signature is its own proof: what somebody else wrote into the file does not verify and counts for nothing.
 */
export class BindingBook {
  readonly #path: string;
  readonly #nodeId: Hex;
  #written: Promise<void> = Promise.resolve();

  constructor(path: string, nodeId: Hex) {
    this.#path = path;
    this.#nodeId = nodeId;
  }

  /** 64 bytes (RFC 8032); undefined: not approved. */
  async find(message: Uint8Array): Promise<Uint8Array | undefined> {
    const text = textOf(message);
    const found = (await this.#read()).find((one) => one.message === text && isBy(this.#nodeId, one));
    return found === undefined ? undefined : hexToBytes(found.signature as Hex);
  }

  /** On the disk when it resolves; the oldest go where there are too many. */
  keep(message: Uint8Array, signature: Uint8Array): Promise<void> {
    const run = this.#written.then(async () => {
      const own: Signed = { message: textOf(message), signature: textOf(signature) };
      const bindings = [own, ...(await this.#read()).filter((one) => one.message !== own.message)].slice(0, MAX_BINDINGS);
      await writeAtomically(this.#path, async (file) => void (await file.writeFile(`${JSON.stringify({ version: 1, bindings })}\n`)), 0o600);
    });
    this.#written = run.catch(() => undefined);
    return run;
  }

  /** A file that cannot be used holds nothing: what was approved is asked for again. */
  async #read(): Promise<readonly Signed[]> {
    try {
      const text = await readSmallFile(this.#path, { limitBytes: MAX_FILE_BYTES, tooLarge: () => new RangeError('too long') });
      return text === undefined ? [] : fileSchema.parse(JSON.parse(text)).bindings;
    } catch {
      return [];
    }
  }
}

function isBy(nodeId: Hex, { message, signature }: Signed): boolean {
  const x = Buffer.from(hexToBytes(nodeId)).toString('base64url');
  return verify(null, hexToBytes(message as Hex), createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), hexToBytes(signature as Hex));
}
