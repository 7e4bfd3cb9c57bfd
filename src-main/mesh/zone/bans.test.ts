import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { BanList, banSubject } from './bans.ts';
import { BANS_CHECK_MS, MAX_BAN_REASON } from './constants.ts';

const PEER = '12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq';
const HOUR = 3_600_000;
let folder = '';
let path = '';
let clock: ManualClock;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-bans-'));
  path = join(folder, 'bans.json');
  clock = new ManualClock(1_000_000);
});
afterEach(() => rm(folder, { recursive: true }));
const open = (): BanList => new BanList(path, clock);

test('a ban is kept with its reason and expiry, over a restart, for its owner only', async () => {
  await open().add(PEER, { reason: 'floods', durationMs: HOUR });
  const again = open();
  expect(await again.list()).toEqual([{ subject: PEER, reason: 'floods', sinceMs: 1_000_000, untilMs: 1_000_000 + HOUR }]);
  expect(again.isBanned(PEER)).toBe(true);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  clock.advance(HOUR);
  expect(again.isBanned(PEER)).toBe(false);
  expect(await open().list()).toEqual([]);
});

test('what another process writes is noticed, and lifting too', async () => {
  const [node, cli] = [open(), open()];
  await node.refresh();
  await cli.add('203.0.113.7', { reason: '' });
  await node.refresh();
  expect(node.isBanned('203.0.113.7')).toBe(false);
  clock.advance(BANS_CHECK_MS);
  await node.refresh();
  expect(node.isBanned('203.0.113.7')).toBe(true);
  expect(await cli.remove('203.0.113.7')).toBe(true);
  expect(await cli.remove('203.0.113.7')).toBe(false);
  clock.advance(BANS_CHECK_MS);
  await node.refresh();
  expect(node.isBanned('203.0.113.7')).toBe(false);
});

test('of bans made at once none is lost, and those that are over are thrown out', async () => {
  const list = open();
  await list.add('192.0.2.1', { reason: 'old', durationMs: 1 });
  clock.advance(2);
  await Promise.all(Array.from({ length: 20 }, (_, i) => list.add(`198.51.100.${i}`, { reason: 'x'.repeat(2 * MAX_BAN_REASON) })));
  const kept = JSON.parse(await readFile(path, 'utf8')) as { bans: { subject: string; reason: string }[] };
  expect(kept.bans).toHaveLength(20);
  expect(kept.bans.every(({ reason }) => reason.length === MAX_BAN_REASON)).toBe(true);
});

test.each(['{', '[]', '{"version":2,"bans":[]}', '{"version":1,"bans":[{"subject":"evil","reason":"","sinceMs":0,"untilMs":null}]}'])('%s is no list of bans, and is left as it is', async (text) => {
  await writeFile(path, text);
  await expect(open().list()).rejects.toMatchObject({ code: 'ZONE_BANS_UNREADABLE', fault: 'user' });
  await expect(open().add(PEER, { reason: '' })).rejects.toMatchObject({ code: 'ZONE_BANS_UNREADABLE' });
  expect(await readFile(path, 'utf8')).toBe(text);
});

test.each([[PEER, PEER], ['203.0.113.7', '203.0.113.7'], ['::ffff:203.0.113.7', '203.0.113.7'], ['2001:DB8:0::1', '2001:db8::1']])('%s is banned as %s', (given, kept) => expect(banSubject(given)).toBe(kept));
test.each(['', 'evil', '203.0.113', '/ip4/203.0.113.7', `${PEER}x`])('"%s" cannot be banned', (text) => expect(() => banSubject(text)).toThrow(/neither a peer id nor an IP/));

test('without a path bans last as long as the process', async () => {
  const list = new BanList(undefined, clock);
  await list.add(PEER, { reason: '' });
  await list.refresh();
  expect(list.isBanned(PEER)).toBe(true);
  expect(await list.list()).toHaveLength(1);
});
