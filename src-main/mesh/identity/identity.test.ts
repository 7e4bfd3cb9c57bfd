import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadIdentity } from './identity.ts';

let folder = '';
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-identity-')); });
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string) => ({ kind: 'file' as const, path: join(folder, name) });
const idOf = async (name: string): Promise<string> => (await loadIdentity(at(name))).publicKey.toString();

test('a new identity is kept, for its owner only, with nothing left beside it', async () => {
  const first = await idOf('home/identity.key');
  expect(await idOf('home/identity.key')).toBe(first);
  expect((await stat(join(folder, 'home/identity.key'))).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'home'))).toEqual(['identity.key']);
});

test('of many first starts at once all get the same key', async () => {
  const ids = await Promise.all(Array.from({ length: 16 }, () => idOf('identity.key')));
  expect(new Set(ids).size).toBe(1);
  expect(await readdir(folder)).toEqual(['identity.key']);
});

test('ephemeral identities differ', async () => {
  const [a, b] = [await loadIdentity({ kind: 'ephemeral' }), await loadIdentity({ kind: 'ephemeral' })];
  expect(a.equals(b)).toBe(false);
});

const secp = async (): Promise<Uint8Array> => privateKeyToProtobuf(await generateKeyPair('secp256k1'));
test.each([
  ['empty', async () => new Uint8Array(0)],
  ['text', async () => Buffer.from('not a key')],
  ['far too large', async () => new Uint8Array(1_000_000)],
  ['of another kind', secp],
])('a key file that is %s is corrupt, and is left as it is', async (_what, bytes) => {
  const { path } = at('identity.key');
  await writeFile(path, await bytes(), { mode: 0o600 });
  const before = (await stat(path)).size;
  await expect(idOf('identity.key')).rejects.toMatchObject({ code: 'MESH_IDENTITY_CORRUPT', fault: 'user', meta: { path } });
  expect((await stat(path)).size).toBe(before);
});

test.skipIf(process.platform === 'win32')('a key that others may read is refused', async () => {
  await idOf('identity.key');
  await chmod(at('identity.key').path, 0o644);
  await expect(idOf('identity.key')).rejects.toMatchObject({ code: 'MESH_IDENTITY_READABLE_BY_OTHERS', next: expect.stringContaining('chmod 600') });
});
