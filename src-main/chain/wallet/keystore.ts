import { scryptAsync } from '@noble/hashes/scrypt.js';
import { createCipheriv, createDecipheriv, hkdfSync, pbkdf2, randomBytes, randomUUID, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { keccak256 } from 'viem';
import { walletErrors } from './errors.ts';
import type { Keystore, KeystoreCrypto } from './keystore-schema.ts';
import type { ScryptCost } from './options.ts';

const CIPHER = 'aes-128-ctr';
const KEY_BYTES = 32;
const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
const derivePbkdf2 = promisify(pbkdf2);

/** A keystore with the key that the password gave: it opens the phrase too. Whoever gets `derived` wipes it. */
export interface Sealed {
  readonly keystore: Keystore & { readonly id: string };
  readonly derived: Buffer;
}

/** Web3 Secret Storage (version 3, scrypt): https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage */
export async function sealKey(key: Uint8Array, password: string, { cost, address }: { readonly cost: ScryptCost; readonly address: string }): Promise<Sealed> {
  const [salt, iv] = [randomBytes(32), randomBytes(16)];
  const derived = await derive(password, salt, KEY_BYTES, scryptOptions(cost));
  const cipher = createCipheriv(CIPHER, derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(key), cipher.final()]);
  const crypto: KeystoreCrypto = {
    cipher: CIPHER, cipherparams: { iv: iv.toString('hex') }, ciphertext: ciphertext.toString('hex'),
    kdf: 'scrypt', kdfparams: { ...cost, dklen: KEY_BYTES, salt: salt.toString('hex') }, mac: macOf(derived, ciphertext).toString('hex'),
  };
  return { keystore: { version: 3, id: randomUUID(), address: address.slice(2).toLowerCase(), crypto }, derived };
}

/** The key, 32 bytes. Throws WALLET_WRONG_PASSWORD, also for a file that was changed: nobody can tell the two apart. */
export async function openKey({ crypto }: Keystore, password: string): Promise<{ readonly key: Buffer; readonly derived: Buffer }> {
  const derived = await derivedBy(crypto, password);
  const ciphertext = Buffer.from(crypto.ciphertext, 'hex');
  if (!timingSafeEqual(macOf(derived, ciphertext), Buffer.from(crypto.mac, 'hex'))) {
    derived.fill(0);
    throw walletErrors.wrongPassword({});
  }
  const decipher = createDecipheriv(CIPHER, derived.subarray(0, 16), Buffer.from(crypto.cipherparams.iv, 'hex'));
  return { key: Buffer.concat([decipher.update(ciphertext), decipher.final()]), derived };
}

function derivedBy(crypto: KeystoreCrypto, password: string): Promise<Buffer> {
  const salt = Buffer.from(crypto.kdfparams.salt, 'hex');
  return crypto.kdf === 'scrypt'
    ? deriveScrypt(password, salt, crypto.kdfparams)
    : derivePbkdf2(password, salt, crypto.kdfparams.c, crypto.kdfparams.dklen, 'sha256');
}

/** RFC 7914 wants n < 2^(16 r), and OpenSSL takes nothing else; files of several programs, and the specification's own example, have n = 2^18 with r = 1. */
async function deriveScrypt(password: string, salt: Buffer, { dklen, ...cost }: ScryptCost & { readonly dklen: number }): Promise<Buffer> {
  if (cost.n < 2 ** (16 * cost.r)) return derive(password, salt, dklen, scryptOptions(cost));
  return Buffer.from(await scryptAsync(password, salt, { N: cost.n, r: cost.r, p: cost.p, dkLen: dklen }));
}

const scryptOptions = ({ n, r, p }: ScryptCost): ScryptOptions => ({ N: n, r, p, maxmem: 128 * n * r * p + 128 * r * (n + p + 4) });
const macOf = (derived: Uint8Array, ciphertext: Uint8Array): Buffer => Buffer.from(keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext]), 'bytes'));

/** A text that only the same password opens again: AES-256-GCM, hex. */
export interface SealedText {
  readonly nonce: string;
  readonly ciphertext: string;
  readonly tag: string;
}

const textKey = (derived: Uint8Array): Buffer => Buffer.from(hkdfSync('sha256', derived, new Uint8Array(), 'omninode/wallet/phrase/1', 32));

export function sealText(text: string, derived: Uint8Array): SealedText {
  const [key, nonce] = [textKey(derived), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  key.fill(0);
  return { nonce: nonce.toString('hex'), ciphertext: ciphertext.toString('hex'), tag: cipher.getAuthTag().toString('hex') };
}

/** Throws for what was changed. */
export function openText({ nonce, ciphertext, tag }: SealedText, derived: Uint8Array): string {
  const key = textKey(derived);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'hex')).setAuthTag(Buffer.from(tag, 'hex'));
  key.fill(0);
  return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'hex')), decipher.final()]).toString('utf8');
}
