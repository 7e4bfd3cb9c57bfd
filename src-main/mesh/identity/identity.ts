import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { writeAtomically } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import type { IdentityOption } from '../options.ts';

/** An Ed25519 key in libp2p's protobuf has 68 bytes (36 for the seed alone); anything much larger is another file. */
const MAX_IDENTITY_BYTES = 1024;
const OWNER_ONLY = 0o600;

/** The node's key: new, or the one kept in a file. Throws MESH_IDENTITY_CORRUPT, MESH_IDENTITY_READABLE_BY_OTHERS. */
export async function loadIdentity(identity: IdentityOption): Promise<Ed25519PrivateKey> {
  if (identity.kind === 'ephemeral') return generateKeyPair('Ed25519');
  return (await readIdentity(identity.path)) ?? createIdentity(identity.path);
}

async function readIdentity(path: string): Promise<Ed25519PrivateKey | undefined> {
  const file = await open(path, 'r').catch(ignore('ENOENT'));
  if (file === undefined) return undefined;
  return readKey(file, path).finally(() => file.close());
}

async function readKey(file: FileHandle, path: string): Promise<Ed25519PrivateKey> {
  const { mode, size } = await file.stat();
  // Windows has no such bits; there the home folder's ACL guards the file.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw meshErrors.identityReadableByOthers({ path, mode: (mode & 0o777).toString(8) });
  if (size > MAX_IDENTITY_BYTES) throw meshErrors.identityCorrupt({ path });
  return parseKey(await file.readFile(), path);
}

function parseKey(bytes: Uint8Array, path: string): Ed25519PrivateKey {
  const key = decode(bytes, path);
  if (key.type !== 'Ed25519') throw meshErrors.identityCorrupt({ path });
  return key;
}

function decode(bytes: Uint8Array, path: string): ReturnType<typeof privateKeyFromProtobuf> {
  try {
    return privateKeyFromProtobuf(bytes);
  } catch (cause) {
    throw meshErrors.identityCorrupt({ path }, cause);
  }
}

/** Written whole under a name of its own, then linked: of two first starts at once one wins, and both use its key. */
async function createIdentity(path: string): Promise<Ed25519PrivateKey> {
  const key = await generateKeyPair('Ed25519');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const candidate = `${path}.${randomBytes(4).toString('hex')}.new`;
  try {
    await writeAtomically(candidate, async (file) => void (await file.writeFile(privateKeyToProtobuf(key))), OWNER_ONLY);
    await link(candidate, path).catch(ignore('EEXIST'));
  } finally {
    await rm(candidate, { force: true });
  }
  return (await readIdentity(path)) ?? key;
}

const ignore = (code: string) => (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== code) throw error;
};
