import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatZoneKey, newZoneKey, parseZoneKey, readZoneKey, writeZoneKey, zoneName } from './zone-key.ts';

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-zone-'));
  path = join(folder, 'home/zone.key');
});
afterEach(() => rm(folder, { recursive: true }));

test('a key is kept as 64 digits and a line’s end, for its owner only, with nothing left beside it', async () => {
  const key = newZoneKey();
  await writeZoneKey(path, key);
  expect(await readFile(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(Buffer.from(await readZoneKey(path)).equals(key)).toBe(true);
  expect(await readdir(join(folder, 'home'))).toEqual(['zone.key']);
});

test('a key that is there is never replaced, nor by one of many at once', async () => {
  const keys = Array.from({ length: 8 }, newZoneKey);
  const results = await Promise.allSettled(keys.map((key) => writeZoneKey(path, key)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'ZONE_KEY_EXISTS', fault: 'user' } });
  const kept = formatZoneKey(await readZoneKey(path));
  expect(keys.map(formatZoneKey)).toContain(kept);
});

test.each([['empty', ''], ['too short', 'ab\n'], ['upper case', `${'A'.repeat(64)}\n`], ['no digits', `${'z'.repeat(64)}\n`], ['too long', 'a'.repeat(65)], ['huge', 'a'.repeat(1_000_000)]])('a file that is %s is no key', async (_what, text) => {
  await writeFile(join(folder, 'zone.key'), text, { mode: 0o600 });
  await expect(readZoneKey(join(folder, 'zone.key'))).rejects.toMatchObject({ code: 'ZONE_KEY_CORRUPT', fault: 'user' });
});

test('a key that is not there says where it was looked for and what to do', async () => {
  await expect(readZoneKey(path)).rejects.toMatchObject({ code: 'ZONE_KEY_MISSING', meta: { path }, next: expect.stringContaining('zone new-key') });
});

test.skipIf(process.platform === 'win32')('a key that others may read is refused', async () => {
  await writeZoneKey(path, newZoneKey());
  await chmod(path, 0o640);
  await expect(readZoneKey(path)).rejects.toMatchObject({ code: 'ZONE_KEY_READABLE_BY_OTHERS', next: expect.stringContaining('chmod 600') });
});

test('a zone’s name says which key, and nothing of the key', () => {
  const key = parseZoneKey('01'.repeat(32))!;
  expect(zoneName(key)).toBe(zoneName(parseZoneKey(formatZoneKey(key))!));
  expect(zoneName(key)).not.toBe(zoneName(newZoneKey()));
  expect(formatZoneKey(key)).not.toContain(zoneName(key));
});
