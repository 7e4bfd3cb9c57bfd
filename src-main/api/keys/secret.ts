import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeptKey } from './schema.ts';

const SHAPE = /^omni_([0-9a-f]{12})_([\w-]{43})$/;

/** The text that a client sends, and what is kept of it. */
export function newSecret(): { readonly text: string } & Pick<KeptKey, 'id' | 'salt' | 'hash'> {
  const [id, salt, secret] = [randomBytes(6).toString('hex'), randomBytes(16).toString('hex'), randomBytes(32).toString('base64url')];
  return { text: `omni_${id}_${secret}`, id, salt, hash: hashOf(salt, secret).toString('hex') };
}

/** The id in the text of a key; undefined when it is none. */
export const keyIdOf = (text: string): string | undefined => SHAPE.exec(text)?.[1];

/** Takes the same time however much of it is right. */
export function isSecretOf(text: string, { id, salt, hash }: KeptKey): boolean {
  const [, named, secret] = SHAPE.exec(text) ?? [];
  return named === id && secret !== undefined && timingSafeEqual(hashOf(salt, secret), Buffer.from(hash, 'hex'));
}

const hashOf = (salt: string, secret: string): Buffer => createHash('sha256').update(Buffer.from(salt, 'hex')).update(secret).digest();
