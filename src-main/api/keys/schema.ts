import { z } from 'zod';

/** What a key opens: answers, vectors, the list of models, what the node counts, the node itself. */
export const SCOPES = ['chat', 'embeddings', 'models', 'metrics', 'admin'] as const;
export const scopeSchema = z.enum(SCOPES);
export type Scope = z.infer<typeof scopeSchema>;

export const KEY_LIMITS = { maxKeys: 1_000, maxNameChars: 100, maxFileBytes: 1_048_576, maxPerMinute: 100_000 } as const;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));

/** What is kept of a key: nothing that it could be found from. */
export const keptKeySchema = z.strictObject({
  id: hex(6),
  name: z.string().max(KEY_LIMITS.maxNameChars),
  scopes: z.array(scopeSchema).min(1).max(SCOPES.length),
  /** Requests a minute. */
  perMinute: z.number().int().min(1).max(KEY_LIMITS.maxPerMinute),
  /** Unix time in ms. */
  createdAtMs: z.number().int().min(0),
  salt: hex(16),
  /** SHA-256 of salt and secret; the secret has 256 random bits, so that a slow hash would protect nothing more. */
  hash: hex(32),
});
export type KeptKey = Readonly<z.infer<typeof keptKeySchema>>;

export const keyFileSchema = z.strictObject({ version: z.literal(1), keys: z.array(keptKeySchema).max(KEY_LIMITS.maxKeys) });

/** A key as its owner may see it again. */
export type KeyInfo = Omit<KeptKey, 'salt' | 'hash'>;
export const infoOf = ({ salt: _salt, hash: _hash, ...info }: KeptKey): KeyInfo => info;
