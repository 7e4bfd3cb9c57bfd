import { createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeAtomically } from '../../base/index.ts';
import { zoneErrors } from './errors.ts';

declare const zoneKeyBrand: unique symbol;
/** ZONE_KEY_BYTES random bytes that every member of a private zone holds. A secret: it is written to its file and to invites, nowhere else. */
export type ZoneKey = Uint8Array & { readonly [zoneKeyBrand]: true };

export const ZONE_KEY_BYTES = 32;
const TEXT = new RegExp(`^[0-9a-f]{${2 * ZONE_KEY_BYTES}}$`);
const TEXT_BYTES = 2 * ZONE_KEY_BYTES + 1;
const OWNER_ONLY = 0o600;
const NAME_LABEL = 'omninode zone name v1';
const NAME_BYTES = 8;

export const newZoneKey = (): ZoneKey => randomBytes(ZONE_KEY_BYTES) as Uint8Array as ZoneKey;

/** As it stands in its file, without the line's end: lower-case hexadecimal digits. */
export const formatZoneKey = (key: ZoneKey): string => Buffer.from(key).toString('hex');

/** Undefined for what is no key. */
export function parseZoneKey(text: string): ZoneKey | undefined {
  return TEXT.test(text) ? (Buffer.from(text, 'hex') as Uint8Array as ZoneKey) : undefined;
}

/** What a zone is called where its key may not be seen: two keys have two names, and the name tells nothing of the key (RFC 2104). */
export const zoneName = (key: ZoneKey): string => createHmac('sha256', key).update(NAME_LABEL).digest().subarray(0, NAME_BYTES).toString('hex');

/** Throws ZONE_KEY_MISSING, ZONE_KEY_CORRUPT, ZONE_KEY_READABLE_BY_OTHERS. */
export async function readZoneKey(path: string): Promise<ZoneKey> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? zoneErrors.keyMissing({ path }, error) : error;
  });
  return readKey(file, path).finally(() => file.close());
}

async function readKey(file: FileHandle, path: string): Promise<ZoneKey> {
  const { mode, size } = await file.stat();
  // Windows has no such bits; there the home folder's ACL guards the file.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw zoneErrors.keyReadableByOthers({ path, mode: (mode & 0o777).toString(8) });
  // An editor may have left the line's end out, or made it two bytes.
  const key = size > TEXT_BYTES + 1 ? undefined : parseZoneKey((await file.readFile('utf8')).trimEnd());
  if (key === undefined) throw zoneErrors.keyCorrupt({ path });
  return key;
}

/** Kept for its owner only. A key that is there stays: whoever loses it is shut out of its zone. Throws ZONE_KEY_EXISTS. */
export async function writeZoneKey(path: string, key: ZoneKey): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const candidate = `${path}.${randomBytes(4).toString('hex')}.new`;
  try {
    await writeAtomically(candidate, async (file) => void (await file.writeFile(`${formatZoneKey(key)}\n`)), OWNER_ONLY);
    await link(candidate, path);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? zoneErrors.keyExists({ path }, error) : error;
  } finally {
    await rm(candidate, { force: true });
  }
}
