import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSmallFile, systemClock, writeAtomically, type Clock } from '../../base/index.ts';
import { apiErrors } from '../errors.ts';
import { infoOf, KEY_LIMITS, keyFileSchema, type KeptKey, type KeyInfo, type Scope } from './schema.ts';
import { newSecret } from './secret.ts';

const pathIn = (home: string): string => join(home, 'api-keys.json');

/** Changes when the file does; undefined where there is none. */
export const stampOf = (home: string): Promise<string | undefined> =>
  stat(pathIn(home), { bigint: true }).then(({ mtimeNs, size, ino }) => `${mtimeNs}-${size}-${ino}`, () => undefined);

/** @throws API_KEYS_UNREADABLE */
export async function readKeys(home: string): Promise<readonly KeptKey[]> {
  const path = pathIn(home);
  const unreadable = (reason: string, cause?: unknown) => apiErrors.keysUnreadable({ path, reason }, cause);
  const text = await readSmallFile(path, { limitBytes: KEY_LIMITS.maxFileBytes, tooLarge: (bytes) => unreadable(`it has ${bytes} bytes`) });
  if (text === undefined) return [];
  try {
    return keyFileSchema.parse(JSON.parse(text)).keys;
  } catch (error) {
    throw unreadable('it is no list of keys', error);
  }
}

const write = (home: string, keys: readonly KeptKey[]): Promise<void> =>
  writeAtomically(pathIn(home), async (file) => void (await file.writeFile(`${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`)), 0o600);

export interface KeyRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly perMinute: number;
}

/** `text` is nowhere else from now on. */
export interface MadeKey extends KeyInfo {
  readonly text: string;
}

/** @throws API_KEYS_UNREADABLE, API_TOO_MANY_KEYS */
export async function makeKey(home: string, { name, scopes, perMinute }: KeyRequest, clock: Clock = systemClock): Promise<MadeKey> {
  const keys = await readKeys(home);
  if (keys.length >= KEY_LIMITS.maxKeys) throw apiErrors.tooManyKeys({ limit: KEY_LIMITS.maxKeys });
  const { text, ...secret } = newSecret();
  const key: KeptKey = { ...secret, name: name.slice(0, KEY_LIMITS.maxNameChars), scopes: [...new Set(scopes)], perMinute, createdAtMs: clock.now() };
  await write(home, [...keys, key]);
  return { ...infoOf(key), text };
}

/** @throws API_KEYS_UNREADABLE */
export const listKeys = async (home: string): Promise<KeyInfo[]> => (await readKeys(home)).map(infoOf);

/** By id, or by a name that one key alone has. @throws API_KEYS_UNREADABLE, API_NO_SUCH_KEY */
export async function removeKey(home: string, idOrName: string): Promise<KeyInfo> {
  const keys = await readKeys(home);
  const meant = keys.filter(({ id, name }) => id === idOrName || name === idOrName);
  const [key] = meant;
  if (key === undefined || meant.length > 1) throw apiErrors.noSuchKey({ key: idOrName.slice(0, KEY_LIMITS.maxNameChars), found: meant.length });
  await write(home, keys.filter((one) => one !== key));
  return infoOf(key);
}
