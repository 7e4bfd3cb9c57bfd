import { z } from 'zod';
import { firstIssue } from '../../base/index.ts';
import { walletErrors } from './errors.ts';
import { WALLET_LIMITS } from './options.ts';

const hex = (least: number, most: number) => z.string().regex(/^(?:[0-9a-fA-F]{2})*$/, 'not hex').min(least * 2).max(most * 2);
const { scrypt, pbkdf2Rounds } = WALLET_LIMITS;
const isPowerOfTwo = (n: number): boolean => n > 1 && 2 ** Math.round(Math.log2(n)) === n;
const dklen = z.number().int().min(32).max(64);
const salt = hex(1, 64);

/** What a file may make us compute is bounded before anything is computed. */
const scryptSchema = z.object({
  n: z.number().int().max(scrypt.n).refine(isPowerOfTwo, 'n is no power of two'), r: z.number().int().min(1).max(scrypt.r), p: z.number().int().min(1).max(scrypt.p), dklen, salt,
}).refine(({ n, r, p }) => 128 * n * r * p <= scrypt.memoryBytes, 'scrypt would take too much memory or time');
const pbkdf2Schema = z.object({ c: z.number().int().min(1).max(pbkdf2Rounds), prf: z.literal('hmac-sha256'), dklen, salt });

const cipherSchema = z.object({ cipher: z.literal('aes-128-ctr'), cipherparams: z.object({ iv: hex(16, 16) }), ciphertext: hex(32, 32), mac: hex(32, 32) });
const cryptoSchema = z.discriminatedUnion('kdf', [
  cipherSchema.extend({ kdf: z.literal('scrypt'), kdfparams: scryptSchema }),
  cipherSchema.extend({ kdf: z.literal('pbkdf2'), kdfparams: pbkdf2Schema }),
]);

/** Web3 Secret Storage, version 3; `address` is only said, and counts for nothing. */
export const keystoreSchema = z.object({ version: z.literal(3), id: z.string().max(64).optional(), address: z.string().regex(/^(0x)?[0-9a-fA-F]{40}$/).optional(), crypto: cryptoSchema });
export type Keystore = z.infer<typeof keystoreSchema>;
export type KeystoreCrypto = Keystore['crypto'];

/** A file of another program. Throws WALLET_BAD_KEYSTORE. */
export function parseKeystore(text: string): Keystore {
  if (text.length > WALLET_LIMITS.fileBytes) throw walletErrors.badKeystore({ reason: 'it is too long' });
  const value = json(text);
  if (value === undefined) throw walletErrors.badKeystore({ reason: 'it is not JSON' });
  const parsed = keystoreSchema.safeParse(withSmallKeys(value));
  if (!parsed.success) throw walletErrors.badKeystore({ reason: firstIssue(parsed.error) });
  return parsed.data;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

// Old files of some programs say `Crypto`.
const withSmallKeys = (value: unknown): unknown =>
  (typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key.toLowerCase(), part as unknown])) : value);
